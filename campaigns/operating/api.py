"""Contacts in the developer API: why one is or is not written to, and stopping it."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from campaigns.audience.models import Contact
from campaigns.operating.explaining import NoSuchContact, explain, find_contact
from campaigns.operating.stopping import stop_writing
from tenants.access.middleware import key_of, require_scope
from winback.problems import Problem

router = Router(tags=["Contacts"])


class Writable(Schema):
    """Whether the contact may be written to over a channel, and what every guard said."""

    allowed: bool
    reasons: list[str]
    not_before: str | None = Field(description="When its quiet hours end; null: now, or not at all.")
    household_cap_reached_since: str | None
    verdicts: list[dict[str, Any]]


class Explanation(Schema):
    """Why, and what comes next."""

    contact: str
    dormant: bool
    reasons: list[str]
    writable: dict[str, Writable]
    next: dict[str, Any] | None
    episode: dict[str, Any] | None
    enrolment: dict[str, Any] | None
    last_job_at: str | None


class SuppressionRequest(Schema):
    """Whom to stop writing to, and why."""

    contact: str = Field(description="External id, e-mail address or phone number.", max_length=254)
    channel: Literal["email", "sms", "all"] = "all"
    reason: str = Field("api", max_length=40, pattern=r"^[a-z][a-z0-9_]*$")


class SuppressionAnswer(Schema):
    """Whether anything new was kept."""

    suppressed: bool


def _contact(request: HttpRequest, text: str) -> Contact:
    try:
        return find_contact(key_of(request).tenant, text)
    except NoSuchContact as error:
        raise Problem(404, "contact_not_found", "There is no such contact.") from error


@router.get(
    "/explain",
    summary="Why a contact is or is not written to",
    description="Why it is or is not dormant, enrolled, and writable over each channel, with the verdict and facts of "
    "every guard, and what comes next. Needs the scope `contacts:read`. The same answer as `manage.py explain`.",
    response=Explanation,
)
def explain_contact(
    request: HttpRequest,
    contact: Annotated[str, Query(description="External id, e-mail address or phone number.", max_length=254)],
) -> dict[str, Any]:
    require_scope(request, "contacts:read")
    return explain(key_of(request).tenant, _contact(request, contact), now=timezone.now())


@router.post(
    "/suppress",
    summary="Stop writing to a contact",
    description="At once and until the person says otherwise: the API cannot lift it. Needs `contacts:write`.",
    response=SuppressionAnswer,
)
def suppress_contact(request: HttpRequest, body: SuppressionRequest) -> dict[str, Any]:
    require_scope(request, "contacts:write")
    key, now = key_of(request), timezone.now()
    contact = _contact(request, body.contact)
    stopped = stop_writing(
        key.tenant, [contact], channel=body.channel, reason=body.reason, now=now, actor=f"API key {key.prefix}"
    )
    return {"suppressed": bool(stopped)}
