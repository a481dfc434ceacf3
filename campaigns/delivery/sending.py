"""Send what is due: claim, render, judge the words, hand over in small groups outside any transaction, record.

The provider is never called inside a transaction, and nothing is sent that is not in a committed ``handing_over`` row
(docs/decisions/0003-exactly-once.md). A ghost goes through all of it and stops before the provider.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from campaigns.audience.experiment_models import Arm
from campaigns.audience.models import Channel
from campaigns.compliance import content
from campaigns.compliance.asking import Asking, asking_of
from campaigns.compliance.quiet_hours import Hours
from campaigns.delivery import claiming, outbox, recovering, routing
from campaigns.delivery.claiming import Claim
from campaigns.delivery.handing_over import STOPPED, Ready, hand_over, release
from campaigns.delivery.message_facts import facts_of
from campaigns.delivery.outbox import Evidence, Outcome
from campaigns.delivery.rendering import Rendered, RenderFailed, render
from campaigns.planning.models import Campaign, Message
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tenants.connections.connecting import paused_connection, starts_slowly
from tenants.connections.models import Connection
from winback import statistics
from winback.providers.sms import segments
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)

CLAIM_SIZE = 500
NO_CONNECTION_WAIT = timedelta(minutes=15)
RUN_SECONDS = 60
"""How long the clock may stand still: whoever sends by the real one reads it again after so many seconds."""
STATES = ("handed_over", "postponed", "blocked", "failed", "unknown", "ghost")


def send_due(
    tenant: Tenant,
    *,
    now: datetime,
    limit: int | None = None,
    deliver: bool = True,
    for_seconds: float | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict[str, int]:
    """Send everything of this tenant that is due; returns how many reached each state.

    Nothing more is claimed after ``for_seconds``: where the provider is slow, ``now`` would be long past, and a text
    that was due in time would leave in quiet hours.

    Opens its own scopes. ``deliver=False`` does everything but call the provider, for a dry run: the caller rolls back.
    """
    counts: Counter[str] = Counter()
    started = monotonic()
    if deliver:
        with acting_for(tenant.pk):
            recovering.recover(tenant.pk, now=now)
        recovering.look_up_unknown(tenant, now=now)
    with acting_for(tenant.pk):
        statistics.keep_up()
        askings = [asking_of(campaign, now=now) for campaign in sendable_campaigns(tenant)]
        hours = Hours.load(now)
    for asking in askings:
        stuck = 0
        slow_start = _starts_slowly(tenant, asking)
        while stuck < 3 and (limit is None or sum(counts.values()) < limit):
            if for_seconds is not None and monotonic() - started >= for_seconds:
                break
            size = CLAIM_SIZE if limit is None else min(CLAIM_SIZE, limit - sum(counts.values()))
            with acting_for(tenant.pk):
                claim = claiming.claim(asking, hours=hours, limit=size, slow_start=slow_start)
            counts["postponed"] += claim.postponed
            counts["blocked"] += claim.blocked
            if claim.message_ids:
                counts.update(_send_claim(tenant, claim, asking.campaign.brand_id, now=now, deliver=deliver))
            elif not claim.looked_at:
                break
            if counts.pop(STOPPED, 0):
                # Claimed again and again, a backlog would be put off whole, and rendered for nothing.
                return {state: counts[state] for state in STATES}
            # Looked at and nothing moved: other workers hold these households; they are theirs, or the next tick's.
            stuck = 0 if claim.message_ids or claim.postponed or claim.blocked else stuck + 1
            if progress is not None:
                progress(sum(counts.values()))
    return {state: counts[state] for state in STATES}


def _starts_slowly(tenant: Tenant, asking: Asking) -> bool:
    with acting_for(tenant.pk):
        through = routing.connection_for(tenant, Channel.EMAIL, asking.campaign.brand_id)
        return through is not None and starts_slowly(through)


def sendable_campaigns(tenant: Tenant) -> list[Campaign]:
    """The campaigns whose messages may be claimed: running, their module active, their tenant not suspended."""
    if tenant.state != Tenant.State.ACTIVE:
        return []
    rows = Campaign.objects.for_tenant(tenant).filter(
        state=Campaign.State.RUNNING, activation__state=ModuleActivation.State.ACTIVATED
    )
    return list(rows.select_related("activation", "tenant__plan", "tenant__niche").order_by("pk"))


def _send_claim(tenant: Tenant, claim: Claim, brand_id: int | None, *, now: datetime, deliver: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    with acting_for(tenant.pk):
        connections = {channel: routing.connection_for(tenant, channel, brand_id) for channel in Channel.values}
        ready, blocked = _rendered(tenant, claim, connections, now=now)
        ghosts = [
            Outcome(item.message_id, Message.State.GHOST, evidence=item.evidence)
            for item in ready
            if item.facts["arm"] == Arm.HELD_OUT
        ]
        counts.update(outbox.record_outcomes(tenant.pk, [*blocked, *ghosts], claim=claim.token, now=now))
    for channel, connection in connections.items():
        leaving = [item for item in ready if item.facts["arm"] == Arm.TREATED and item.facts["channel"] == channel]
        if not leaving:
            continue
        if connection is not None:
            counts.update(hand_over(tenant, connection, leaving, claim, now=now, deliver=deliver))
            continue
        with acting_for(tenant.pk):
            reason = "provider_trouble" if paused_connection(tenant, channel, brand_id) else "no_connection"
            counts["postponed"] += release(
                tenant, leaving, claim, now=now, until=now + NO_CONNECTION_WAIT, reason=reason
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
            evidence = Evidence(facts["id"], verdicts=claim.verdicts[facts["id"]])
            blocked.append(
                Outcome(facts["id"], Message.State.BLOCKED, "render_failed", error=str(error), evidence=evidence)
            )
            continue
        verdicts = content.judge(
            channel=facts["channel"],
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            headers=routing.headers(facts) if facts["channel"] == Channel.EMAIL else {},
            facts=facts,
        )
        said = content.as_evidence(verdicts, at=now, before=claim.verdicts[facts["id"]])
        item = Ready(facts, rendered, _evidence(facts, rendered, said, connections))
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
        address_hmac=facts["address_hmac"],
    )
