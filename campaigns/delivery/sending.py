"""Send what is due: claim, render, judge the words, hand over in small groups outside any transaction, record.

The provider is never called inside a transaction, and nothing is sent that is not in a committed ``handing_over`` row
(docs/decisions/0003-exactly-once.md). A ghost goes through all of it and stops before the provider.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from campaigns.audience.models import Arm, Channel
from campaigns.compliance import content
from campaigns.delivery import claiming, intents, outbox, recovering, routing
from campaigns.delivery.claiming import Claim
from campaigns.delivery.outbox import Outcome
from campaigns.delivery.rendering import Rendered, RenderFailed, facts_of, render
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from winback.providers.errors import ProviderTrouble
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)

CLAIM_SIZE = 500
GROUP_SIZE = 25
NO_CONNECTION_WAIT = timedelta(minutes=15)


@dataclass(frozen=True)
class Ready:
    """A message whose words are rendered and allowed."""

    facts: Mapping[str, Any]
    rendered: Rendered
    verdicts: str

    @property
    def message_id(self) -> int:
        return int(self.facts["id"])

    def outcome(self, state: Message.State, **more: Any) -> Outcome:
        return Outcome(
            self.message_id,
            state,
            subject=self.rendered.subject,
            content_sha256=self.rendered.sha256,
            verdicts=self.verdicts,
            segments=routing.segments(self.rendered) if self.facts["channel"] == Channel.SMS else None,
            **more,
        )


def send_due(
    tenant: Tenant,
    *,
    now: datetime,
    limit: int | None = None,
    deliver: bool = True,
    progress: Callable[[int], None] | None = None,
) -> dict[str, int]:
    """Send everything of this tenant that is due; returns how many reached each state.

    ``deliver=False`` does everything but call the provider, for a dry run: the caller rolls back.
    """
    counts: Counter[str] = Counter()
    with acting_for(tenant.pk):
        recovering.recover(tenant.pk, now=now)
    while limit is None or sum(counts.values()) < limit:
        size = CLAIM_SIZE if limit is None else min(CLAIM_SIZE, limit - sum(counts.values()))
        with acting_for(tenant.pk):
            claim = claiming.claim(tenant, now=now, limit=size)
        counts["postponed"] += claim.postponed
        counts["blocked"] += claim.blocked
        if claim.message_ids:
            counts.update(_send_claim(tenant, claim, now=now, deliver=deliver))
        elif not claim.looked_at:
            break
        if progress is not None:
            progress(sum(counts.values()))
    return {state: counts[state] for state in ("handed_over", "postponed", "blocked", "failed", "unknown", "ghost")}


def _send_claim(tenant: Tenant, claim: Claim, *, now: datetime, deliver: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    with acting_for(tenant.pk):
        ready, blocked = _rendered(tenant, claim, now=now)
        settled = [item.outcome(Message.State.GHOST) for item in ready if item.facts["arm"] == Arm.HELD_OUT]
        counts.update(outbox.record_outcomes(tenant.pk, [*blocked, *settled], claim=claim.token, now=now))
    leaving = [item for item in ready if item.facts["arm"] == Arm.TREATED]
    for channel in Channel.values:
        of_channel = [item for item in leaving if item.facts["channel"] == channel]
        if of_channel:
            counts.update(_send_over(tenant, channel, of_channel, claim, now=now, deliver=deliver))
    return counts


def _rendered(tenant: Tenant, claim: Claim, *, now: datetime) -> tuple[list[Ready], list[Outcome]]:
    """The claimed messages with their words, and those whose words may not leave."""
    ready, blocked = [], []
    for facts in facts_of(tenant.pk, claim.message_ids, now=now):
        try:
            rendered = render(facts, now=now)
        except RenderFailed as error:
            logger.error("Message %s cannot be rendered: %s", facts["id"], error)
            blocked.append(Outcome(facts["id"], Message.State.BLOCKED, reason="render_failed", error=str(error)))
            continue
        headers = routing.headers(facts) if facts["channel"] == Channel.EMAIL else {}
        verdicts = content.judge(
            channel=facts["channel"], subject=rendered.subject, html=rendered.html, text=rendered.text, headers=headers,
            facts=facts,
        )
        evidence = content.as_evidence(verdicts, at=now)
        refusal = next((verdict for verdict in verdicts if not verdict.allowed), None)
        item = Ready(facts, rendered, evidence)
        if refusal is not None:
            blocked.append(item.outcome(Message.State.BLOCKED, reason=refusal.reason))
        else:
            ready.append(item)
    return ready, blocked


def _groups(items: Sequence[Ready]) -> Iterator[Sequence[Ready]]:
    for start in range(0, len(items), GROUP_SIZE):
        yield items[start : start + GROUP_SIZE]


def _send_over(
    tenant: Tenant, channel: str, items: Sequence[Ready], claim: Claim, *, now: datetime, deliver: bool
) -> Counter[str]:
    """Hand the messages of one channel over, through the tenant's connection for it."""
    counts: Counter[str] = Counter()
    with acting_for(tenant.pk):
        connection = routing.connection_for(tenant, channel)
        if connection is None:
            counts["postponed"] += outbox.release(
                tenant.pk,
                claim=claim.token,
                now=now,
                message_ids=[item.message_id for item in items],
                until=now + NO_CONNECTION_WAIT,
                reason="no_connection",
            )
            return counts
    with routing.opened(connection, tenant, deliver=deliver) as carrier, intents.writing(claim.token) as journal:
        for group in _groups(items):
            with acting_for(tenant.pk):
                may_leave = outbox.begin_hand_over(
                    tenant.pk,
                    [item.message_id for item in group],
                    claim=claim.token,
                    connection_id=connection.pk,
                    now=now,
                )
            going = [item for item in group if item.message_id in may_leave]
            outcomes: dict[int, Outcome] = {}
            trouble = _hand_over(carrier, going, journal, outcomes)
            with acting_for(tenant.pk):
                counts.update(
                    outbox.record_outcomes(tenant.pk, list(outcomes.values()), claim=claim.token, now=now)
                )
                if trouble is not None:
                    routing.pause(connection, reason=str(trouble), now=now)
            if trouble is not None:
                break
    with acting_for(tenant.pk):
        # What was not handed over (stopped in between, or the provider is in trouble) is asked everything again.
        left = [item.message_id for item in items]
        counts["postponed"] += outbox.release(
            tenant.pk,
            claim=claim.token,
            now=now,
            message_ids=left,
            until=now + NO_CONNECTION_WAIT if trouble is not None else None,
            reason="provider_trouble" if trouble is not None else "",
        )
    return counts


