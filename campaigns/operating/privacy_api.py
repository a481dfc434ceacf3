"""The rights of a person in the developer API: what is held on them, restricting, erasing."""

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Router, Schema

from campaigns.operating import erasing, exporting, hosts, restricting
from campaigns.operating.api import contact_of
from campaigns.operating.elsewhere import WHAT_TO_DO
from campaigns.operating.joining import find_one
from tenants.access.middleware import actor_of, key_of, require_scope
from tenants.journal import audit
from winback.problems import Problem

router = Router(tags=["Contacts"])
WHO = "`contact` is its external id, e-mail address or phone number, or # and its number, encoded for a URL."


class EraseRequest(Schema):
    """Says that it is meant: it cannot be taken back."""

    confirm: Literal["erase"] = Field(description="The word `erase`.")


class RestrictRequest(Schema):
    """Why the processing is restricted: article 18(1)(a) to (d)."""

    ground: Literal["accuracy_contested", "unlawful", "claims", "objection"] = "accuracy_contested"


class RestrictAnswer(Schema):
    """Whether that is new."""

    restricted: bool


class Elsewhere(Schema):
    """A copy that is not ours to remove, and what to do about it."""

    what: str
    name: str
    to_do: str


class HostFiles(Schema):
    """Each host keeps files of its own (outbox, rows of imports that were not taken) and forgets in them by itself."""

    hosts: int
    done: int = Field(description="How many of them have forgotten the person in their files.")
    latest_at: str | None = Field(description="When the latest of these did; null: none has yet.")


class Proof(Schema):
    """The record that stays of an erasing. It names nobody."""

    erasure: int
    people: int
    state: str = Field(description="`done`; `finishing` while a message that was on its way is waited for.")
    erased_at: str
    removed: dict[str, int]
    elsewhere: list[Elsewhere]
    host_files: HostFiles


@router.get(
    "/{contact}/data",
    summary="Everything that is held on one person",
    description=f"One JSON document, as `manage.py export_contact` writes it. {WHO} Needs `contacts:privacy`.",
    response={200: dict[str, Any]},
)
def contact_data(request: HttpRequest, contact: str) -> HttpResponse:
    require_scope(request, "contacts:privacy")
    key, now, row = key_of(request), timezone.now(), contact_of(request, contact, find=find_one)
    audit.append(key.tenant_id, actor=actor_of(request), action="contact.exported", now=now, subject=row)
    answer = HttpResponse(
        exporting.written(exporting.export(key.tenant, row, now=now)), content_type="application/json"
    )
    answer["Cache-Control"] = "no-store"
    return answer


@router.post(
    "/{contact}/restrict",
    summary="Restrict the processing of one person",
    description="Neither scanned, planned for nor written to until a manager lifts it in the console; the API cannot. "
    f"{WHO} 409 `not_restricted` when it was erased or merged. Needs `contacts:write`.",
    response=RestrictAnswer,
)
def restrict_contact(request: HttpRequest, contact: str, body: RestrictRequest) -> dict[str, Any]:
    require_scope(request, "contacts:write")
    row = contact_of(request, contact, find=find_one)
    try:
        made = restricting.restrict(row, ground=body.ground, now=timezone.now(), actor=actor_of(request))
    except restricting.NotRestricted as error:
        raise Problem(409, "not_restricted", str(error)) from error
    return {"restricted": made}


@router.post(
    "/{contact}/erase",
    summary="Erase a person",
    description="From every table and file here, for good; the answer is the proof, which names nobody and lists what "
    f"is not ours to remove. {WHO} 409 `not_erased` when the person was erased before. Needs `contacts:privacy`.",
    response=Proof,
)
def erase_contact(request: HttpRequest, contact: str, body: EraseRequest) -> dict[str, Any]:  # noqa: ARG001
    require_scope(request, "contacts:privacy")
    key = key_of(request)
    try:
        proof = erasing.erase(
            key.tenant, [contact_of(request, contact, find=find_one)], now=timezone.now(), actor=actor_of(request)
        )  # fmt: skip
    except erasing.CannotErase as error:
        raise Problem(409, "not_erased", str(error)) from error
    files = hosts.gone_through(proof)
    return {
        "erasure": proof.pk,
        "people": proof.people,
        "state": proof.state,
        "erased_at": proof.erased_at.isoformat(),
        "removed": proof.removed,
        "elsewhere": [one | {"to_do": WHAT_TO_DO[one["what"]]} for one in proof.elsewhere],
        "host_files": {
            "hosts": files.hosts,
            "done": files.done,
            "latest_at": files.latest_at.isoformat() if files.latest_at else None,
        },
    }
