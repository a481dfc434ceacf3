"""What somebody of the business should look at: broken first, then what to check, then what to do."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Count, Min

from campaigns.audience.models import ImportBatch
from campaigns.operating.attention_files import files
from campaigns.operating.attention_webhooks import webhooks
from campaigns.operating.models import ScheduledTask
from campaigns.planning.campaigning import offer_faults
from campaigns.planning.models import Campaign, Message
from campaigns.tracking import refusals, reputation
from campaigns.tracking.models import BookingRequest, InboxItem
from campaigns.tracking.thread_models import Conversation
from tenants.access.console import attention_key
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tenants.connections.models import Connection
from tenants.journal.models import Task
from winback.console import formatting
from winback.console.columns import address_of
from winback.console.components import Attention

SECONDS = 60
REPUTATION_SECONDS = 600
LATELY = timedelta(days=14)
OFFER_ENDS_SOON = timedelta(days=14)
SCAN_LATE_AFTER = timedelta(hours=3)
REPORTS_LATE_AFTER = timedelta(minutes=10)
MANY_REFUSED, REFUSED_FOR = 3, timedelta(days=2)
_ORDER = {"broken": 0, "check": 1, "todo": 2}


def attention_of(tenant: Tenant, *, now: datetime) -> list[Attention]:
    """The list, at most a minute old; what people do in the console makes it new at once."""
    key = attention_key(tenant.pk)
    known: list[Attention] | None = cache.get(key)
    if known is None:
        known = looked_at(tenant, now=now)
        cache.set(key, known, SECONDS)
    return known


def looked_at(tenant: Tenant, *, now: datetime) -> list[Attention]:
    """Everything that needs a person now, inside the tenant's scope."""
    found: list[Attention] = []
    for look in (
        _connections, _scan, _modules, _campaigns, _unknown, _reputation, _reports, _failed, _imports, files,
        _offers, _bookings, _conversations, webhooks,
    ):  # fmt: skip
        found += look(tenant, now)
    return sorted(found, key=lambda item: _ORDER[item.severity])


def _connections(tenant: Tenant, _now: datetime) -> Iterator[Attention]:
    rows = Connection.objects.for_tenant(tenant).exclude(state__in=Connection.IN_USE)
    for connection in rows.order_by("paused_at", "pk"):
        paused = connection.state == Connection.State.PAUSED
        why = (connection.paused_reason or "It was in trouble").rstrip(".")
        yield Attention(
            "broken",
            f"{connection.label} is paused" if paused else f"{connection.label} is switched off",
            f"{why}. Nothing leaves through it until it answers."
            if paused
            else "Somebody switched it off. Nothing leaves through it.",
            "Fix the connection",
            address_of(connection),
            connection.paused_at,
        )


def _scan(tenant: Tenant, now: datetime) -> Iterator[Attention]:
    task = ScheduledTask.objects.filter(code="scan").first()
    if task is None:
        return
    since = task.last_finished_at or task.last_started_at or task.next_due_at
    if now - since > SCAN_LATE_AFTER:
        yield Attention(
            "broken",
            "The scan for dormant customers has not run",
            f"Last: {formatting.moment(since, tenant.timezone)}. Is manage.py serve running?",
            since=since,
        )


def _modules(tenant: Tenant, _now: datetime) -> Iterator[Attention]:
    rows = ModuleActivation.objects.for_tenant(tenant).filter(
        state__in=[ModuleActivation.State.DEFERRED, ModuleActivation.State.SUSPENDED]
    )
    for activation in rows.select_related("module").order_by("pk"):
        due = activation.requirements.get("currently_due") or activation.requirements.get("pending_verification") or []
        stopped = activation.state == ModuleActivation.State.SUSPENDED
        verb = "has stopped" if stopped else "waits to start"
        first = due[0]["message"] if due else "Look at what it needs."
        more = f" And {len(due) - 1} more." if len(due) > 1 else ""
        url = address_of(activation.module)
        yield Attention(
            "broken" if stopped else "todo",
            f"{activation.module.name} {verb}",
            f"{first}{more}",
            "See what it needs",
            url,
        )