def _hand_over(
    carrier: "routing.Carrier", going: Sequence[Ready], journal: intents.IntentFile, outcomes: dict[int, Outcome]
) -> ProviderTrouble | None:
    """Give a group to the provider; fills in what became of each and returns the provider's own trouble, if any."""
    by_id = {item.message_id: item for item in going}

    def started(message_id: int) -> None:
        journal.starting(message_id)
        # Until something better is known, and should the call die with anything else than an answer.
        outcomes[message_id] = by_id[message_id].outcome(Message.State.UNKNOWN, reason="hand_over_interrupted")

    def handed_over(message_id: int, provider_id: str) -> None:
        journal.handed_over(message_id, provider_id)
        outcomes[message_id] = by_id[message_id].outcome(Message.State.HANDED_OVER, provider_id=provider_id)

    def refused(message_id: int, code: str, detail: str) -> None:
        journal.refused(message_id, code)
        outcomes[message_id] = by_id[message_id].outcome(Message.State.FAILED, reason=code, error=detail)

    def not_left(message_id: int) -> None:
        outcomes.pop(message_id, None)

    try:
        carrier.carry(going, started=started, handed_over=handed_over, refused=refused, not_left=not_left)
    except ProviderTrouble as trouble:
        logger.warning("Connection in trouble: %s", trouble)
        return trouble
    return None


__all__ = ["CLAIM_SIZE", "GROUP_SIZE", "Connection", "send_due"]
