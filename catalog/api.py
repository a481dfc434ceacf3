"""The catalog in the developer API: what can be switched on, the same for every tenant."""

import hashlib
import json
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from catalog.models import Module
from winback.problems import Problem

router = Router(tags=["Catalog"])


def record_of(module: Module) -> dict[str, Any]:
    """A module's whole record, as its file says it, with the checksum of that content."""
    return {**module.content, "status": module.status, "version": module.version, "checksum": module.checksum}


@router.get(
    "/modules",
    summary="The modules, or one of them",
    description="With `code` the record of that module, else the list. Answers with an ETag; send it back in "
    "`If-None-Match` and get 304 while nothing has changed. `niche` leaves those recommended for that niche.",
    response={200: Any, 304: None},
)
def modules(
    request: HttpRequest,
    code: Annotated[str, Query(description="Such as `dormant_customer_reactivation`.")] = "",
    niche: Annotated[str, Query(description="Such as `hvac`.")] = "",
) -> HttpResponse:
    if code:
        module = Module.objects.filter(code=code).first()
        if module is None:
            raise Problem(404, "module_not_found", f"There is no module {code!r}.")
        return tagged(request, record_of(module))
    records = [record_of(module) for module in Module.objects.order_by("code")]
    if niche:
        records = [record for record in records if niche in record["recommended_niches"]]
    return tagged(request, {"modules": records})


def tagged(request: HttpRequest, body: dict[str, Any]) -> HttpResponse:
    """The body with its ETag, or 304 when the client has it already."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")}
    if tag in known or "*" in known:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(text, content_type="application/json; charset=utf-8", headers=headers)
