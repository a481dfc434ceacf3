"""Answers by text on their way: begun in a committed row, journalled around the hand-over, recorded, never sent twice.

The rules of messages hold (docs/decisions/0003-exactly-once.md), without what is for marketing: no enrolment, caps or
quiet hours, for each answers what its recipient wrote. Whoever sends messages calls this first.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from django.db import connection as database
from django.db import transaction

from campaigns.audience.models import Channel
from campaigns.audience.suppressing import HELD, suppress
from campaigns.delivery import intents, routing
from campaigns.tracking.thread_answers import connection_for
from campaigns.tracking.thread_hearing import Heard, Hearing, reference_of, text_id_of
from campaigns.tracking.thread_models import ThreadText
from tenants.accounts.models import Tenant
from tenants.connections import breaker, connecting
from tenants.connections.models import Connection
from tenants.journal.recording import record
from winback.encryption import UndecipherableSecret
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble
from winback.providers.reasons import ADDRESS_IS_DEAD, PERSON_SAID_NO
from winback.providers.receiving import Report, ReportKind
from winback.providers.sms.base import OutgoingSms, SmsProvider
from winback.tenancy import acting_for, acting_for_all

logger = logging.getLogger(__name__)

GROUP_SIZE = 10
LEASE_SECONDS = 300
AGAIN_AFTER = timedelta(minutes=1)
DEFERRED_WAIT = timedelta(minutes=30)
MOST_ATTEMPTS = 5
_STATE = ThreadText.State

# A staff member's reply waits for nobody but a stop; a confirmation of the stop itself may still leave.
REFUSE = """
UPDATE campaigns_threadtext t
   SET state = CASE WHEN t.send_before <= %(now)s THEN 'expired' ELSE 'blocked' END,
       reason = CASE WHEN t.send_before <= %(now)s THEN 'too_late' WHEN c.address = '' THEN 'forgotten'
                     ELSE 'suppressed' END,
       settled_at = %(now)s
  FROM campaigns_conversation c
 WHERE t.tenant_id = %(tenant)s AND t.state = 'planned' AND c.tenant_id = t.tenant_id AND c.id = t.conversation_id
   AND (t.send_before <= %(now)s OR c.address = ''
        OR (t.kind = 'reply' AND EXISTS (
            SELECT FROM campaigns_suppression s
             WHERE s.tenant_id = t.tenant_id AND s.lifted_at IS NULL AND s.channel IN ('sms', 'all')
               AND s.address_hmac = c.address_hmac AND s.reason <> %(held)s)))
RETURNING t.id
"""

BEGIN = """
UPDATE campaigns_threadtext t
   SET state = 'handing_over', claim_token = %(claim)s, attempts = t.attempts + 1, connection_id = %(connection)s,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s), settled_at = %(now)s
  FROM (SELECT id FROM campaigns_threadtext
         WHERE tenant_id = %(tenant)s AND state = 'planned' AND due_at <= %(now)s AND id = ANY(%(ids)s)
           AND (send_before IS NULL OR send_before > %(now)s)
         ORDER BY due_at, id
           FOR UPDATE SKIP LOCKED) due
 WHERE t.tenant_id = %(tenant)s AND t.id = due.id
RETURNING t.id
"""

EXPIRED = """
SELECT claim_token, id FROM campaigns_threadtext
 WHERE tenant_id = %(tenant)s AND state = 'handing_over' AND lease_until <= clock_timestamp()
 ORDER BY id
   FOR UPDATE SKIP LOCKED
"""

DUE = """
SELECT DISTINCT t.tenant_id
  FROM campaigns_threadtext t
  JOIN tenants_tenant e ON e.id = t.tenant_id AND e.state = 'active'
 WHERE (t.state = 'planned' AND t.due_at <= %(now)s)
    OR (t.state = 'handing_over' AND t.lease_until <= clock_timestamp())
 ORDER BY t.tenant_id
