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

from campaigns.audience.models import Arm, Channel, Contact
from campaigns.audience.suppressing import suppress
from campaigns.compliance import content
from campaigns.compliance.asking import asking_of
from campaigns.compliance.quiet_hours import Hours
from campaigns.delivery import claiming, intents, outbox, recovering, routing
from campaigns.delivery.claiming import Claim
from campaigns.delivery.hearing import Hearing
from campaigns.delivery.outbox import Evidence, Outcome
from campaigns.delivery.rendering import Rendered, RenderFailed, facts_of, render
from campaigns.planning.models import Campaign, Message
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tenants.connections import connecting
from tenants.connections.models import Connection
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble
from winback.providers.reasons import ADDRESS_IS_DEAD, PERSON_SAID_NO
from winback.providers.sms import segments
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)

CLAIM_SIZE = 500
GROUP_SIZE = 25
NO_CONNECTION_WAIT = timedelta(minutes=15)
DEFERRED_WAIT = timedelta(hours=4)
MOST_ATTEMPTS = 5
STATES = ("handed_over", "postponed", "blocked", "failed", "unknown", "ghost")


@dataclass(frozen=True)
class Ready:
    """A message whose words are rendered and allowed."""

    facts: Mapping[str, Any]
    rendered: Rendered
    evidence: Evidence

    @property
    def message_id(self) -> int:
        return int(self.facts["id"])


def send_due(
    tenant: Tenant,
    *,
    now: datetime,
    limit: int | None = None,
    deliver: bool = True,
    progress: Callable[[int], None] | None = None,
) -> dict[str, int]:
    """Send everything of this tenant that is due; returns how many reached each state.

    Opens its own scopes. ``deliver=False`` does everything but call the provider, for a dry run: the caller rolls back.
    """
    counts: Counter[str] = Counter()
    if deliver:
        with acting_for(tenant.pk):
            recovering.recover(tenant.pk, now=now)
        recovering.look_up_unknown(tenant, now=now)
    with acting_for(tenant.pk):
        askings = [asking_of(campaign, now=now) for campaign in sendable_campaigns(tenant)]
        hours = Hours.load(now)
    for asking in askings:
        stuck = 0
        while stuck < 3 and (limit is None or sum(counts.values()) < limit):
            size = CLAIM_SIZE if limit is None else min(CLAIM_SIZE, limit - sum(counts.values()))
            with acting_for(tenant.pk):
                claim = claiming.claim(asking, hours=hours, limit=size)
            counts["postponed"] += claim.postponed
            counts["blocked"] += claim.blocked
            if claim.message_ids:
                counts.update(_send_claim(tenant, claim, now=now, deliver=deliver))
            elif not claim.looked_at:
                break
            # Looked at and nothing moved: other workers hold these households; they are theirs, or the next tick's.
            stuck = 0 if claim.message_ids or claim.postponed or claim.blocked else stuck + 1
            if progress is not None:
                progress(sum(counts.values()))
    return {state: counts[state] for state in STATES}


def sendable_campaigns(tenant: Tenant) -> list[Campaign]:
    """The campaigns whose messages may be claimed: running, their module active, their tenant not suspended."""
    if tenant.state != Tenant.State.ACTIVE:
        return []
    rows = Campaign.objects.for_tenant(tenant).filter(
        state=Campaign.State.RUNNING, activation__state=ModuleActivation.State.ACTIVATED
    )
    return list(rows.select_related("activation", "tenant__plan", "tenant__niche").order_by("pk"))


