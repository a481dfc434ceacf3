"""Connections in the developer API: which providers a business uses, tried, tested, rotated, ordered and stopped.

No answer holds a secret: what is answered to a POST with an Idempotency-Key is kept.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Status

from campaigns.operating import connection_jobs, connection_tries
from campaigns.operating import connection_shapes as shapes
from tenants.access.middleware import actor_of, key_of, require_scope
from tenants.accounts.models import Brand, Tenant
from tenants.activation import depending, jobs
from tenants.connections import checking, connecting, hooks, rotating
from tenants.connections.models import Connection
from tenants.journal import audit
from tenants.journal.models import Task
from tenants.webhooks import opaque
from winback.problems import Problem
from winback.queues import AWAITED, enqueue

router = Router(tags=["Connections"])
SCOPE = "connections:manage"
_TRIES = 20


@router.get("/providers", summary="What can be connected, and what each is told", response=shapes.Providers)
def providers(request: HttpRequest) -> dict[str, Any]:
    require_scope(request, SCOPE)
    return {"providers": shapes.provider_shapes()}


@router.get(
    "",
    summary="Your connections, in the order in which they are used",
    description="Needs `connections:manage`.",
    response=shapes.Connections,
)
def list_connections(request: HttpRequest, kind: shapes.Kind | None = None) -> dict[str, Any]:
    require_scope(request, SCOPE)
    rows = _rows(request).order_by("kind", "priority", "pk")
    return {"connections": [shapes.shape(row) for row in (rows.filter(kind=kind) if kind else rows)]}


@router.post(
    "",
    summary="Connect a provider",
    description="It is in use at once, and tried within seconds: see `found` and `/tries`. 409 `connection_exists` "
    "when there is one of this name: change that. Needs `connections:manage`.",
    response={201: shapes.ConnectionShape},
)
def add_connection(request: HttpRequest, body: shapes.ConnectionRequest) -> Status[dict[str, Any]]:
    require_scope(request, SCOPE)
    tenant, now = key_of(request).tenant, timezone.now()
    options = _given(body.settings) | _limits(body.limits)
    try:
        provider = checking.provider_of(body.kind, body.provider)
        checking.check_given(provider, kind=body.kind, credentials=body.credentials, options=options)
        checking.check_whole(provider, credentials=body.credentials, options=options)
    except checking.ConnectionRefused as error:
        raise _refused(error) from error
    connection = connecting.add(
        tenant,
        kind=body.kind,
        provider=body.provider,
        label=body.label.strip() or provider.label,
        credentials=body.credentials,
        options=options,
        brand=_brand(tenant, body.brand),
        now=now,
        actor=actor_of(request),
    )
    if connection is None:
        raise Problem(409, "connection_exists", "There is a connection of this kind and name: change it instead.")
    _try_soon(request, connection)
    return Status(201, _shown(request, connection))


@router.post(
    "/order",
    summary="Say in which order those of a kind are used",
    description="422 unless each of them is named once. Needs `connections:manage`.",
    response=shapes.Connections,
)
def arrange(request: HttpRequest, body: shapes.OrderRequest) -> dict[str, Any]:
    require_scope(request, SCOPE)
    tenant, now = key_of(request).tenant, timezone.now()
    keys = [_number(request, each) for each in body.connections]
    if not depending.arrange(tenant, body.kind, keys, now=now, actor=actor_of(request)):
        text = "Name each connection of this kind once, and no other: GET /api/connections lists them."
        raise _refused(checking.ConnectionRefused("connections", text))
    return list_connections(request, body.kind)


@router.get("/{connection_id}", summary="One connection", response=shapes.ConnectionShape)
def one_connection(request: HttpRequest, connection_id: str) -> dict[str, Any]:
    return shapes.shape(_connection(request, connection_id))


@router.patch(
    "/{connection_id}",
    summary="Give it new credentials, settings or limits, or to another brand",
    description="202: they are tried, and take the old ones' place when the provider answers to them; until then, and "
    "when it does not, the old ones are used (`change`, `change_problem`). 200: only the brand was changed. Another "
    "host or address needs the secrets that are sent there anew (422). Needs `connections:manage`.",
    response={200: shapes.ConnectionShape, 202: shapes.ConnectionShape},
)
def change_connection(
    request: HttpRequest, connection_id: str, body: shapes.ConnectionChange
) -> Status[dict[str, Any]]:
    # Held: of two changes at the same time the second is made to what the first left.
    connection = _connection(request, connection_id, held=True)
    now, actor, tenant = timezone.now(), actor_of(request), connection.tenant
    told = body.dict(exclude_unset=True)
    changed = {**(told.get("settings") or {}), **(told.get("limits") or {})}
    secrets = told.get("credentials") or {}
    brand = _brand(tenant, body.brand)  # before anything is kept: a refusal changes nothing
    if secrets or changed:
        kept, options = rotating.latest_or_none(connection)
        options = _given(options | changed)
        try:
            provider = checking.provider_of(connection.kind, connection.provider)
            checking.check_given(provider, kind=connection.kind, credentials=secrets, options=changed)
            checking.check_whole(provider, credentials={**kept, **secrets}, options=options)
            rotating.propose(connection, credentials=secrets, options=options, now=now, actor=actor)
        except checking.ConnectionRefused as error:
            raise _refused(error) from error
        enqueue(jobs.try_proposed, queue=AWAITED, tenant=tenant.pk, connection=connection.pk, actor=actor)
    if "brand" in told:
        depending.give_to(connection, brand, now=now, actor=actor)
    return Status(202 if secrets or changed else 200, _shown(request, connection))


@router.post(
    "/{connection_id}/probe",
    summary="Ask whether it answers",
    description="Nothing is sent. What it answered stands in `/tries` within seconds. Needs `connections:manage`.",
    response={202: shapes.Try},
)
def probe(request: HttpRequest, connection_id: str) -> Status[dict[str, Any]]:
    return Status(202, shapes.try_shape(_try_soon(request, _connection(request, connection_id))))


@router.post(
    "/{connection_id}/test",
    summary="Send a test through it",
    description="An e-mail to a member of the team, or a text to a phone whose owner expects it; what became of it "
    "stands in `/tries`. 422 `no_test_there` says why none may go there. Needs `connections:manage`.",
    response={202: shapes.Try},
)
def send_test(request: HttpRequest, connection_id: str, body: shapes.TestRequest) -> Status[dict[str, Any]]:
    connection = _connection(request, connection_id)
    try:
        task = connection_tries.ask(connection, body.to, now=timezone.now(), actor=actor_of(request))
    except connection_tries.NoTestThere as error:
        raise Problem(422, "no_test_there", str(error)) from error
    enqueue(connection_jobs.carry_out, queue=AWAITED, tenant=task.tenant_id, task=task.pk)
    return Status(202, shapes.try_shape(task))


@router.get(
    "/{connection_id}/tries", summary="What its probes and tests came to, the latest first", response=shapes.Tries
)
def tries(request: HttpRequest, connection_id: str) -> dict[str, Any]:
    connection = _connection(request, connection_id)
    rows = Task.objects.for_tenant(connection.tenant_id).filter(
        kind__in=connection_tries.KINDS, arguments__connection=connection.pk
    )
    return {"tries": [shapes.try_shape(task) for task in rows.order_by("-created_at", "-pk")[:_TRIES]]}


@router.post(
    "/{connection_id}/pause",
    summary="Let nothing leave through it until it is resumed",
    description="The next one of its kind takes over. Needs `connections:manage`.",
    response=shapes.ConnectionShape,
)
def pause(request: HttpRequest, connection_id: str) -> dict[str, Any]:
    return _switched(request, connection_id, depending.pause)


@router.post(
    "/{connection_id}/resume",
    summary="Use it again, whoever or whatever stopped it",
    description="Needs `connections:manage`.",
    response=shapes.ConnectionShape,
)
def resume(request: HttpRequest, connection_id: str) -> dict[str, Any]:
    return _switched(request, connection_id, depending.resume)


@router.get(
    "/{connection_id}/webhook",
    summary="Where its provider is to report deliveries, bounces and opt-outs",
    description="As good as a password: each reading is kept in the audit. 404 where this provider reports nothing.",
    response=shapes.Webhook,
)
def webhook(request: HttpRequest, response: HttpResponse, connection_id: str) -> Mapping[str, Any]:
    connection = _connection(request, connection_id)
    shown = shapes.webhook_shape(connection)
    if shown is None:
        raise _missing()
    now, actor = timezone.now(), actor_of(request)
    audit.append(connection.tenant_id, actor=actor, action="connection.webhook_read", now=now, subject=connection)
    response["Cache-Control"] = "no-store"
    return shown


@router.post(
    "/{connection_id}/replace-webhook",
    summary="Give it a new address to report to",
    description="The old one is worth nothing at once. Read the new one at `/webhook`. Needs `connections:manage`.",
    response=shapes.Done,
)
def replace_webhook(request: HttpRequest, connection_id: str) -> dict[str, Any]:
    connection = _connection(request, connection_id)
    if shapes.webhook_shape(connection) is None:
        raise _missing()
    hooks.replace_address(connection, actor=actor_of(request), now=timezone.now())
    return {"done": True}


def _given(options: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (options or {}).items() if value is not None}


def _limits(limits: shapes.Limits | None) -> dict[str, Any]:
    return _given(limits.dict()) if limits is not None else {}


def _rows(request: HttpRequest) -> Any:
    return Connection.objects.for_tenant(key_of(request).tenant_id).select_related("tenant", "brand")


def _connection(request: HttpRequest, text: str, *, held: bool = False) -> Connection:
    require_scope(request, SCOPE)
    rows = _rows(request).select_for_update(of=("self",)) if held else _rows(request)
    connection: Connection | None = rows.filter(pk=_number(request, text)).first()
    if connection is None:
        raise _missing()
    return connection


def _switched(request: HttpRequest, connection_id: str, deed: Callable[..., bool]) -> dict[str, Any]:
    connection = _connection(request, connection_id)
    deed(connection, now=timezone.now(), actor=actor_of(request))
    return _shown(request, connection)


def _shown(request: HttpRequest, connection: Connection) -> dict[str, Any]:
    """As it stands in the database now."""
    return shapes.shape(_rows(request).get(pk=connection.pk))


def _number(request: HttpRequest, text: str) -> int:
    try:
        return opaque.read("connection", key_of(request).tenant_id, text)
    except opaque.NotAnId as error:
        raise _missing() from error


def _brand(tenant: Tenant, code: str | None) -> Brand | None:
    if code is None:
        return None
    brand: Brand | None = Brand.objects.for_tenant(tenant).filter(code=code).first()
    if brand is None:
        raise _refused(checking.ConnectionRefused("brand", "There is no brand with this code."))
    return brand


def _try_soon(request: HttpRequest, connection: Connection) -> Task:
    task = connection_tries.ask_probe(connection, now=timezone.now(), actor=actor_of(request))
    enqueue(connection_jobs.carry_out, queue=AWAITED, tenant=task.tenant_id, task=task.pk)
    return task


def _missing() -> Problem:
    return Problem(404, "not_found", "There is nothing at this address.")


def _refused(error: checking.ConnectionRefused) -> Problem:
    pointer = "#/" + error.field.replace(".", "/")
    errors = [{"path": error.field, "pointer": pointer, "message": str(error)}]
    return Problem(422, "connection_invalid", str(error), errors=errors)