def _campaigns(tenant: Tenant, _now: datetime) -> Iterator[Attention]:
    rows = Campaign.objects.for_tenant(tenant).filter(state__in=[Campaign.State.PAUSED, Campaign.State.DRAFT])
    for campaign in rows.order_by("pk"):
        why = campaign.state_reason or "Nothing leaves while it stands still."
        if campaign.state == Campaign.State.DRAFT:
            yield Attention(
                "todo", f"“{campaign.name}” is not launched", why, "Review and launch", address_of(campaign)
            )
        else:
            why = f"{why[:1].upper()}{why[1:]}".rstrip(".") + "."
            yield Attention("check", f"“{campaign.name}” is paused", why, "Review and resume", address_of(campaign))


def _unknown(tenant: Tenant, _now: datetime) -> Iterator[Attention]:
    told = (
        Message.objects.for_tenant(tenant)
        .filter(queue=Message.Queue.UNKNOWN)
        .aggregate(number=Count("pk"), oldest=Min("settled_at"))
    )
    if told["number"]:
        age = f" The oldest since {formatting.moment(told['oldest'], tenant.timezone)}." if told["oldest"] else ""
        yield Attention(
            "check",
            f"{_many(told['number'], 'message')} may or may not have left",
            f"They count as sent and are never sent again by themselves; a week settles it.{age}",
            "See them",
            "/console/campaigns/message/?state__exact=unknown",
            told["oldest"],
        )


def _reputation(tenant: Tenant, now: datetime) -> Iterator[Attention]:
    """Campaigns that are near what the mailbox providers take; those over it are paused, and listed as such."""
    # Counting what left in two weeks is too much for each look at Home.
    key = f"reputation-{tenant.pk}"
    known: list[reputation.Alarm] | None = cache.get(key)
    if known is None:
        known = list(reputation.alarms(tenant, now=now))
        cache.set(key, known, REPUTATION_SECONDS)
    for alarm in known:
        campaign = Campaign.objects.for_tenant(tenant).get(pk=alarm.campaign_id)
        yield Attention(
            "check",
            f"“{campaign.name}” draws complaints" if not alarm.pauses else f"“{campaign.name}” must be paused",
            f"{alarm.why}. Write to fewer, and to those first who were here lately.",
            "Look at the campaign",
            address_of(campaign),
        )


def _reports(tenant: Tenant, now: datetime) -> Iterator[Attention]:
    rows = InboxItem.objects.for_tenant(tenant)
    aside = rows.filter(state=InboxItem.State.UNREADABLE, received_at__gt=now - LATELY)
    told = aside.aggregate(number=Count("pk"), oldest=Min("received_at"))
    if told["number"]:
        yield Attention(
            "check",
            f"{_many(told['number'], 'provider report')} could not be read",
            "What they say of deliveries, bounces and opt-outs is not applied.",
            "See them",
            "/console/campaigns/inboxitem/?state__exact=unreadable",
            told["oldest"],
        )
    late = rows.filter(state=InboxItem.State.WAITING, attempts=0, received_at__lt=now - REPORTS_LATE_AFTER)
    oldest = late.aggregate(oldest=Min("received_at"))["oldest"]
    if oldest is not None:
        yield Attention(
            "broken",
            "Provider reports are not being applied",
            f"The oldest waits since {formatting.moment(oldest, tenant.timezone)}. Is manage.py serve running?",
            "See them",
            "/console/campaigns/inboxitem/?state__exact=waiting",
            oldest,
        )
    connections = list(Connection.objects.for_tenant(tenant).order_by("pk"))
    told_off = refusals.of_connections(tenant.pk, [each.pk for each in connections], now=now)
    for connection in connections:
        refused = told_off.get(connection.pk, 0)
        # Some always come unsigned first, and anybody may try: what matters is that none gets through.
        if (
            refused >= MANY_REFUSED
            and not rows.filter(connection=connection, received_at__gt=now - REFUSED_FOR).exists()
        ):
            yield Attention(
                "check",
                f"Reports to {connection.label} are refused",
                f"{_many(refused, 'request')} since yesterday did not show who sent them. If that was the provider, "
                "the secret for webhooks in the connection’s settings is not the provider’s.",
                "Check the connection",
                address_of(connection),
            )


