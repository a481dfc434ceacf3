"""What happened to one contact and what is planned, from every room, the latest first, a page at a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce

from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.audience.models import Consent, Contact, Job
from campaigns.planning.models import Enrolment, Message
from campaigns.results.models import Reactivation
from campaigns.tracking.models import Interaction
from tenants.journal.models import Event
from winback.console import formatting
from winback.console.columns import address_of
from winback.console.components import TimelineEntry, Tone
from winback.console.formatting import words

PAGE = 25

_MESSAGE_TONES: dict[str, Tone] = {
    "delivered": "good", "handed_over": "good", "bounced": "bad", "complained": "bad", "failed": "bad",
    "blocked": "warn", "unknown": "warn", "postponed": "info", "planned": "info", "claimed": "info",
}  # fmt: skip
_INTERACTION_TONES: dict[str, Tone] = {
    "booked": "good", "replied": "good", "clicked": "info", "delivered": "good", "bounced": "bad", "complained": "bad",
    "unsubscribed": "bad",
}  # fmt: skip
# Events that no row below tells better.
_EVENTS = {
    "contact.suppressed": "Suppressed",
    "contact.suppression_lifted": "Suppression lifted",
    "contact.tagged": "Tagged",
    "contact.untagged": "Tag removed",
    "episode.moved": "Moved to a later cohort",
    "episode.reopened": "Lapse opened again",
    "contact.erased": "Erased",
    "contact.merged": "Merged",
    "contact.restricted": "Processing restricted",
    "contact.restriction_lifted": "Restriction lifted",
    "booking.confirmed": "Booking confirmed",
    "booking.declined": "Booking declined",
}
_BY = {"email": "e-mail", "sms": "text"}
_WAITING = (Message.State.PLANNED, Message.State.POSTPONED, Message.State.CLAIMED)


@dataclass(frozen=True)
class Timeline:
    """One page, and from where the next one goes on (None: that was all)."""

    entries: list[TimelineEntry]
    older: datetime | None


def timeline(contact: Contact, *, before: datetime | None = None) -> Timeline:
    """The page of entries before this moment. What is planned stands on the first one, whenever it is due."""
    ranked = [(entry.at, place, entry) for place, source in enumerate(_SOURCES) for entry in source(contact, before)]
    found = [entry for _, _, entry in sorted(ranked, key=lambda one: one[:2], reverse=True)]
    if len(found) <= PAGE:
        return Timeline(found, None)
    edge = found[PAGE - 1].at
    page = [entry for entry in found if entry.at >= edge]  # whatever shares the last moment stays together
    return Timeline(page, edge if len(page) < len(found) else None)


def _of(model: Any, contact: Contact) -> Any:
    return model.objects.for_tenant(contact.tenant_id).filter(contact=contact)


def _page(rows: Any, column: str, before: datetime | None) -> Iterable[Any]:
    """The latest rows that have this moment, earlier than ``before`` where it is given."""
    earlier = {f"{column}__lt": before} if before is not None else {f"{column}__isnull": False}
    return rows.filter(**earlier).order_by(f"-{column}", "-pk")[: PAGE + 1]  # type: ignore[no-any-return]


def _messages(contact: Contact, before: datetime | None) -> list[TimelineEntry]:
    of_contact = _of(Message, contact)
    rows = of_contact.annotate(at=Coalesce(F("handed_over_at"), F("due_at")))
    return [
        TimelineEntry(
            at=row.at,
            title=f"{words(row.step_code)} by {_BY.get(row.channel, row.channel)}: {row.get_state_display().lower()}"
            + (" (held out, never sent)" if row.state == Message.State.GHOST else ""),
            detail=row.subject if row.subject and not row.reason else words(row.reason) if row.reason else "",
            tone=_MESSAGE_TONES.get(row.state, "plain"),
            url=address_of(row),
            planned=row.state in _WAITING,
        )
        for row in _page(rows, "at", before)
    ]


def _jobs(contact: Contact, before: datetime | None) -> list[TimelineEntry]:
    return [
        TimelineEntry(
            at=job.completed_at,
            title=f"{job.service or 'Job'}: {job.get_status_display().lower()}",
            detail=formatting.money(job.amount_minor, job.currency),
            tone="good" if job.status == Job.Status.COMPLETED else "plain",
            url=address_of(job),
            planned=job.status == Job.Status.SCHEDULED,
        )
        for job in _page(_of(Job, contact), "completed_at", before)
    ]


def _interactions(contact: Contact, before: datetime | None) -> list[TimelineEntry]:
    return [
        TimelineEntry(
            row.occurred_at, row.get_kind_display(), tone=_INTERACTION_TONES.get(row.kind, "plain"), url=address_of(row)
        )
        for row in _page(_of(Interaction, contact), "occurred_at", before)
    ]


def _lapses(contact: Contact, before: datetime | None) -> list[TimelineEntry]:
    return [
        TimelineEntry(
            row.opened_at,
            "Went quiet: a lapse was opened",
            f"Nothing since {formatting.day(row.lapsed_from.date())}",
            tone="warn",
            url=address_of(row),
        )
        for row in _page(_of(DormancyEpisode, contact), "opened_at", before)
    ]


def _closings(contact: Contact, before: datetime | None) -> list[TimelineEntry]:
    return [
        TimelineEntry(
            row.closed_at,
            f"Lapse closed: {words(row.closed_by).lower()}",
            tone="good" if row.closed_by == DormancyEpisode.ClosedBy.BUSINESS else "plain",
        )
        for row in _page(_of(DormancyEpisode, contact), "closed_at", before)
    ]


def _enrolments(contact: Contact, before: datetime | None) -> list[TimelineEntry]:
    rows = _of(Enrolment, contact).select_related("campaign")
    return [
        TimelineEntry(
            row.enrolled_at,
            f"Enrolled in “{row.campaign.name}”" + (" as held out" if row.arm == "held_out" else ""),
            tone="info",
            url=address_of(row),
        )
        for row in _page(rows, "enrolled_at", before)
    ]


def _endings(contact: Contact, before: datetime | None) -> list[TimelineEntry]:
    return [
        TimelineEntry(row.ended_at, f"Sequence ended: {words(row.ended_by).lower()}")
        for row in _page(_of(Enrolment, contact), "ended_at", before)
    ]


def _returns(contact: Contact, before: datetime | None) -> list[TimelineEntry]:
    return [
        TimelineEntry(
            row.reactivated_at,
            "Came back" + (" (held out)" if row.arm == "held_out" else ""),
            formatting.money(row.amount_minor, row.currency),
            tone="good",
            url=address_of(row),
        )
        for row in _page(_of(Reactivation, contact), "reactivated_at", before)
    ]


def _consents(contact: Contact, before: datetime | None) -> list[TimelineEntry]:
    return [
        TimelineEntry(
            row.recorded_at,
            f"{words(row.purpose if row.purpose == Consent.TRACKING else row.channel)} consent "
            f"{row.get_state_display().lower()}",
            row.source,
            tone="good" if row.state == Consent.State.GIVEN else "bad",
            url=address_of(row),
        )
        for row in _page(_of(Consent, contact), "recorded_at", before)
    ]


def _events(contact: Contact, before: datetime | None) -> list[TimelineEntry]:
    rows = Event.objects.for_tenant(contact.tenant_id).filter(contact_id=contact.pk, kind__in=list(_EVENTS))
    return [
        TimelineEntry(row.occurred_at, _EVENTS[row.kind], _detail(row.data))
        for row in _page(rows, "occurred_at", before)
    ]


def _detail(data: dict[str, Any]) -> str:
    return ", ".join(
        str(data[name]) for name in ("name", "tag", "reason", "channel", "cohort_months", "note") if data.get(name)
    )


# What happens at one moment stands in the order in which it follows from each other, the last on top.
_SOURCES = (
    _consents, _jobs, _lapses, _enrolments, _messages, _interactions, _returns, _closings, _endings, _events,
)  # fmt: skip
