"""The consent runway in the developer API: the same numbers as the command's and the console's."""

from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from campaigns.compliance import runway
from tenants.access.middleware import key_of, require_scope
from winback.problems import Problem

router = Router(tags=["Compliance"])


class RunwayLine(Schema):
    """How many lose permission over one channel, for one reason (docs/reasons.md)."""

    channel: str
    reason: str
    rule: str | None = Field(description="The dated rule that ends (catalog/data/consent_rules.yaml).")
    within_30: int
    within_60: int
    within_90: int


class Runway(Schema):
    """Who may be written to today and will not be."""

    as_of: date
    total: dict[str, int]
    by: list[RunwayLine]


class RunwayPerson(Schema):
    """One person over one channel."""

    contact: str
    channel: str
    reason: str
    lawful_until: date
    days_left: int


class RunwayPeople(Schema):
    """A page of them, the first to be lost first."""

    people: list[RunwayPerson]
    next: str | None = Field(description="Give it as `after` for the next page.")


@router.get(
    "/runway",
    summary="Who loses permission in 30, 60 and 90 days",
    description="By channel and by what ends: consent implied by business, or the limit of silence. `contacts:read`.",
    response=Runway,
)
def consent_runway(request: HttpRequest) -> dict[str, Any]:
    require_scope(request, "contacts:read")
    tenant, now = key_of(request).tenant, timezone.now()
    return {"as_of": now.astimezone(tenant.zone).date(), **runway.report(runway.look(tenant, now=now, most=0).lines)}


@router.get(
    "/runway/people",
    summary="Who they are",
    description="With the last day on which each may be written to. Needs `contacts:read`.",
    response=RunwayPeople,
)
def runway_people(
    request: HttpRequest,
    within: Annotated[int, Query(ge=1, le=90, description="Days.")] = 90,
    channel: Literal["", "email", "sms", "call"] = "",
    after: Annotated[str, Query(max_length=60)] = "",
) -> dict[str, Any]:
    require_scope(request, "contacts:read")
    try:
        tenant, now = key_of(request).tenant, timezone.now()
        found = runway.look(tenant, now=now, within=within, channel=channel, after=after).people
    except runway.NoSuchPlace as error:
        raise Problem(422, "request_invalid", str(error)) from error
    return {
        "people": [
            {
                "contact": person.external_id or str(person.contact_id),
                "channel": person.channel,
                "reason": person.reason,
                "lawful_until": person.lawful_until,
                "days_left": person.days_left,
            }
            for person in found
        ],
        "next": found[-1].cursor if len(found) == runway.PAGE else None,
    }