"""


def tenants_with_due(*, now: datetime) -> list[int]:
    """The tenants that have an answer to send now. Opens its own scope."""
    with acting_for_all("look for answers by text that are due"), database.cursor() as cursor:
        cursor.execute(DUE, {"now": now})
        return [row[0] for row in cursor.fetchall()]


def send_due(tenant: Tenant, *, now: datetime) -> dict[str, int]:
    """Send every answer of this tenant that is due; returns how many reached each state. Opens its own scopes."""
    counts: Counter[str] = Counter()
    if tenant.state != Tenant.State.ACTIVE:
        return {}
    with acting_for(tenant.pk):
        recover(tenant, now=now)
        _refuse(tenant, now=now)
    tried: set[int] = set()
    while True:
        with acting_for(tenant.pk):
            opened, texts, claim = _begin(tenant, tried, now=now)
        if opened is None:
            return dict(counts)
        tried.update(text.pk for text in texts)
        counts.update(_hand_over(tenant, opened, texts, claim, now=now))


def _refuse(tenant: Tenant, *, now: datetime) -> None:
    with database.cursor() as cursor:
        cursor.execute(REFUSE, {"tenant": tenant.pk, "now": now, "held": HELD})


def _begin(tenant: Tenant, tried: set[int], *, now: datetime) -> tuple[Connection | None, Sequence[ThreadText], UUID]:
    """Move the next group that leaves through one connection to ``handing_over``."""
    claim = uuid4()
    rows = ThreadText.objects.for_tenant(tenant).filter(state=_STATE.PLANNED, due_at__lte=now).exclude(pk__in=tried)
    found = rows.select_related("conversation__connection").order_by("due_at", "pk")[: GROUP_SIZE * 5]
    ways: dict[int, tuple[Connection, list[int]]] = {}
    for text in found:
        text.conversation.tenant = tenant
        way = connection_for(text.conversation)
        if way is not None:  # without any, they wait until they are too late
            ways.setdefault(way.pk, (way, []))[1].append(text.pk)
    for way, ids in ways.values():
        with database.cursor() as cursor:
            cursor.execute(
                BEGIN,
                {
                    "tenant": tenant.pk,
                    "ids": ids[:GROUP_SIZE],
                    "claim": claim,
                    "connection": way.pk,
                    "lease": LEASE_SECONDS,
                    "now": now,
                },
            )
            going = {row[0] for row in cursor.fetchall()}
        if going:
            way.tenant = tenant
            texts = ThreadText.objects.for_tenant(tenant).filter(pk__in=going).select_related("conversation__contact")
            return way, list(texts.order_by("due_at", "pk")), claim
    return None, (), claim


def _hand_over(
    tenant: Tenant, opened: Connection, texts: Sequence[ThreadText], claim: UUID, *, now: datetime
) -> Counter[str]:
    outgoing = [
        OutgoingSms(reference=reference_of(text.pk), recipient=text.conversation.address, body=text.body)
        for text in texts
    ]
    with intents.writing(claim) as journal:
        hearing = Hearing(journal)
        trouble: ProviderTrouble | None = None
        try:
            with connecting.open_provider(opened) as provider:
                assert isinstance(provider, SmsProvider)
                provider.send(outgoing, hearing)
        except UndecipherableSecret as error:
            trouble = ProviderMisconfigured(error)
        except ProviderTrouble as error:
            trouble = error
        with acting_for(tenant.pk):
            if trouble is not None:
                logger.warning("Connection %s is in trouble: %s", opened.pk, trouble)
                breaker.pause(opened, reason=str(trouble), now=now, retry_after_seconds=trouble.retry_after_seconds)
            return Counter(_record(text, hearing.of(text.pk), opened, claim, now=now) for text in texts)


def _record(text: ThreadText, heard: Heard, opened: Connection | None, claim: UUID, *, now: datetime) -> str:
    """What became of one text, where it is still the one that was begun."""
    values: dict[str, object] = {
        "state": heard.state,
        "reason": heard.reason[:60],
        "error": heard.error[:300],
        "provider_id": heard.provider_id[:200],
        "claim_token": None,
        "lease_until": None,
        "settled_at": now,
    }
    if heard.state == _STATE.PLANNED:
        values["due_at"] = now + (DEFERRED_WAIT if heard.reason else AGAIN_AFTER)
        if text.attempts >= MOST_ATTEMPTS:
            values |= {"state": _STATE.FAILED, "reason": heard.reason or "provider_trouble"}
    elif heard.state in (_STATE.HANDED_OVER, _STATE.UNKNOWN):
        values["handed_over_at"] = now
        if opened is not None:
            values["cost_minor"] = routing.cost_minor(opened, Channel.SMS, text.segments)
    rows = ThreadText.objects.for_tenant(text.tenant_id).filter(
        pk=text.pk, state=_STATE.HANDING_OVER, claim_token=claim
    )
    if not rows.update(**values):
        return "overtaken"
    contact = text.conversation.contact
    record(
        f"text.{values['state']}",
        tenant_id=text.tenant_id,
        now=now,
        contact_id=text.conversation.contact_id,
        subject=text,
        data={"kind": text.kind, "reason": str(values["reason"])},
    )
    if heard.reason in ADDRESS_IS_DEAD | PERSON_SAID_NO:
        suppress(
            text.conversation.tenant,
            channel=Channel.SMS,
            contact=contact,
            address_hmac=text.conversation.address_hmac,
            reason=heard.reason,
            source=f"provider {opened.provider}" if opened is not None else "provider",
            now=now,
        )
    return str(values["state"])


def recover(tenant: Tenant, *, now: datetime) -> int:
    """Settle what a dead process left: as its journal says, else unknown and never sent again. Inside a scope."""
    with database.cursor() as cursor:
        cursor.execute(EXPIRED, {"tenant": tenant.pk})
        left: list[tuple[UUID, int]] = cursor.fetchall()
    for claim, text_id in left:
        text = ThreadText.objects.for_tenant(tenant).select_related("conversation__contact").get(pk=text_id)
        text.conversation.tenant = tenant
        _record(text, Heard.of_journal(intents.read(claim), text_id), None, claim, now=now)
        transaction.on_commit(partial(intents.forget, claim))
    return len(left)


def is_ours(reference: str) -> bool:
    """Whether a provider's report is about an answer, not about a message."""
    return text_id_of(reference) is not None