def _failed(tenant: Tenant, now: datetime) -> Iterator[Attention]:
    rows = Task.objects.for_tenant(tenant).filter(state=Task.State.FAILED, created_at__gt=now - LATELY)
    for task in rows.order_by("-created_at", "-pk")[:3]:
        yield Attention(
            "check", f"{task.title} failed", task.error[:200], "See the task", address_of(task), task.finished_at
        )


def _imports(tenant: Tenant, now: datetime) -> Iterator[Attention]:
    rows = ImportBatch.objects.for_tenant(tenant).filter(started_at__gt=now - LATELY)
    for batch in rows.order_by("-started_at", "-pk")[:5]:
        if batch.state == ImportBatch.State.FAILED:
            yield Attention(
                "broken", f"The import of {batch.file_name} failed", batch.error[:200], "See why", address_of(batch)
            )
        elif batch.rejected:
            yield Attention(
                "check",
                f"{batch.file_name}: {_many(batch.rejected, 'row')} rejected",
                "Download what was not taken, correct it, and import that file again.",
                "See the rows",
                address_of(batch),
            )


def _offers(tenant: Tenant, now: datetime) -> Iterator[Attention]:
    rows = Campaign.objects.for_tenant(tenant).filter(state=Campaign.State.RUNNING, offer__isnull=False)
    today = now.astimezone(tenant.zone).date()
    for campaign in rows.select_related("offer").order_by("pk"):
        offer = campaign.offer
        assert offer is not None
        faults = offer_faults(offer, tenant=tenant, now=now)
        if faults:
            yield Attention(
                "check",
                f"“{offer.name}” is not made",
                f"{faults[0].capitalize()}.",
                "Edit the offer",
                address_of(offer),
            )
        elif offer.expires_on is not None and offer.expires_on <= today + OFFER_ENDS_SOON:
            ends = f"On {formatting.day(offer.expires_on)}; “{campaign.name}” makes it."
            yield Attention("check", f"“{offer.name}” ends soon", ends, "Edit the offer", address_of(offer))


def _bookings(tenant: Tenant, _now: datetime) -> Iterator[Attention]:
    told = (
        BookingRequest.objects.for_tenant(tenant)
        .filter(state=BookingRequest.State.REQUESTED)
        .aggregate(number=Count("pk"), oldest=Min("created_at"))
    )
    if told["number"]:
        yield Attention(
            "todo",
            f"{_many(told['number'], 'customer')} asked for a visit",
            f"Waiting since {formatting.moment(told['oldest'], tenant.timezone)}.",
            "Answer",
            "/console/campaigns/bookingrequest/?state__exact=requested",
            told["oldest"],
        )


def _conversations(tenant: Tenant, _now: datetime) -> Iterator[Attention]:
    """Whoever may have asked to stop comes before whoever waits for an answer."""
    rows = Conversation.objects.for_tenant(tenant).filter(waiting_since__isnull=False)
    told = {
        row["state"]: row
        for row in rows.values("state").annotate(number=Count("pk"), oldest=Min("waiting_since")).order_by("state")
    }
    unclear, waiting = told.get(Conversation.State.UNCLEAR), told.get(Conversation.State.WAITING)
    if unclear:
        yield Attention(
            "check",
            f"{_many(unclear['number'], 'text')} may be a wish to stop",
            "Nothing is sent to them until you say what it is.",
            "Decide",
            "/console/campaigns/conversation/?state__exact=unclear",
            unclear["oldest"],
        )
    if waiting:
        yield Attention(
            "todo",
            f"{_many(waiting['number'], 'customer')} texted back",
            f"Waiting since {formatting.moment(waiting['oldest'], tenant.timezone)}.",
            "Answer",
            "/console/campaigns/conversation/?state__exact=waiting",
            waiting["oldest"],
        )


def _many(number: int, noun: str) -> str:
    return f"{formatting.number(number)} {noun}{'' if number == 1 else 's'}"
