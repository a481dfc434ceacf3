"""Hand messages over in small groups, outside any transaction, and record what became of each.

What the provider says of a recipient concerns that recipient alone; its own trouble burns nobody's attempt.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from campaigns.audience.models import Contact
from campaigns.audience.suppressing import suppress
from campaigns.delivery import intents, outbox, routing
from campaigns.delivery.claiming import Claim
from campaigns.delivery.hearing import Hearing, LeaseOver
from campaigns.delivery.outbox import Evidence, Outcome
from campaigns.delivery.rendering import Rendered
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.connections import connecting
from tenants.connections.models import Connection
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble
from winback.providers.reasons import ADDRESS_IS_DEAD, PERSON_SAID_NO
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)

GROUP_SIZE = 50
TROUBLE_WAIT = timedelta(minutes=15)
DEFERRED_WAIT = timedelta(hours=4)
MOST_ATTEMPTS = 5
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


def _groups(items: Sequence[Ready]) -> Iterator[Sequence[Ready]]:
    for start in range(0, len(items), GROUP_SIZE):
        yield items[start : start + GROUP_SIZE]


def hand_over(
    tenant: Tenant,
    connection: Connection,
    items: Sequence[Ready],
    claim: Claim,
    *,
    now: datetime,
    deliver: bool,
) -> Counter[str]:
    """Hand the messages of one channel over, through the tenant's connection for it; one in trouble is paused."""
    try:
        with (
            routing.opened(connection, now=now, deliver=deliver) as carrier,
            intents.writing(claim.token, kept=deliver) as journal,
        ):
            counts, trouble = _carry(tenant, connection, carrier, journal, items, claim, now=now)
            # Before the journal goes: what is released here is what it says had not begun.
            counts["postponed"] += _give_back(tenant, connection, items, claim, trouble, now=now)
    except ProviderMisconfigured as error:  # it could not be opened
        counts = Counter(postponed=_give_back(tenant, connection, items, claim, error, now=now))
    return counts


def _carry(
    tenant: Tenant,
    connection: Connection,
    carrier: routing.Carrier,
    journal: intents.IntentFile,
    items: Sequence[Ready],
    claim: Claim,
    *,
    now: datetime,
) -> tuple[Counter[str], ProviderTrouble | None]:
    """Hand over group by group, until all are, or the provider is in trouble or too slow for the lease.

    One transaction records a group and begins the next: between groups nothing is open and everything is told.
    """
    counts: Counter[str] = Counter()
    groups = list(_groups(items))
    with acting_for(tenant.pk):
        begun, going = _begin(tenant, connection, groups[0], claim, now=now)
    for following in [*groups[1:], None]:
        hearing = Hearing(journal, Outcome, begun + START_WITHIN_SECONDS)
        trouble: ProviderTrouble | None = None
        slow = False
        try:
            carrier.carry(going, hearing)
        except LeaseOver:
            logger.warning("Connection %s is slow: the rest of its claim is left for the next.", connection.pk)
            slow = True
        except ProviderTrouble as error:
            logger.warning("Connection %s is in trouble: %s", connection.pk, error)
            trouble = error
        with acting_for(tenant.pk):
            outcomes = [*hearing.outcomes.values(), *_given_up(tenant, hearing, going)]
            counts.update(outbox.record_outcomes(tenant.pk, outcomes, claim=claim.token, now=now))
            _suppress_dead(tenant, going, hearing, connection, now=now)
            counts["postponed"] += _put_off(tenant, going, hearing, claim, now=now)
            if trouble is not None or slow or following is None:
                break
            begun, going = _begin(tenant, connection, following, claim, now=now)
    return counts, trouble


def _begin(
    tenant: Tenant, connection: Connection, group: Sequence[Ready], claim: Claim, *, now: datetime
) -> tuple[float, list[Ready]]:
    """Take a group out; the moment at which its lease began, and those of it that may leave."""
    begun = monotonic()
    may_leave = outbox.begin_hand_over(
        tenant.pk, [item.evidence for item in group], claim=claim.token, connection_id=connection.pk, now=now
    )
    return begun, [item for item in group if item.message_id in may_leave]


def _give_back(
    tenant: Tenant,
    connection: Connection,
    items: Sequence[Ready],
    claim: Claim,
    trouble: ProviderTrouble | None,
    *,
    now: datetime,
) -> int:
    """What was not handed over (stopped in between, or the provider is in trouble) is asked everything again."""
    with acting_for(tenant.pk):
        if trouble is not None:
            # Paused until it answers a probe again (the schedule asks every two minutes): trying on with messages would
            # cost one unknown each time that it goes silent, and would hold up the treated arm alone.
            connecting.pause(connection, reason=str(trouble), now=now)
            return release(tenant, items, claim, now=now, until=now + TROUBLE_WAIT, reason="provider_trouble")
        return release(tenant, items, claim, now=now, until=None, reason="")


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
    for item in going:
        outcome = hearing.outcomes.get(item.message_id)
        if outcome is None or outcome.reason not in ADDRESS_IS_DEAD | PERSON_SAID_NO:
            continue
        contact = Contact.objects.for_tenant(tenant).get(pk=item.facts["contact_id"])
        suppress(
            tenant,
            channel=item.facts["channel"],
            contact=contact,
            reason=outcome.reason,
            source=f"provider {connection.provider}",
            now=now,
        )