# What a later report may still change: the furthest that is known stays.
_FROM = {
    ReportKind.ACCEPTED: (_STATE.UNKNOWN,),
    ReportKind.DELIVERED: (_STATE.UNKNOWN, _STATE.HANDED_OVER),
    ReportKind.FAILED: (_STATE.UNKNOWN, _STATE.HANDED_OVER),
    ReportKind.BOUNCED: (_STATE.UNKNOWN, _STATE.HANDED_OVER),
}
_TO = {ReportKind.ACCEPTED: _STATE.HANDED_OVER, ReportKind.DELIVERED: _STATE.DELIVERED}


def apply_report(tenant: Tenant, *, report: Report, now: datetime) -> bool:
    """Note what became of an answer after it was handed over; False when that changes nothing. Inside a scope."""
    text_id = text_id_of(report.reference)
    if text_id is None or report.kind not in _FROM:
        return False
    rows = ThreadText.objects.for_tenant(tenant).filter(pk=text_id, state__in=_FROM[report.kind])
    failed = report.kind in (ReportKind.FAILED, ReportKind.BOUNCED)
    return bool(
        rows.update(
            state=_TO.get(report.kind, _STATE.FAILED),
            reason="refused_by_provider" if failed else "",
            error=report.code[:300] if failed else "",
            settled_at=now,
        )
    )
