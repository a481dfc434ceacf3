"""Hand messages over in small groups, outside any transaction, and record what became of each.

What the provider says of a recipient concerns that recipient alone; its own trouble burns nobody's attempt.
"""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from campaigns.audience.suppressing import Refused, suppress_refused
from campaigns.delivery import intents, outbox, routing
from campaigns.delivery.claiming import Claim
from campaigns.delivery.hearing import Hearing, LeaseOver
from campaigns.delivery.outbox import Evidence, Outcome
from campaigns.delivery.pacing import Line
from campaigns.delivery.rendering import Rendered
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.connections import breaker
from tenants.connections.models import Connection
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble
from winback.providers.reasons import ADDRESS_IS_DEAD, PERSON_SAID_NO
from winback.tenancy import acting_for, prepared_statement

logger = logging.getLogger(__name__)

GROUP_SIZE = 50
FIRST_SIZE = 10
GROUP_SECONDS = 5.0
"""What a person does meanwhile acts on the next group: no more go into one than leave in so many seconds."""
TROUBLE_WAIT = timedelta(minutes=15)
DEFERRED_WAIT = timedelta(hours=4)
MOST_ATTEMPTS = 5
STOPPED = "stopped"
START_WITHIN_SECONDS = outbox.LEASE_SECONDS - 120
"""How long after its lease was taken a group may start messages: the slowest provider may think for two minutes."""


@dataclass(frozen=True)
class Ready:
    """A message whose words are rendered and allowed."""

    facts: Mapping[str, Any]
    rendered: Rendered
    evidence: Evidence

    @property
    def message_id(self) -> int:
        return int(self.facts["id"])


def hand_over(
    tenant: Tenant,
    connection: Connection,
    items: Sequence[Ready],
    claim: Claim,
    *,
    now: datetime,
    deliver: bool,
) -> Counter[str]:
    """Hand the messages of one channel over, through the tenant's connection for it; one in trouble is paused.

    Returns how many reached each state, and under STOPPED that the next claim would fare no better.
    """
    line = Line(connection, items, GROUP_SIZE, now=now, limited=deliver)
    try:
        with (
            routing.opened(connection, now=now, deliver=deliver) as carrier,
            intents.writing(claim.token, kept=deliver) as journal,
        ):
            counts, trouble = _carry(tenant, connection, carrier, journal, line, claim, now=now)
            # Before the journal goes: what is released here is what it says had not begun.
            counts["postponed"] += _give_back(tenant, connection, items, line, claim, trouble, now=now)
    except ProviderMisconfigured as error:  # it could not be opened
        counts = Counter(postponed=_give_back(tenant, connection, items, line, claim, error, now=now))
    counts[STOPPED] = int(line.store_gone)
    return counts


def _carry(
    tenant: Tenant,
    connection: Connection,
    carrier: routing.Carrier,
    journal: intents.IntentFile,
    line: Line[Ready],
    claim: Claim,
    *,
    now: datetime,
) -> tuple[Counter[str], ProviderTrouble | None]:
    """Hand over group by group as fast as the limits let them, until all are, or the provider is in trouble or slow.

    One transaction records a group and begins the next: between groups nothing is open and everything is told.
    """
    counts: Counter[str] = Counter()
    trouble: ProviderTrouble | None = None
    groups = _Groups(line)
    group, begun = groups.next(patiently=True), None
    while group:
        if begun is None:
            with acting_for(tenant.pk):
                begun = _begin(tenant, connection, group, claim, now=now)
        if begun is None:
            break
        since, going = begun
        hearing = Hearing(journal, Outcome, since + START_WITHIN_SECONDS)
        slow = False
        try:
            carrier.carry(going, hearing)
        except LeaseOver:
            logger.warning("Connection %s is slow: the rest of its claim is left for the next.", connection.pk)
            slow = True
        except ProviderTrouble as error:
            logger.warning("Connection %s is in trouble: %s", connection.pk, error)
            trouble = error
        groups.took(len(going), monotonic() - since)
        stopping = slow or trouble is not None
        group, begun = [] if stopping else groups.next(), None
        with acting_for(tenant.pk):
            outcomes = [*hearing.outcomes.values(), *_given_up(tenant, hearing, going)]
            recorded = outbox.record_outcomes(tenant.pk, outcomes, claim=claim.token, now=now)
            counts.update(recorded)
            journal.needed |= slow or sum(recorded.values()) < len(outcomes)  # another host may have taken it over
            _suppress_dead(tenant, going, hearing, connection, now=now)
            counts["postponed"] += _put_off(tenant, going, hearing, claim, now=now)
            if not stopping and outcomes:
                breaker.passed(connection)
            if group:
                begun = _begin(tenant, connection, group, claim, now=now)
        if not stopping and not group:
            group = groups.next(patiently=True)
    return counts, trouble


class _Groups:
    """Small groups off the line, of a size that the provider takes in a few seconds."""

    def __init__(self, line: Line[Ready]) -> None:
        self._line = line
        self._next: list[Ready] = []
        self._size = min(FIRST_SIZE, GROUP_SIZE)
        self._over = monotonic() + outbox.LEASE_SECONDS

    def next(self, *, patiently: bool = False) -> list[Ready]:
        if monotonic() >= self._over:
            return []  # by then the claim's own lease is over: none would leave, and their permits would be lost
        if not self._next:
            self._next = self._line.next(patiently=patiently)
        group, self._next = self._next[: self._size], self._next[self._size :]
        return group

    def took(self, number: int, seconds: float) -> None:
        """Learn how fast the provider is from the group that has just left."""
        if number:
            self._size = max(1, min(GROUP_SIZE, int(number * GROUP_SECONDS / max(seconds, 0.001))))


