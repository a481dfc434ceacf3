"""After a crash: what a dead process had claimed goes back, what it was handing over is settled or called unknown."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q

from campaigns.delivery import intents
from campaigns.delivery.outbox import Outcome, record_outcomes, release, settle_unknown
from campaigns.delivery.routing import reference_of
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.connections.connecting import open_provider
from tenants.connections.models import Connection
from winback.encryption import UndecipherableSecret
from winback.providers.errors import ProviderError
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)

EXPIRED = """
SELECT m.claim_token, m.id, m.state
  FROM campaigns_message m
 WHERE m.tenant_id = %(tenant)s AND m.queue = 'leased'
   AND (m.lease_until <= clock_timestamp() OR %(every)s)
 ORDER BY m.id
   FOR UPDATE SKIP LOCKED
"""


def recover(tenant_id: int, *, now: datetime, every_claim: bool = False) -> Mapping[str, int]:
    """Settle the messages whose claim ran out; returns how many reached each state.

    ``claimed`` goes back to ``planned``. Of those in ``handing_over`` the claim's intent journal says which had
    arrived, which were refused and which had not begun; the one in between, or the whole group when there is no
    journal, becomes ``unknown``: counted as sent, never sent again, and after the deadline called so. ``every_claim``
    is for a caller that holds the tenant alone (a simulation) and need not wait for the leases of a dead process.
    """
    with connection.cursor() as cursor:
        cursor.execute(EXPIRED, {"tenant": tenant_id, "every": every_claim})
        rows: list[tuple[UUID, int, str]] = cursor.fetchall()
    counts = _settle_what_journals_know(tenant_id, now=now)
    if overdue := _settle_overdue(tenant_id, now=now):
        counts["handed_over"] = counts.get("handed_over", 0) + overdue
    for claim in sorted({row[0] for row in rows}):
        of_claim = [(message_id, state) for token, message_id, state in rows if token == claim]
        journal = intents.read(claim)
        leaving = [message_id for message_id, state in of_claim if state == Message.State.HANDING_OVER]
        released = [message_id for message_id, state in of_claim if state == Message.State.CLAIMED]
        if journal is not None:
            released += [message_id for message_id in leaving if message_id not in journal.started]
            leaving = [message_id for message_id in leaving if message_id in journal.started]
        outcomes = [_settled(message_id, journal) for message_id in leaving]
        for state, number in record_outcomes(tenant_id, outcomes, claim=claim, now=now).items():
            counts[state] = counts.get(state, 0) + number
        if released:
            counts["planned"] = counts.get("planned", 0) + release(
                tenant_id,
                claim=claim,
                now=now,
                from_states=(Message.State.CLAIMED, Message.State.HANDING_OVER),
                message_ids=released,
            )
        if journal is not None:
            _forget_when_settled(tenant_id, claim)
    if counts:
        logger.warning("Recovered messages of dead processes for tenant %s: %s", tenant_id, counts)
    return counts


# Another host, which could not read the journal, called the whole group unknown.
CALLED_UNKNOWN = """
SELECT m.claim_token, m.id
  FROM campaigns_message m
 WHERE m.tenant_id = %(tenant)s AND m.queue = 'unknown' AND m.claim_token = ANY(%(claims)s)
 ORDER BY m.id
   FOR UPDATE SKIP LOCKED
"""


def _settle_what_journals_know(tenant_id: int, *, now: datetime) -> dict[str, int]:
    """This host's journals against messages that were called unknown elsewhere while it was cut off or dead.

    Only journals that no process holds: nothing can begin any more. What had not begun is planned again.
    """
    claims = intents.left_behind()
    if not claims:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(CALLED_UNKNOWN, {"tenant": tenant_id, "claims": claims})
        rows: list[tuple[UUID, int]] = cursor.fetchall()
    counts: dict[str, int] = {}
    for claim in sorted({row[0] for row in rows}):
        journal = intents.read(claim)
        if journal is None:
            continue
        message_ids = [message_id for token, message_id in rows if token == claim]
        unbegun = [message_id for message_id in message_ids if message_id not in journal.started]
        outcomes = [_settled(message_id, journal) for message_id in message_ids if message_id in journal.started]
        settled = dict(record_outcomes(tenant_id, outcomes, claim=claim, now=now))
        settled["planned"] = settle_unknown(tenant_id, unbegun, Message.State.PLANNED, now=now)
        for state, number in settled.items():
            counts[state] = counts.get(state, 0) + number
        _forget_when_settled(tenant_id, claim)
    return {state: number for state, number in counts.items() if number}


def _forget_when_settled(tenant_id: int, claim: UUID) -> None:
    """Remove the journal once its recovery is committed, unless another group of the claim still needs it."""
    left = Message.objects.for_tenant(tenant_id).filter(queue=Message.Queue.LEASED, claim_token=claim)
    if not left.exists():
        transaction.on_commit(partial(intents.forget, claim))


DEADLINE = timedelta(days=7)
"""How long a message stays unknown: mail servers give up after five days, and report it. Reports still count later."""

OVERDUE = """
UPDATE campaigns_message m
   SET state = 'handed_over', reason = 'never_confirmed', claim_token = NULL, next_look_up_at = NULL
 WHERE m.tenant_id = %(tenant)s AND m.queue = 'unknown' AND m.settled_at <= %(since)s