def _send_claim(tenant: Tenant, claim: Claim, *, now: datetime, deliver: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    with acting_for(tenant.pk):
        connections = {channel: routing.connection_for(tenant, channel) for channel in Channel.values}
        ready, blocked = _rendered(tenant, claim, connections, now=now)
        ghosts = [
            Outcome(item.message_id, Message.State.GHOST, evidence=item.evidence)
            for item in ready
            if item.facts["arm"] == Arm.HELD_OUT
        ]
        counts.update(outbox.record_outcomes(tenant.pk, [*blocked, *ghosts], claim=claim.token, now=now))
    for channel, connection in connections.items():
        leaving = [item for item in ready if item.facts["arm"] == Arm.TREATED and item.facts["channel"] == channel]
        if leaving and connection is not None:
            counts.update(_send_over(tenant, connection, leaving, claim, now=now, deliver=deliver))
        elif leaving:
            with acting_for(tenant.pk):
                counts["postponed"] += _release(
                    tenant, leaving, claim, now=now, until=now + NO_CONNECTION_WAIT, reason="no_connection"
                )
    return counts


def _rendered(
    tenant: Tenant, claim: Claim, connections: Mapping[str, Connection | None], *, now: datetime
) -> tuple[list[Ready], list[Outcome]]:
    """The claimed messages with their words, and those whose words may not leave."""
    ready, blocked = [], []
    for facts in facts_of(tenant.pk, claim.message_ids, now=now):
        try:
            rendered = render(facts, now=now)
        except RenderFailed as error:
            logger.error("Message %s cannot be rendered: %s", facts["id"], error)
            blocked.append(Outcome(facts["id"], Message.State.BLOCKED, reason="render_failed", error=str(error)))
            continue
        verdicts = content.judge(
            channel=facts["channel"],
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            headers=routing.headers(facts) if facts["channel"] == Channel.EMAIL else {},
            facts=facts,
        )
        item = Ready(facts, rendered, _evidence(facts, rendered, content.as_evidence(verdicts, at=now), connections))
        refusal = next((verdict for verdict in verdicts if not verdict.allowed), None)
        if refusal is not None:
            blocked.append(
                Outcome(item.message_id, Message.State.BLOCKED, reason=refusal.reason, evidence=item.evidence)
            )
        else:
            ready.append(item)
    return ready, blocked


def _evidence(
    facts: Mapping[str, Any], rendered: Rendered, verdicts: str, connections: Mapping[str, Connection | None]
) -> Evidence:
    channel = facts["channel"]
    number = segments.count(segments.plainer(rendered.text)).segments if channel == Channel.SMS else None
    connection = connections.get(channel)
    return Evidence(
        message_id=facts["id"],
        subject=rendered.subject,
        content_sha256=rendered.sha256,
        segments=number,
        verdicts=verdicts,
        cost_minor=routing.cost_minor(connection, channel, number) if connection is not None else 0,
    )


def _groups(items: Sequence[Ready]) -> Iterator[Sequence[Ready]]:
    for start in range(0, len(items), GROUP_SIZE):
        yield items[start : start + GROUP_SIZE]


def _send_over(
    tenant: Tenant, connection: Connection, items: Sequence[Ready], claim: Claim, *, now: datetime, deliver: bool
) -> Counter[str]:
    """Hand the messages of one channel over, through the tenant's connection for it."""
    counts: Counter[str] = Counter()
    trouble: ProviderTrouble | None = None
    with intents.writing(claim.token) as journal, routing.opened(connection, now=now, deliver=deliver) as carrier:
        for group in _groups(items):
            with acting_for(tenant.pk):
                may_leave = outbox.begin_hand_over(
                    tenant.pk,
                    [item.evidence for item in group],
                    claim=claim.token,
                    connection_id=connection.pk,
                    now=now,
                )
            going = [item for item in group if item.message_id in may_leave]
            hearing = Hearing(journal, Outcome)
            try:
                carrier.carry(going, hearing)
            except ProviderTrouble as error:
                logger.warning("Connection %s is in trouble: %s", connection.pk, error)
                trouble = error
            with acting_for(tenant.pk):
                outcomes = [*hearing.outcomes.values(), *_given_up(tenant, hearing, going)]
                counts.update(outbox.record_outcomes(tenant.pk, outcomes, claim=claim.token, now=now))
                _suppress_dead(tenant, going, hearing, connection, now=now)
                counts["postponed"] += _put_off(tenant, going, hearing, claim, now=now)
            if trouble is not None:
                break
        with acting_for(tenant.pk):
            # What was not handed over (stopped in between, or the provider is in trouble) is asked everything again.
            counts["postponed"] += _release(
                tenant,
                items,
                claim,
                now=now,
                until=now + NO_CONNECTION_WAIT if trouble is not None else None,
                reason="provider_trouble" if trouble is not None else "",
            )
            if isinstance(trouble, ProviderMisconfigured):
                connecting.pause(connection, reason=str(trouble), now=now)
    return counts


def _release(
    tenant: Tenant, items: Sequence[Ready], claim: Claim, *, now: datetime, until: datetime | None, reason: str
) -> int:
    ids = [item.message_id for item in items]
    return outbox.release(tenant.pk, claim=claim.token, now=now, message_ids=ids, until=until, reason=reason)


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
        number += _release(tenant, items, claim, now=now, until=now + DEFERRED_WAIT, reason=reason)
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
