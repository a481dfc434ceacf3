"""What RQ workers run: each job reads the clock once and makes one call."""

import logging
from collections.abc import Callable
from datetime import datetime
from time import monotonic

from django.utils import timezone

from campaigns.audience import dormancy, uploading
from campaigns.audience.models import Contact
from campaigns.compliance import recipient_domains
from campaigns.delivery import claiming, previewing, recovering, sending, volume
from campaigns.delivery.rendering import RenderFailed
from campaigns.operating import erasing, planning, rounds, webhooks
from campaigns.operating.models import ScheduledTask
from campaigns.planning.models import Variant
from campaigns.results import attributing
from campaigns.tracking import applying, reputation, return_mailbox, thread_outbox, tidying_inbox
from campaigns.tracking.jobs import apply_events
from tenants.access import idempotency
from tenants.access.models import User
from tenants.accounts import alone
from tenants.accounts.models import Tenant
from tenants.activation import activating
from tenants.connections import breaker
from tenants.journal import partitions, tasks
from tenants.journal.models import Task
from tenants.webhooks import replaying
from winback.providers.errors import ProviderError
from winback.queues import REPLIES, enqueue
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)

SHARE = 5_000
"""How many messages of one tenant are sent before others have their turn."""
TURN_SECONDS = 10
"""How long a round over the tenants goes on before other work has its turn."""


def _scan(now: datetime, *, full: bool = False) -> None:
    with alone.regular_work(_active()) as free:
        dormancy.scan_tenants(free, now=now, full=full)


def _full_scan(now: datetime) -> None:
    _scan(now, full=True)


def _active() -> list[int]:
    return list(Tenant.objects.filter(state=Tenant.State.ACTIVE).order_by("pk").values_list("pk", flat=True))


def _partitions(now: datetime) -> None:
    partitions.make_ahead(now=now)


def _plan(tenant: Tenant, now: datetime) -> None:
    recipient_domains.look_up(tenant, now=now)  # ahead of anybody's first mail
    with acting_for(tenant.pk):
        planning.plan(tenant, now=now)


def _send(now: datetime) -> None:
    """A job for each tenant that has something due: one with a million messages does not hold up one with ten."""
    due = {*claiming.tenants_with_due(now=now), *thread_outbox.tenants_with_due(now=now)}
    for tenant_id in sorted(due):
        enqueue(send_tenant, unique=f"send-{tenant_id}-0", tenant=tenant_id)


def _apply(now: datetime) -> None:
    """A job for each tenant to which providers reported something that nobody has applied."""
    for tenant_id in applying.tenants_waiting(now=now):
        enqueue(apply_events, unique=f"apply-{tenant_id}", queue=REPLIES, tenant=tenant_id)


def _webhooks(_now: datetime) -> None:
    """A job for each tenant with an endpoint: one that answers slowly holds up nobody else's."""
    for tenant_id in webhooks.tenants_told():
        enqueue(deliver_webhooks, unique=f"webhooks-{tenant_id}", tenant=tenant_id)


def _tidy_answers(tenant: Tenant, now: datetime) -> None:
    with acting_for(tenant.pk):
        idempotency.tidy(tenant, now=now)
        uploading.tidy(tenant, now=now)


def _erasures(now: datetime) -> None:
    """What was on its way when its recipient was erased, once it has arrived."""
    for tenant_id in erasing.tenants_finishing():
        erasing.finish(Tenant.objects.get(pk=tenant_id), now=now)


def _tidy_webhooks(tenant: Tenant, now: datetime) -> None:
    with acting_for(tenant.pk):
        replaying.tidy(tenant, now=now)


def _tidy_inbox(tenant: Tenant, now: datetime) -> None:
    with acting_for(tenant.pk):
        tidying_inbox.tidy(tenant, now=now)


def _bounces(tenant: Tenant, now: datetime) -> None:
    return_mailbox.read_mailboxes(tenant, now=now)


def _reputation(tenant: Tenant, now: datetime) -> None:
    with acting_for(tenant.pk):
        reputation.pause_where_due(tenant, now=now)


def _recover(tenant: Tenant, now: datetime) -> None:
    with acting_for(tenant.pk):
        recovering.recover(tenant.pk, now=now)


def _attribute(tenant: Tenant, now: datetime) -> None:
    with acting_for(tenant.pk):
        attributing.attribute(tenant, now=now)


def _activations(tenant: Tenant, now: datetime) -> None:
    with acting_for(tenant.pk):
        volume.note_busiest_day(tenant, now=now)
    activating.look_again(tenant, now=now)


def _connections(tenant: Tenant, now: datetime) -> None:
    """Try the connections that are paused by their own trouble, and let what waits for them go on."""
    with acting_for(tenant.pk):
        due = breaker.due(tenant, now=now)
    if due:
        activating.look_again(tenant, now=now)


