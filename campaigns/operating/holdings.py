"""Every table that can hold something about a person: what is handed out of it, and what erasing does to it.

A test walks all models: one that is neither here nor among those that name nobody fails it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet

from campaigns import models as ours
from campaigns.audience.people import People, households_of
from tenants.access.models import IdempotentRequest
from tenants.journal.models import AuditEntry, Event, Task
from tenants.webhooks.models import WebhookDelivery

Find = Callable[[People], Q]


@dataclass(frozen=True)
class Holding:
    """One table: how it is called in an export, whose rows are a person's, and what becomes of them (in words)."""

    model: type[Model]
    name: str
    label: str
    fate: str
    find: Find
    hidden: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    def rows(self, people: People) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model._default_manager.for_tenant(people.tenant)  # type: ignore[attr-defined]
        return rows.filter(self.find(people)).order_by("pk")


def _by_contact(people: People) -> Q:
    return Q(contact_id__in=people.ids)


def _messages(people: People) -> Any:
    return ours.Message.objects.for_tenant(people.tenant).filter(contact__in=people.ids).values("pk")


def _by_message(people: People) -> Q:
    return Q(message__in=_messages(people))


def _conversations(people: People) -> Any:
    rows = ours.Conversation.objects.for_tenant(people.tenant)
    return rows.filter(Q(contact__in=people.ids) | Q(address_hmac__in=people.digests)).values("pk")


def _audited(people: People) -> Q:
    """Acts upon a row of theirs, and those that name one of them by number."""
    bookings = ours.BookingRequest.objects.for_tenant(people.tenant).filter(contact__in=people.ids).values("pk")
    found = Q(subject_kind="contact", subject_id__in=people.ids)
    found |= Q(subject_kind="message", subject_id__in=_messages(people))
    found |= Q(subject_kind="conversation", subject_id__in=_conversations(people))
    found |= Q(subject_kind="bookingrequest", subject_id__in=bookings)
    for number in people.ids:
        found |= Q(data__contacts__contains=[number]) | Q(data__contact=number) | Q(data__loser=number)
    return found


def _named(*fields: str) -> Find:
    """Rows whose texts name them: them, and nobody whose address theirs is a part of."""

    def find(people: People) -> Q:
        found = Q(pk__in=())
        for pattern in people.patterns:
            for field in fields:
                found |= Q(**{f"{field}__iregex": pattern})
        return found

    return find


HOLDINGS: tuple[Holding, ...] = (
    Holding(ours.Contact, "contact", "Contacts", "emptied", lambda people: Q(pk__in=people.ids)),
    Holding(
        ours.Household, "household", "Households", "given another key",
        lambda people: Q(pk__in=[row.pk for row in households_of(people)]),
    ),
    Holding(ours.ContactStat, "figures", "Figures of contacts", "emptied of services", _by_contact),
    Holding(ours.ContactTag, "tags", "Tags", "removed", _by_contact),
    Holding(ours.Job, "jobs", "Jobs", "emptied but for day, amount and state", _by_contact),
    Holding(ours.Consent, "consents", "Consents", "emptied but for channel, answer and day", _by_contact),
    Holding(
        ours.Suppression, "suppressions", "Suppressions", "kept as keyed digests, without notes",
        lambda people: Q(address_hmac__in=people.digests) | Q(contact_id__in=people.ids),
    ),
    Holding(ours.Assignment, "assignments", "Draws of the experiment", "kept under another key", _by_contact),
    Holding(ours.DormancyEpisode, "lapses", "Lapses", "closed", _by_contact),
    Holding(ours.Enrolment, "enrolments", "Enrolments", "ended", _by_contact),
    Holding(ours.Message, "messages", "Messages", "cancelled or emptied", _by_contact),
    Holding(ours.Touch, "touches", "Touches", "emptied", _by_message),
    Holding(
        ours.Interaction, "interactions", "Interactions", "emptied of words and devices",
        lambda people: _by_contact(people) | _by_message(people),
    ),
    Holding(ours.BookingRequest, "bookings", "Booking requests", "emptied and declined", _by_contact),
    Holding(
        ours.Conversation, "conversations", "Conversations", "emptied and closed",
        lambda people: Q(pk__in=_conversations(people)),
    ),
    Holding(
        ours.ThreadText, "texts", "Texts", "emptied", lambda people: Q(conversation__in=_conversations(people))
    ),
    Holding(ours.Reactivation, "reactivations", "Returns credited", "kept", _by_contact),
    Holding(Event, "events", "Journal", "emptied of words", _by_contact),
    Holding(AuditEntry, "audit", "Audit log", "kept: it holds numbers alone", _audited),
    Holding(WebhookDelivery, "webhook_deliveries", "Deliveries to your systems", "emptied", _by_contact),
    Holding(ours.ImportBatch, "imports", "Imports", "renamed where they name them", _named("file_name", "error")),
    Holding(Task, "tasks", "Tasks", "emptied where they name them", _named("arguments", "result", "error")),
    Holding(
        IdempotentRequest, "api_answers", "Answers of the API", "removed where they name them", _named("key", "body")
    ),
    Holding(
        ours.Erasure, "erasures", "Proofs of erasing", "kept: they name nobody",
        lambda people: Q(contacts__overlap=people.ids),
    ),
)  # fmt: skip

HELD_OTHERWISE = {ours.InboxItem: "reports of providers, as they came: searched by address (tracking/forgetting.py)"}
"""What has no column that leads to a person."""

NAMES_NOBODY = {
    "Brand", "Campaign", "CapabilityEvidence", "Checkpoint", "Connection", "DataEvidence", "DomainRamp",
    "ModuleActivation", "Offer", "RecipientDomain", "SendingDomain", "SimulatedDay", "Step", "TrackedLink", "Usage",
    "Variant", "WebhookEndpoint",
    # Of the business's own people, and of the platform.
    "ApiKey", "Host", "InstallationKey", "Membership", "PlatformSuppression", "ScheduledTask", "Tenant", "User",
}  # fmt: skip
"""Models about no customer. A domain where only erased people are goes, too (compliance/forgetting.py)."""
