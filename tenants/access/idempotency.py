"""Idempotency-Key: the same key answers the same, and the work is done once.

The row of the key is inserted before the work and in its transaction. A second request with the key waits for the
first one's commit at the unique index, then reads its answer. Answers are kept for KEPT_FOR.
"""

import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection
from django.http import HttpRequest, HttpResponse

from tenants.access.models import IdempotentRequest
from tenants.accounts.installation_keys import installation_key
from tenants.accounts.models import Tenant
from winback.problems import Problem

LONGEST_KEY = 255
KEPT_FOR = timedelta(days=3)
_RESERVE = """
INSERT INTO tenants_idempotentrequest (tenant_id, key, fingerprint, created_at)
VALUES (%(tenant)s, %(key)s, %(fingerprint)s, %(now)s)
ON CONFLICT (tenant_id, key) DO NOTHING
RETURNING id
"""


def answer_once(
    request: HttpRequest, tenant_id: int, respond: Callable[[HttpRequest], HttpResponse], *, now: datetime
) -> HttpResponse:
    """The answer to a POST with an Idempotency-Key. Only an answer that did something is kept (below 400)."""
    key = request.headers.get("Idempotency-Key", "")
    if request.method != "POST" or not key:
        return respond(request)
    if len(key) > LONGEST_KEY:
        raise Problem(400, "idempotency_key_too_long", f"An Idempotency-Key has at most {LONGEST_KEY} characters.")
    # Under a key that a copy of the database alone does not give: the body may hold a secret that could be guessed.
    said = b"\0".join([b"POST", request.get_full_path().encode(), request.body])
    mark = hmac.digest(installation_key("link"), b"idempotency:" + said, "sha256").hex()
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, {"tenant": tenant_id, "key": key, "fingerprint": mark, "now": now})
        reserved = cursor.fetchone()
    rows = IdempotentRequest.objects.for_tenant(tenant_id)
    if reserved is None:
        return _replay(rows.get(key=key), mark)
    response = respond(request)
    if response.status_code < 400 and not response.streaming:
        rows.filter(pk=reserved[0]).update(status=response.status_code, body=json.loads(response.content or b"null"))
    else:
        rows.filter(pk=reserved[0]).delete()
    return response


def _replay(row: IdempotentRequest, mark: str) -> HttpResponse:
    if row.fingerprint != mark:
        raise Problem(422, "idempotency_key_reused", "This Idempotency-Key was used with another request.")
    return HttpResponse(
        json.dumps(row.body, ensure_ascii=False),
        status=row.status or 200,
        content_type="application/json; charset=utf-8",
        headers={"Idempotent-Replayed": "true"},
    )


def tidy(tenant: Tenant, *, now: datetime) -> int:
    """Forget the answers that nobody asks for again; returns how many. Inside an open scope."""
    deleted, _ = IdempotentRequest.objects.for_tenant(tenant).filter(created_at__lt=now - KEPT_FOR).delete()
    return deleted
