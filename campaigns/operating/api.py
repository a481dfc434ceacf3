"""Contacts in the developer API: why one is or is not written to, and stopping it."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from ninja import Field, Query, Router, Schema
from pydantic import AwareDatetime

from campaigns.audience.consent import NotRecorded, report_consent
from campaigns.audience.merging import CannotMerge
from campaigns.audience.models import Contact
from campaigns.operating.evidence_downloads import download
from campaigns.operating.explaining import NoSuchContact, explain, find_contact
from campaigns.operating.joining import find_one, join
from campaigns.operating.stopping import stop_writing
from campaigns.planning.models import Campaign
from tenants.access.middleware import actor_of, key_of, require_scope
from tenants.accounts.models import Tenant
from tenants.journal import audit
from winback.problems import Problem

router = Router(tags=["Contacts"])


class Cap(Schema):
    """A cap that holds for the contact: so many messages to its household within so many hours."""

    rule: str = Field(description="`household` (the module's setting), or a row of catalog/data/frequency_caps.yaml.")
    source: str
    most: int
    hours: int
    touches: int = Field(description="How many count now.")
    full_until: str | None = Field(description="When there is room again; null: now.")
    place_known: bool = Field(description="False: it holds because the contact's country or state is not known.")


class Following(Schema):
    """Whether it is counted which e-mails the contact opens and which links it presses."""

    allowed: bool
    reason: str | None
    rule: str | None = Field(description="The rule that asks for a yes first (catalog/data/tracking_rules.yaml).")


class Writable(Schema):
    """Whether the contact may be written to over a channel, and what every guard said."""

    allowed: bool
    reasons: list[str]
    not_before: str | None = Field(description="When its quiet hours end; null: now, or not at all.")
    household_cap_reached_since: str | None
    caps: list[Cap]
    basis: str | None = Field(
        description="What was said (given, withdrawn), else what the rule asks (implied, opt_out, consent_needed)."
    )
    rule: str | None
    lawful_until: str | None = Field(description="The last day of it in the contact's zone; null: no end, or none.")
    verdicts: list[dict[str, Any]]


class Explanation(Schema):
    """Why, and what comes next."""

    contact: str
    dormant: bool
    reasons: list[str]
    writable: dict[str, Writable]
    following: Following
    next: dict[str, Any] | None
    episode: dict[str, Any] | None
    enrolment: dict[str, Any] | None
    last_job_at: str | None


class ConsentRequest(Schema):
    """What a person said, where, when and in which words, as the business can prove it."""

    contact: str = Field(description="External id, e-mail address or phone number.", max_length=254)
    purpose: Literal["marketing", "tracking"] = Field(
        "marketing", description="`tracking`: following opens of and clicks in e-mails; a yes or a no."
    )
    channel: Literal["email", "sms"] = "email"
    state: Literal["given", "withdrawn", "soft_opt_in", "inquired"]
    stated_at: AwareDatetime
    source: str = Field(description="Such as `paper form at the counter`.", min_length=1, max_length=300)
    wording: str = Field("", description="Word for word; a yes needs it.", max_length=10_000)
    evidence: dict[str, str] = Field({}, description="What could be shown to a court: ip, form, document …")


class ConsentAnswer(Schema):
    """What was kept. Nothing of it can be changed or deleted."""

    consent: int
    recorded_at: str


class SuppressionRequest(Schema):
    """Whom to stop writing to, and why."""

    contact: str = Field(description="External id, e-mail address or phone number.", max_length=254)
    channel: Literal["email", "sms", "all"] = "all"
    reason: str = Field("api", max_length=40, pattern=r"^[a-z][a-z0-9_]*$")


class SuppressionAnswer(Schema):
    """Whether anything new was kept."""

    suppressed: bool


class MergeRequest(Schema):
    """Which two contacts are one person, and which of them stays."""

    loser: str = Field(description="External id, e-mail address, phone number, or # and its number.", max_length=254)
    winner: str = Field(description="The same of the contact that stays.", max_length=254)


class MergeAnswer(Schema):
    """What went over; `across_arms`: the two were on different sides of the experiment, and both rows are flagged."""

    loser: str
    winner: str
    jobs: int
    tags: int
    episodes_closed: int
    enrolments_ended: int
    across_arms: bool


def contact_of(request: HttpRequest, text: str, *, find: Callable[[Tenant, str], Contact] = find_contact) -> Contact:
    """The contact that a request means; a 404 when there is none, or ``find`` will not guess."""
    try:
        return find(key_of(request).tenant, text)
    except NoSuchContact as error:
        raise Problem(404, "contact_not_found", "There is no such contact, or several fit.") from error


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
    return explain(key_of(request).tenant, contact_of(request, contact), now=timezone.now())


@router.get(
    "/evidence",
    summary="The proof for one contact",
    description="Everything on file about why it was written to or was not, as a file: verdicts with rule, version and "
    "facts, consent, suppressions, digests of the words. Needs `contacts:read`. As `manage.py export_evidence`.",
    response={200: bytes},
)
def contact_evidence(
    request: HttpRequest,
    contact: Annotated[str, Query(description="External id, e-mail address or phone number.", max_length=254)],
    format: Literal["jsonl", "csv"] = "jsonl",
) -> HttpResponseBase:
    require_scope(request, "contacts:read")
    return _proof(request, format, contact=contact_of(request, contact))


@router.get(
    "/evidence/campaign",
    summary="The proof for everybody in one campaign",
    description="The same for each contact of a campaign, of this campaign alone. Needs `contacts:read`.",
    response={200: bytes},
)
def campaign_evidence(
    request: HttpRequest,
    campaign: Annotated[str, Query(description="The campaign's code.", max_length=50)],
    format: Literal["jsonl", "csv"] = "jsonl",
) -> HttpResponseBase:
    require_scope(request, "contacts:read")
    found: Campaign | None = Campaign.objects.for_tenant(key_of(request).tenant).filter(code=campaign).first()
    if found is None:
        raise Problem(404, "campaign_not_found", "There is no such campaign.")
    return _proof(request, format, campaign=found)


def _proof(
    request: HttpRequest, file_format: str, *, contact: Contact | None = None, campaign: Campaign | None = None
) -> HttpResponseBase:
    key, now = key_of(request), timezone.now()
    subject = contact or campaign
    audit.append(key.tenant_id, actor=actor_of(request), action="evidence.exported", now=now, subject=subject)
    return download(key.tenant, now=now, contact=contact, campaign=campaign, file_format=file_format)


@router.post(
    "/merge",
    summary="Merge two contacts that are one person",
    description="Jobs, tags, what forbids and what the other lacks go to the winner; the loser is closed and what was "
    "planned for it ends. It cannot be taken back. 404 `contact_not_found` when one of them is unknown or several fit, "
    "409 `not_merged` when one was erased or merged before. Needs `contacts:write`.",
    response=MergeAnswer,
)
def merge_contacts(request: HttpRequest, body: MergeRequest) -> dict[str, Any]:
    require_scope(request, "contacts:write")
    key, now = key_of(request), timezone.now()
    try:
        loser, winner = (find_one(key.tenant, text) for text in (body.loser, body.winner))
        return join(loser, winner, now=now, actor=actor_of(request))
    except NoSuchContact as error:
        raise Problem(404, "contact_not_found", str(error)) from error
    except CannotMerge as error:
        raise Problem(409, "not_merged", str(error)) from error


@router.post(
    "/suppress",
    summary="Stop writing to a contact",
    description="At once and until the person says otherwise: the API cannot lift it. Needs `contacts:write`.",
    response=SuppressionAnswer,
)
def suppress_contact(request: HttpRequest, body: SuppressionRequest) -> dict[str, Any]:
    require_scope(request, "contacts:write")
    key, now = key_of(request), timezone.now()
    contact = contact_of(request, body.contact)
    stopped = stop_writing(
        key.tenant, [contact], channel=body.channel, reason=body.reason, now=now, actor=actor_of(request)
    )
    return {"suppressed": bool(stopped)}


@router.post(
    "/consent",
    summary="Record what a contact said",
    description="A yes or a no to messages over a channel, or to the following of opens and clicks; or a ground that "
    "some countries know. Added, never changed: a withdrawal is a fact of its own. 422 `consent_not_recorded` says why "
    "it proves nothing, with the field of each fault. Needs `contacts:write`.",
    response=ConsentAnswer,
)
def record_a_consent(request: HttpRequest, body: ConsentRequest) -> dict[str, Any]:
    require_scope(request, "contacts:write")
    told = body.dict(exclude={"contact"})
    try:
        kept = report_consent(contact_of(request, body.contact), **told, now=timezone.now(), actor=actor_of(request))
    except NotRecorded as error:
        errors = [{"path": field, "message": sentence} for field, sentence in error.faults]
        raise Problem(422, "consent_not_recorded", str(error), errors=errors) from error
    return {"consent": kept.pk, "recorded_at": kept.recorded_at.isoformat()}