"""


def _settle_overdue(tenant_id: int, *, now: datetime) -> int:
    """What nobody could tell within the deadline is taken for what it has counted as all along: sent."""
    with connection.cursor() as cursor:
        cursor.execute(OVERDUE, {"tenant": tenant_id, "since": now - DEADLINE})
        return int(cursor.rowcount)


LOOK_UP_FOR = timedelta(days=3)
MOST_LOOKED_UP = 100
LOOK_UP_AGAIN = (timedelta(minutes=1), timedelta(hours=6))
"""How long a message waits for its next look-up: as long as it has been unknown, within these bounds."""

# What the provider could not tell is asked again after all the others, and less and less often.
ASK_AGAIN = """
UPDATE campaigns_message m
   SET next_look_up_at = %(now)s + least(greatest(%(now)s - m.settled_at, %(soonest)s), %(latest)s)
 WHERE m.tenant_id = %(tenant)s AND m.id = ANY(%(messages)s) AND m.state = 'unknown'
"""


def look_up_unknown(tenant: Tenant, *, now: datetime) -> Mapping[str, int]:
    """Ask the providers that can tell what became of unknown messages; returns how many were settled as what.

    What arrived is ``handed_over``; what certainly never did is planned again; the rest stays unknown and is
    asked about again in its turn. Opens its own scopes, because providers are asked outside any transaction.
    """
    with acting_for(tenant.pk):
        unknown, by_id = _whose_turn_it_is(tenant, now=now)
    asked: list[int] = []
    arrived, lost = [], []
    for connection_id, opened in by_id.items():
        try:
            with open_provider(opened) as provider:
                for message_id in (pk for pk, of in unknown if of == connection_id):
                    asked.append(message_id)  # also when the question fails: the next one begins with another message
                    match provider.look_up(reference_of(message_id)):
                        case True:
                            arrived.append(message_id)
                        case False:
                            lost.append(message_id)
        except (ProviderError, UndecipherableSecret) as error:
            logger.warning("Connection %s cannot be asked about unknown messages: %s", connection_id, error)
    if not asked:
        return {}
    with acting_for(tenant.pk), connection.cursor() as cursor:
        settled = {
            "handed_over": settle_unknown(tenant.pk, arrived, Message.State.HANDED_OVER, now=now),
            "planned": settle_unknown(tenant.pk, lost, Message.State.PLANNED, now=now),
        }
        soonest, latest = LOOK_UP_AGAIN
        values: dict[str, Any] = {"tenant": tenant.pk, "messages": asked, "now": now}
        cursor.execute(ASK_AGAIN, values | {"soonest": soonest, "latest": latest})
    return settled


def _whose_turn_it_is(tenant: Tenant, *, now: datetime) -> tuple[list[tuple[int, int]], dict[int, Connection]]:
    """Messages with their connections, those never asked about first, then those that waited longest."""
    rows = Message.objects.for_tenant(tenant).filter(
        Q(next_look_up_at=None) | Q(next_look_up_at__lte=now),
        queue=Message.Queue.UNKNOWN,
        settled_at__gt=now - LOOK_UP_FOR,
        connection__isnull=False,
    )
    in_turn = rows.order_by(F("next_look_up_at").asc(nulls_first=True), "settled_at", "id")
    unknown = list(in_turn.values_list("pk", "connection_id")[:MOST_LOOKED_UP])
    connections = Connection.objects.for_tenant(tenant).select_related("tenant")
    return unknown, {each.pk: each for each in connections.filter(pk__in={of for _, of in unknown})}


def _settled(message_id: int, journal: intents.Intents | None) -> Outcome:
    if journal is not None and message_id in journal.handed_over:
        return Outcome(message_id, Message.State.HANDED_OVER, provider_id=journal.handed_over[message_id])
    if journal is not None and message_id in journal.refused:
        return Outcome(message_id, Message.State.FAILED, reason=journal.refused[message_id])
    return Outcome(message_id, Message.State.UNKNOWN, reason="process_died_while_handing_over")
