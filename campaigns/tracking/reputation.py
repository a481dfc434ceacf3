"""Stop a campaign before the mailboxes do: complaints and dead addresses, measured by campaign and by connection.

What is counted left within the window, and after a person last resumed the campaign: whoever has looked and goes on is
measured anew. The limits are dated rows of catalog/data/reputation_rules.yaml.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from campaigns.compliance.reputation_rules import Limits, limits_on
from campaigns.planning import campaigning
from campaigns.planning.models import Campaign
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from winback.providers.reasons import ADDRESS_IS_DEAD

# A refusal during the hand-over that says that nobody is there is a hard bounce like one that is reported later.
MEASURE = """
WITH measured AS MATERIALIZED (
    SELECT c.id, greatest(%(since)s, (
               SELECT max(e.occurred_at) FROM tenants_event e
                WHERE e.tenant_id = %(tenant)s AND e.kind = 'campaign.resumed' AND e.subject_kind = 'campaign'
                  AND e.subject_id = c.id AND e.occurred_at > %(since)s)) AS since
      FROM campaigns_campaign c
     WHERE c.tenant_id = %(tenant)s AND c.state = 'running'
)
SELECT m.campaign_id, m.connection_id, count(*), count(*) FILTER (WHERE m.state = 'complained'),
       count(*) FILTER (WHERE m.state = 'bounced' AND m.reason = 'bounced_hard'
                           OR m.state = 'failed' AND m.reason = ANY(%(dead)s))
  FROM measured c
  JOIN campaigns_message m ON m.tenant_id = %(tenant)s AND m.campaign_id = c.id AND m.arm = 'treated'
   AND (m.state IN ('handed_over', 'delivered', 'bounced', 'complained', 'unknown')
        OR m.state = 'failed' AND m.reason = ANY(%(dead)s))
   AND coalesce(m.handed_over_at, m.settled_at) > c.since
 GROUP BY m.campaign_id, m.connection_id
"""


@dataclass(frozen=True)
class Standing:
    """What became of the messages of a campaign, or of those through a connection, in the window."""

    sent: int
    complaints: int
    hard_bounces: int

    def __add__(self, other: "Standing") -> "Standing":
        return Standing(
            self.sent + other.sent, self.complaints + other.complaints, self.hard_bounces + other.hard_bounces
        )

    def verdict(self, limits: Limits, days: int) -> tuple[str, str]:
        """``pause``, ``warn`` or nothing, and the sentence that says why."""
        if self.sent < limits.at_least:
            return "", ""
        complaints, bounces = self.complaints / self.sent, self.hard_bounces / self.sent
        of = f"of the {self.sent:,} messages of the last {days} days"
        if bounces >= limits.hard_bounces_pause:
            return "pause", f"{bounces:.1%} {of} met a dead address (limit {limits.hard_bounces_pause:.0%})"
        if complaints >= limits.complaints_pause:
            return "pause", f"{complaints:.2%} {of} drew complaints (limit {limits.complaints_pause:.1%})"
        if complaints >= limits.complaints_warn:
            return "warn", f"{complaints:.2%} {of} drew complaints; at {limits.complaints_pause:.1%} it is paused"
        return "", ""


@dataclass(frozen=True)
class Alarm:
    """A running campaign with too much bad news."""

    campaign_id: int
    pauses: bool
    why: str


def alarms(tenant: Tenant, *, now: datetime) -> Iterator[Alarm]:
    """What the running campaigns are to be warned of or paused for, one a campaign. Inside the open scope."""
    limits = limits_on(now.astimezone(tenant.zone).date())
    with connection.cursor() as cursor:
        cursor.execute(
            MEASURE,
            {"tenant": tenant.pk, "since": now - limits.window, "dead": [str(code) for code in ADDRESS_IS_DEAD]},
        )
        rows = [(campaign, through, Standing(*counts)) for campaign, through, *counts in cursor.fetchall()]
    none = Standing(0, 0, 0)
    by_connection: dict[int | None, Standing] = {}
    by_campaign: dict[int, Standing] = {}
    for campaign, through, standing in rows:
        by_connection[through] = by_connection.get(through, none) + standing
        by_campaign[campaign] = by_campaign.get(campaign, none) + standing
    labels: Mapping[int | None, str] = {}
    if rows:
        labels = dict(Connection.objects.for_tenant(tenant).values_list("pk", "label"))
    days = limits.window.days
    for campaign in sorted(by_campaign):
        said = [by_campaign[campaign].verdict(limits, days)]
        for through in sorted({each for of, each, _ in rows if of == campaign and each is not None}):
            level, why = by_connection[through].verdict(limits, days)
            said.append((level, f"{why}, counted over everything that left through {labels.get(through, 'it')}"))
        found = next((each for level in ("pause", "warn") for each in said if each[0] == level), None)
        if found is not None:
            yield Alarm(campaign, found[0] == "pause", found[1])


def pause_where_due(tenant: Tenant, *, now: datetime) -> int:
    """Pause the campaigns that must not go on like this, each with its reason; a person resumes them."""
    paused = 0
    for alarm in list(alarms(tenant, now=now)):
        if alarm.pauses:
            campaign = Campaign.objects.for_tenant(tenant).get(pk=alarm.campaign_id)
            reason = f"paused by itself: {alarm.why}. Look at whom it writes to before you resume it"
            paused += campaigning.pause(campaign, reason=reason, now=now, actor="reputation guard")
    return paused
