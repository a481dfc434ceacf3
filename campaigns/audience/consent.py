"""Facts about permission: added, never changed; of yes and no to one purpose over a channel the latest holds."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from campaigns.audience.models import Channel, Consent, Contact
from tenants.accounts.models import Tenant
from tenants.journal import audit

DECISIONS = (Consent.State.GIVEN, Consent.State.WITHDRAWN)
GROUNDS = (Consent.State.SOFT_OPT_IN, Consent.State.INQUIRED)


class NotRecorded(ValueError):
    """What somebody reports of a person cannot be kept; ``faults`` has the field and the sentence of each."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__(" ".join(sentence for _, sentence in faults))
        self.faults = faults


def record_consent(
    contact: Contact,
    channel: str,
    state: str,
    *,
    stated_at: datetime | None,
    source: str,
    now: datetime,
    actor: str,
    wording: str = "",
    evidence: Mapping[str, Any] | None = None,
    purpose: str = Consent.MARKETING,
) -> Consent:
    """Keep what the person said, where, and in which words."""
    kept: Consent = Consent.objects.create(
        tenant_id=contact.tenant_id,
        contact=contact,
        channel=channel,
        purpose=purpose,
        state=state,
        stated_at=stated_at,
        source=source[:300],
        wording=wording,
        evidence=dict(evidence or {}),
        recorded_at=now,
        recorded_by=actor[:200],
    )
    return kept


def report_consent(
    contact: Contact,
    channel: str,
    state: str,
    *,
    purpose: str,
    stated_at: datetime,
    source: str,
    wording: str,
    evidence: Mapping[str, Any],
    now: datetime,
    actor: str,
) -> Consent:
    """Keep what the business says that a person said, with an entry in the audit; raises NotRecorded."""
    faults = list(faults_of(contact, channel, state, purpose=purpose, stated_at=stated_at, wording=wording, now=now))
    if not source.strip():
        faults.append(("source", "Say where they said it."))
    if faults:
        raise NotRecorded(faults)
    kept = record_consent(
        contact, channel, state, stated_at=stated_at, source=source, now=now, actor=actor, wording=wording,
        evidence=evidence, purpose=purpose,
    )  # fmt: skip
    audit.append(contact.tenant_id, actor=actor, action="consent.added", now=now, subject=kept)
    return kept


def faults_of(
    contact: Contact, channel: str, state: str, *, purpose: str, stated_at: datetime, wording: str, now: datetime
) -> Iterator[tuple[str, str]]:
    """Why what is reported of a person cannot be kept, as (field, sentence)."""
    if contact.state != Contact.State.ACTIVE:
        yield "contact", "This contact was erased, or merged into another."
    if stated_at > now:
        yield "stated_at", "This lies in the future: nobody has said it yet."
    if state == Consent.State.GIVEN and not wording.strip():
        yield "wording", "A yes is worth what it was said to: give the words."
    if state == Consent.State.GIVEN and _said_no_since(contact, channel, purpose, stated_at, now=now):
        yield "stated_at", "They said no after that: only a later yes can be recorded."
    if purpose == Consent.TRACKING and channel != Channel.EMAIL:
        yield "channel", "Nothing in a text is followed: choose e-mail."
    elif purpose == Consent.TRACKING and state in GROUNDS:
        yield "state", "Following somebody needs a yes: neither a purchase nor an inquiry stands in for it."
    elif state in GROUNDS and channel == Channel.SMS:
        yield "channel", "A text needs a yes: neither a purchase nor an inquiry stands in for it."


def latest_decision(
    contact: Contact, channel: str, purpose: str = Consent.MARKETING, *, now: datetime
) -> Consent | None:
    """The yes or no that holds; in a replay there are yeses that nobody has said yet."""
    said = Consent.objects.for_tenant(contact.tenant_id).filter(
        contact=contact, channel=channel, purpose=purpose, state__in=DECISIONS
    )
    found: Consent | None = said.exclude(state=Consent.State.GIVEN, stated_at__gt=now).order_by("-id").first()
    return found


def number_to_come(tenant: Tenant, *, now: datetime) -> int:
    """How many permissions on file hold only from a later moment on: a replay reads files that were written since."""
    permissions = Consent.objects.for_tenant(tenant).exclude(state=Consent.State.WITHDRAWN)
    return permissions.filter(stated_at__gt=now).count()


def _said_no_since(contact: Contact, channel: str, purpose: str, at: datetime, *, now: datetime) -> bool:
    latest = latest_decision(contact, channel, purpose, now=now)
    if latest is None or latest.state != Consent.State.WITHDRAWN:
        return False
    return bool((latest.stated_at or latest.recorded_at) >= at)