def _begin(
    tenant: Tenant, connection: Connection, group: Sequence[Ready], claim: Claim, *, now: datetime
) -> tuple[float, list[Ready]] | None:
    """Take a group out; the moment at which its lease began, and those of it that may leave.

    None when nothing of this claim may leave any more this way.
    """
    if not _still_stands(tenant, connection, group[0].facts["campaign_id"]):
        return None
    begun = monotonic()
    may_leave = outbox.begin_hand_over(
        tenant.pk, [item.evidence for item in group], claim=claim.token, connection_id=connection.pk, now=now
    )
    return begun, [item for item in group if item.message_id in may_leave]


# By SQL: this is asked before every group, and to build the query would cost more than to run it.
STANDS = """
SELECT k.state, k.settings
  FROM tenants_connection k
 WHERE k.tenant_id = %(tenant)s AND k.id = %(connection)s AND k.state = ANY(%(in_use)s)
   AND EXISTS (SELECT FROM campaigns_campaign c
                 JOIN tenants_moduleactivation a ON a.tenant_id = c.tenant_id AND a.id = c.activation_id
                 JOIN tenants_tenant t ON t.id = c.tenant_id
                WHERE c.tenant_id = %(tenant)s AND c.id = %(campaign)s AND c.state = 'running'
                  AND a.state = 'activated' AND t.state = 'active')
"""


def _still_stands(tenant: Tenant, connection: Connection, campaign_id: int) -> bool:
    """Whether connection, campaign, module and tenant still send; from here on the connection's limits of now hold."""
    values = {"tenant": tenant.pk, "connection": connection.pk, "campaign": campaign_id}
    found = prepared_statement(STANDS, values | {"in_use": [str(state) for state in Connection.IN_USE]})
    if not found:
        logger.info("Connection %s or campaign %s sends no more: its claim is given back.", connection.pk, campaign_id)
        return False
    ((connection.state, written),) = found
    connection.settings = json.loads(written)
    return True


def _give_back(
    tenant: Tenant,
    connection: Connection,
    items: Sequence[Ready],
    line: Line[Ready],
    claim: Claim,
    trouble: ProviderTrouble | None,
    *,
    now: datetime,
) -> int:
    """What was not handed over (stopped, over a limit, or the provider is in trouble) is asked everything again."""
    with acting_for(tenant.pk):
        if trouble is not None:
            # Paused until it answers a probe again: trying on with messages would cost one unknown each time that it
            # goes silent, and would hold up the treated arm alone. What was not begun goes through the next in order.
            breaker.pause(connection, reason=str(trouble), now=now, retry_after_seconds=trouble.retry_after_seconds)
            facts = items[0].facts
            if routing.connection_for(tenant, facts["channel"], facts["brand_id"]) is not None:
                return release(tenant, items, claim, now=now, until=None, reason="")
            return release(tenant, items, claim, now=now, until=now + TROUBLE_WAIT, reason="provider_trouble")
        held = 0
        if line.until is not None and line.waiting:
            held = release(tenant, line.waiting, claim, now=now, until=line.until, reason="rate_limit")
        return held + release(tenant, items, claim, now=now, until=None, reason="")


def release(
    tenant: Tenant,
    items: Sequence[Ready],
    claim: Claim,
    *,
    now: datetime,
    until: datetime | None,
    reason: str,
    tried: bool = False,
) -> int:
    ids = [item.message_id for item in items]
    return outbox.release(
        tenant.pk, claim=claim.token, now=now, message_ids=ids, until=until, reason=reason, tried=tried
    )


def _given_up(tenant: Tenant, hearing: Hearing, going: Sequence[Ready]) -> list[Outcome]:
    """Those that the provider has put off too often."""
    if not hearing.later:
        return []
    attempts = dict(
        Message.objects.for_tenant(tenant).filter(pk__in=hearing.later.keys()).values_list("pk", "attempts")
    )
    tired = [item.message_id for item in going if attempts.get(item.message_id, 0) >= MOST_ATTEMPTS]
    return [Outcome(message_id, Message.State.FAILED, reason=hearing.later.pop(message_id)) for message_id in tired]


def _put_off(tenant: Tenant, going: Sequence[Ready], hearing: Hearing, claim: Claim, *, now: datetime) -> int:
    """Try those again later that only this recipient's provider put off, each for its own reason."""
    number = 0
    for reason in sorted(set(hearing.later.values())):
        items = [item for item in going if hearing.later.get(item.message_id) == reason]
        number += release(tenant, items, claim, now=now, until=now + DEFERRED_WAIT, reason=reason, tried=True)
    return number


def _suppress_dead(
    tenant: Tenant, going: Sequence[Ready], hearing: Hearing, connection: Connection, *, now: datetime
) -> None:
    """An address that the provider says is dead, or whose owner said no there, is not written to again."""
    refused = [
        Refused(item.facts["contact_id"], item.evidence.address_hmac, outcome.reason, outcome.reason in PERSON_SAID_NO)
        for item in going
        if (outcome := hearing.outcomes.get(item.message_id)) is not None
        and outcome.reason in ADDRESS_IS_DEAD | PERSON_SAID_NO
    ]
    if refused:
        suppress_refused(
            tenant, refused, channel=going[0].facts["channel"], source=f"provider {connection.provider}", now=now
        )
