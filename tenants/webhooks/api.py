"""Outgoing webhooks in the developer API: endpoints, their secrets, deliveries, and sending again."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status

from tenants.access.middleware import actor_of, key_of, require_scope
from tenants.webhooks import endpoints, opaque, replaying
from tenants.webhooks.endpoints import EndpointRefused, Wanted
from tenants.webhooks.kinds import KINDS
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenants.webhooks.payloads import webhook_id
from winback.problems import Problem

router = Router(tags=["Webhooks"])
SCOPE = "webhooks:manage"
PAGE = 100


class KindShape(Schema):
    """One kind of event."""

    kind: str
    says: str


class Kinds(Schema):
    """What an endpoint can be told of."""

    kinds: list[KindShape]


class EndpointRequest(Schema):
    """Where to call, and of what."""

    url: str = Field(description="Begins with `https://`; a public address.", max_length=500)
    kinds: list[str] = Field(description="Of `GET /api/webhooks/kinds`.", max_length=100)
    description: str = Field("", max_length=200)
    personal: bool = Field(False, description="Names, e-mail addresses and phone numbers go along, too.")


class EndpointChange(Schema):
    """What is to be different; what is left out stays."""

    url: str | None = Field(None, max_length=500)
    kinds: list[str] | None = Field(None, max_length=100)
    description: str | None = Field(None, max_length=200)
    personal: bool | None = None
    state: Literal["active", "disabled"] | None = None


class EndpointShape(Schema):
    """An endpoint. Its secret is read by itself, while it is new."""

    id: str
    url: str
    description: str
    kinds: list[str]
    personal: bool
    state: str
    disabled_reason: str | None
    failing_since: datetime | None
    last_arrived_at: datetime | None
    created_at: datetime


class Endpoints(Schema):
    endpoints: list[EndpointShape]


class SecretShape(Schema):
    secret: str = Field(description="`whsec_…`, by Standard Webhooks.")


class RotateRequest(Schema):
    """Whether the old secret ends at once instead of signing beside the new one for 24 hours."""

    at_once: bool = False


class ReplayRequest(Schema):
    """What to send again: what happened in this period and did not arrive, or all of it."""

    since: datetime
    until: datetime
    arrived_too: bool = False


class ReplayAnswer(Schema):
    again: int = Field(description="Sent again, with the webhook-id that they had.")
    missed: int = Field(description="Never told before: the endpoint was switched off, or did not exist yet.")


class DeliveryShape(Schema):
    """One delivery, and what was answered the last time."""

    id: str = Field(description="The `webhook-id`.")
    kind: str
    state: str
    occurred_at: datetime
    attempts: int
    next_try_at: datetime | None
    status: int | None
    excerpt: str
    error: str


class Deliveries(Schema):
    deliveries: list[DeliveryShape]
    next: str | None = Field(description="Give it as `after` for the next page.")


class Done(Schema):
    done: bool


@router.get("/kinds", summary="What an endpoint can be told of", response=Kinds)
def kinds(request: HttpRequest) -> dict[str, Any]:
    require_scope(request, SCOPE)
    return {"kinds": [{"kind": kind.code, "says": kind.says} for kind in KINDS.values()]}


@router.get("", summary="Your endpoints", description="Needs `webhooks:manage`.", response=Endpoints)
def list_endpoints(request: HttpRequest) -> dict[str, Any]:
    require_scope(request, SCOPE)
    rows = WebhookEndpoint.objects.for_tenant(key_of(request).tenant_id).order_by("created_at", "pk")
    return {"endpoints": [_shape(row) for row in rows]}


@router.post(
    "",
    summary="Add an endpoint",
    description="Told of what happens from now on. Read its secret at `/secret` within an hour. `webhooks:manage`.",
    response={201: EndpointShape},
)
def add_endpoint(request: HttpRequest, body: EndpointRequest) -> Status[dict[str, Any]]:
    require_scope(request, SCOPE)
    key = key_of(request)
    try:
        endpoint, _ = endpoints.create(key.tenant, Wanted(**body.dict()), now=timezone.now(), actor=actor_of(request))
    except EndpointRefused as error:
        raise _refused(error) from error
    return Status(201, _shape(endpoint))


@router.get("/{endpoint_id}", summary="One endpoint", response=EndpointShape)
def one_endpoint(request: HttpRequest, endpoint_id: str) -> dict[str, Any]:
    return _shape(_endpoint(request, endpoint_id))


@router.patch("/{endpoint_id}", summary="Change an endpoint, or switch it off and on", response=EndpointShape)
def change_endpoint(request: HttpRequest, endpoint_id: str, body: EndpointChange) -> dict[str, Any]:
    endpoint = _endpoint(request, endpoint_id)
    now, actor = timezone.now(), actor_of(request)
    known = {name: getattr(endpoint, name) for name in ("url", "kinds", "description", "personal")}
    given = {name: value for name, value in body.dict(exclude={"state"}).items() if value is not None}
    try:
        endpoints.change(endpoint, Wanted(**known | given), now=now, actor=actor)
    except EndpointRefused as error:
        raise _refused(error) from error
    if body.state == "disabled":
        endpoints.disable(endpoint, reason="person", now=now, actor=actor)
    elif body.state == "active":
        endpoints.enable(endpoint, now=now, actor=actor)
    endpoint.refresh_from_db()
    return _shape(endpoint)


@router.delete("/{endpoint_id}", summary="Remove an endpoint and its deliveries", response=Done)
def remove_endpoint(request: HttpRequest, endpoint_id: str) -> dict[str, Any]:
    endpoints.remove(_endpoint(request, endpoint_id), now=timezone.now(), actor=actor_of(request))
    return {"done": True}


@router.get(
    "/{endpoint_id}/secret",
    summary="The newest secret, within an hour of its making",
    description="Each reading is kept in the audit. Later: 410, make a new one.",
    response=SecretShape,
)
def secret(request: HttpRequest, endpoint_id: str) -> dict[str, Any]:
    text = endpoints.secret_for_program(_endpoint(request, endpoint_id), now=timezone.now(), actor=actor_of(request))
    if text is None:
        raise Problem(410, "secret_not_shown_any_more", "A secret can be read for an hour: make a new one.")
    return {"secret": text}


@router.post("/{endpoint_id}/rotate-secret", summary="Make a new secret", response=Done)
def rotate_secret(request: HttpRequest, endpoint_id: str, body: RotateRequest) -> dict[str, Any]:
    # Not in the answer: what is answered to a POST with an Idempotency-Key is kept, and this must not be.
    endpoint = _endpoint(request, endpoint_id)
    endpoints.rotate(endpoint, at_once=body.at_once, now=timezone.now(), actor=actor_of(request))
    return {"done": True}


@router.post("/{endpoint_id}/test", summary="Queue a test delivery", response={202: DeliveryShape})
def send_test(request: HttpRequest, endpoint_id: str) -> Status[dict[str, Any]]:
    endpoint = _endpoint(request, endpoint_id)
    if endpoint.state != WebhookEndpoint.State.ACTIVE:
        raise Problem(409, "endpoint_disabled", "The endpoint is switched off: switch it on first.")
    return Status(202, _delivery_shape(endpoints.send_test(endpoint, now=timezone.now(), actor=actor_of(request))))


@router.post("/{endpoint_id}/replay", summary="Send a period again", response={202: ReplayAnswer})
def replay(request: HttpRequest, endpoint_id: str, body: ReplayRequest) -> Status[dict[str, Any]]:
    endpoint = _endpoint(request, endpoint_id)
    if body.since.tzinfo is None or body.until.tzinfo is None:
        raise Problem(422, "request_invalid", "Write times with their zone, such as 2026-09-30T12:00:00Z.")
    try:
        done = replaying.replay(endpoint, now=timezone.now(), actor=actor_of(request), **body.dict())
    except replaying.NoPeriod as error:
        raise Problem(422, "request_invalid", str(error)) from error
    return Status(202, {"again": done.again, "missed": done.missed})


@router.get("/{endpoint_id}/deliveries", summary="What it was told, the latest first", response=Deliveries)
def deliveries(
    request: HttpRequest,
    endpoint_id: str,
    state: Literal["", "waiting", "arrived", "given_up"] = "",
    after: Annotated[str, Query(max_length=60)] = "",
) -> dict[str, Any]:
    endpoint = _endpoint(request, endpoint_id)
    rows = WebhookDelivery.objects.for_tenant(endpoint.tenant_id).filter(endpoint=endpoint)
    if state:
        rows = rows.filter(state=state)
    if after:
        rows = rows.filter(pk__lt=_number("delivery", request, after))
    found = list(rows.order_by("-pk")[:PAGE])
    return {
        "deliveries": [_delivery_shape(row) for row in found],
        "next": webhook_id(found[-1]) if len(found) == PAGE else None,
    }


@router.post("/{endpoint_id}/deliveries/{delivery_id}/replay", summary="Send one again", response={202: Done})
def replay_one(request: HttpRequest, endpoint_id: str, delivery_id: str) -> Status[dict[str, Any]]:
    endpoint = _endpoint(request, endpoint_id)
    rows = WebhookDelivery.objects.for_tenant(endpoint.tenant_id).filter(endpoint=endpoint)
    row = rows.filter(pk=_number("delivery", request, delivery_id)).first()
    if row is None:
        raise _missing()
    return Status(202, {"done": replaying.replay_one(row, now=timezone.now(), actor=actor_of(request))})


def _endpoint(request: HttpRequest, text: str) -> WebhookEndpoint:
    require_scope(request, SCOPE)
    rows = WebhookEndpoint.objects.for_tenant(key_of(request).tenant_id)
    endpoint: WebhookEndpoint | None = rows.filter(pk=_number("endpoint", request, text)).first()
    if endpoint is None:
        raise _missing()
    return endpoint


def _number(kind: str, request: HttpRequest, text: str) -> int:
    try:
        return opaque.read(kind, key_of(request).tenant_id, text)
    except opaque.NotAnId as error:
        raise _missing() from error


def _missing() -> Problem:
    return Problem(404, "not_found", "There is nothing at this address.")


def _refused(error: EndpointRefused) -> Problem:
    errors = [{"path": error.field, "pointer": f"#/{error.field}", "message": str(error)}]
    return Problem(422, "endpoint_invalid", str(error), errors=errors)


def _shape(endpoint: WebhookEndpoint) -> dict[str, Any]:
    shown = ("url", "description", "kinds", "personal", "state", "failing_since", "last_arrived_at", "created_at")
    return {
        "id": opaque.make("endpoint", endpoint.tenant_id, endpoint.pk),
        "disabled_reason": endpoint.disabled_reason or None,
        **{name: getattr(endpoint, name) for name in shown},
    }


def _delivery_shape(delivery: WebhookDelivery) -> dict[str, Any]:
    shown = ("kind", "state", "occurred_at", "attempts", "status", "excerpt", "error")
    waits = delivery.state == WebhookDelivery.State.WAITING
    return {
        "id": webhook_id(delivery),
        "next_try_at": delivery.next_try_at if waits else None,
        **{name: getattr(delivery, name) for name in shown},
    }