_OVER_ALL: dict[str, Callable[[datetime], None]] = {
    "scan": _scan,
    "full_scan": _full_scan,
    "partitions": _partitions,
    "send": _send,
    "apply": _apply,
    "webhooks": _webhooks,
    "erasures": _erasures,
}
_PER_TENANT: dict[str, Callable[[Tenant, datetime], None]] = {
    "plan": _plan,
    "recover": _recover,
    "tidy_inbox": _tidy_inbox,
    "tidy_answers": _tidy_answers,
    "tidy_webhooks": _tidy_webhooks,
    "reputation": _reputation,
    "bounces": _bounces,
    "attribute": _attribute,
    "activations": _activations,
    "connections": _connections,
}


def run_regular(*, code: str) -> None:
    """Do one piece of the regular work, for all tenants at once or in a round of them."""
    if code in _PER_TENANT:
        rounds.begin(code, now=timezone.now())
        go_on(code=code)
        return
    try:
        _OVER_ALL[code](timezone.now())
    except Exception as failure:
        # Not finished: readiness goes by when it last was. RQ keeps the traceback.
        ScheduledTask.objects.filter(code=code).update(last_error=_in_short(failure))
        raise
    ScheduledTask.objects.filter(code=code).update(last_finished_at=timezone.now(), last_error="")


def go_on(*, code: str, error: str = "", turn: int = 0) -> None:
    """Go on with a round; the failure of one tenant does not stop the others.

    After its share of seconds it stands in line again, so that what is to be sent meanwhile is.
    """
    started = monotonic()
    while (tenant := rounds.next_tenant(code)) is not None:
        try:
            with alone.regular_work([tenant.pk]) as free:
                if free:
                    _PER_TENANT[code](tenant, timezone.now())
        except Exception as failure:
            logger.exception("Regular work %s failed for tenant %s", code, tenant.pk)
            error = f"tenant {tenant.slug}: {_in_short(failure)}"
        if monotonic() - started >= TURN_SECONDS:
            turn = 1 - turn
            enqueue(go_on, unique=f"regular-{code}-{turn}", code=code, error=error, turn=turn)
            return
    ScheduledTask.objects.filter(code=code).update(last_finished_at=timezone.now(), last_error=error)


def _in_short(failure: Exception) -> str:
    """The first line alone: what PostgreSQL adds below it can hold a customer's data."""
    return f"{type(failure).__name__}: {str(failure).partition(chr(10))[0]}"


def send_tenant(*, tenant: int, turn: int = 0) -> None:
    """Send a share of what is due for one tenant; for the rest it stands in line again, behind the others."""
    with alone.regular_work([tenant]) as free:
        if free:  # else it is being simulated, and the next round finds what is due then
            _send_share(Tenant.objects.get(pk=tenant), turn)


def _send_share(business: Tenant, turn: int) -> None:
    started = monotonic()
    # Whoever said no to the provider in the meantime must be known before anything is claimed.
    applying.apply(business, now=timezone.now())
    thread_outbox.send_due(business, now=timezone.now())  # whoever wrote goes before whoever did not
    counts = sending.send_due(business, now=timezone.now(), limit=SHARE, for_seconds=sending.RUN_SECONDS)
    if sum(counts.values()) >= SHARE or monotonic() - started >= sending.RUN_SECONDS:
        # Under the other of two names: its own is taken while it runs.
        turn = 1 - turn
        enqueue(send_tenant, unique=f"send-{business.pk}-{turn}", tenant=business.pk, turn=turn)


def deliver_webhooks(*, tenant: int, turn: int = 0) -> None:
    """Tell a tenant's own systems what has happened; while there is more, it stands in line again behind the others."""
    now, business = timezone.now(), Tenant.objects.get(pk=tenant)
    webhooks.work(business, now=now)
    if webhooks.still_due(business, now=now):
        turn = 1 - turn
        enqueue(deliver_webhooks, unique=f"webhooks-{tenant}-{turn}", tenant=tenant, turn=turn)


def send_test(*, tenant: int, task: int) -> None:
    """Send one test message to the member of the team who asked for it."""
    now = timezone.now()
    business = Tenant.objects.select_related("niche", "plan").get(pk=tenant)
    with acting_for(tenant):
        work = Task.objects.for_tenant(tenant).get(pk=task)
        if not tasks.start(work, now=now):
            return
        variant = Variant.objects.for_tenant(tenant).select_related("step").get(pk=work.arguments["variant"])
        contact = Contact.objects.for_tenant(tenant).get(pk=work.arguments["contact"])
        recipient = User.objects.get(pk=work.arguments["user"]).email
    try:
        previewing.send_test(business, variant, contact, recipient=recipient, now=now, actor=work.created_by)
    except (previewing.NoTest, RenderFailed, ProviderError) as error:
        with acting_for(tenant):
            tasks.fail(work, now=timezone.now(), error=str(error))
        return
    with acting_for(tenant):
        tasks.finish(work, now=timezone.now(), result={"sent": 1})
