"""The consent runway: who may be written to today and will not be in 30, 60 or 90 days, by channel and by what ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from campaigns.audience.models import Channel
from campaigns.compliance import consent_basis
from campaigns.compliance.asking import Asking, asking_of_tenant
from campaigns.compliance.guards import FACTS
from tenants.accounts.models import Tenant

DAYS = (30, 60, 90)
CALL = "call"
CHANNELS = (*Channel.values, CALL)
REASONS = ("implied_consent_expired", "silent_too_long")
PAGE = 100

# Only those whose business or inquiry lies as many months back as some rule allows can be near an end: a stretch of
# three months for each rule, found by the index of last jobs, instead of every contact.
_ENDING = f"""
WITH span AS (
    SELECT %(now)s - make_interval(months => n) - interval '2 days' AS begins,
           %(now)s - make_interval(months => n) + make_interval(days => %(horizon)s + 3) AS ends
      FROM unnest(%(spans)s::int[]) AS n
), near AS (
    SELECT s.contact_id FROM span JOIN campaigns_contactstat s
           ON s.tenant_id = %(tenant)s AND s.last_job_at >= span.begins AND s.last_job_at < span.ends
     UNION
    SELECT c.contact_id FROM span JOIN campaigns_consent c
           ON c.tenant_id = %(tenant)s AND c.state = 'inquired'
           AND c.stated_at >= span.begins AND c.stated_at < span.ends
), asked AS (
    SELECT n.contact_id AS ref, 0 AS place, n.contact_id, way.channel, %(brand)s::bigint AS brand_id,
           s.last_job_at AS lapsed_from
      FROM near n
      JOIN campaigns_contactstat s ON s.tenant_id = %(tenant)s AND s.contact_id = n.contact_id
     CROSS JOIN unnest(%(runway_channels)s::text[]) AS way(channel)
), ending AS (
    SELECT f.contact_id, f.channel, f.basis_rule, f.local_day, least(f.permitted_until, f.spoken_until) AS lawful_until,
           CASE WHEN f.permitted_until <= f.spoken_until THEN 'implied_consent_expired' ELSE 'silent_too_long' END
               AS reason
      FROM ({FACTS}) f
     WHERE f.contact_state = 'active' AND f.has_address AND f.forbidding_tag IS NULL AND f.suppressed_by IS NULL
       AND least(f.permitted_until, f.spoken_until) BETWEEN f.local_day AND f.local_day + %(horizon)s - 1
)
"""

COUNTS = f"""
{_ENDING}
SELECT channel, reason, CASE WHEN reason = 'implied_consent_expired' THEN coalesce(basis_rule, '') ELSE '' END AS rule,
       {", ".join(f"count(*) FILTER (WHERE lawful_until < local_day + {days})" for days in DAYS)}
  FROM ending
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
"""

PEOPLE = f"""
{_ENDING}
SELECT k.id, coalesce(k.external_id, ''), trim(k.first_name || ' ' || k.last_name), k.company, e.channel, e.reason,
       e.lawful_until, e.lawful_until - e.local_day + 1
  FROM ending e
  JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = e.contact_id
 WHERE (%(only_channel)s = '' OR e.channel = %(only_channel)s) AND (%(only_reason)s = '' OR e.reason = %(only_reason)s)
   AND (e.lawful_until, k.id, e.channel) > (%(after_day)s::date, %(after_id)s, %(after_channel)s)
 ORDER BY e.lawful_until, k.id, e.channel
 LIMIT %(most)s
"""


@dataclass(frozen=True)
class Line:
    """How many lose permission over one channel for one reason, within so many days."""

    channel: str
    reason: str
    rule: str
    within: Mapping[int, int]


@dataclass(frozen=True)
class Person:
    """Somebody who may be written to until the end of a day."""

    contact_id: int
    external_id: str
    name: str
    channel: str
    reason: str
    lawful_until: date
    days_left: int

    @property
    def cursor(self) -> str:
        return f"{self.lawful_until.isoformat()}.{self.contact_id}.{self.channel}"


def runway(tenant: Tenant, *, now: datetime) -> list[Line]:
    """The counts. Inside an open scope."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, _values(asking_of_tenant(tenant, now=now), max(DAYS)))
        return [
            Line(channel, reason, rule, dict(zip(DAYS, counts, strict=True)))
            for channel, reason, rule, *counts in cursor.fetchall()
        ]


def people(
    tenant: Tenant,
    *,
    now: datetime,
    within: int = max(DAYS),
    channel: str = "",
    reason: str = "",
    after: str = "",
    most: int = PAGE,
) -> list[Person]:
    """Who they are, the first to be lost first; ``after`` is the cursor of the last one of the page before."""
    day, contact_id, after_channel = _read(after)
    values = _values(asking_of_tenant(tenant, now=now), within) | {
        "only_channel": channel,
        "only_reason": reason,
        "after_day": day,
        "after_id": contact_id,
        "after_channel": after_channel,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, values)
        return [
            Person(contact, external, name or company or external, way, why, until, left)
            for contact, external, name, company, way, why, until, left in cursor.fetchall()
        ]


def report(lines: Sequence[Line]) -> dict[str, Any]:
    """The counts as the command and the API give them."""
    return {
        "total": {str(days): sum(line.within[days] for line in lines) for days in DAYS},
        "by": [
            {"channel": line.channel, "reason": line.reason, "rule": line.rule or None}
            | {f"within_{days}": line.within[days] for days in DAYS}
            for line in lines
        ],
    }


class NoSuchPlace(ValueError):
    """A cursor that none of our answers gave."""


def _read(after: str) -> tuple[str, int, str]:
    if not after:
        return "-infinity", 0, ""
    day, _, rest = after.partition(".")
    number, _, channel = rest.partition(".")
    try:
        return date.fromisoformat(day).isoformat(), int(number), channel[:10]
    except ValueError as error:
        raise NoSuchPlace("That cursor is none of ours.") from error


def _values(asking: Asking, horizon: int) -> dict[str, Any]:
    spans = {months for rule in consent_basis.valid_on(asking.today) for months in _months(rule)}
    if asking.silence_months is not None:
        spans.add(asking.silence_months)
    return asking.parameters() | {"spans": sorted(spans), "horizon": horizon, "runway_channels": list(CHANNELS)}


def _months(rule: consent_basis.Basis) -> list[int]:
    return [each for each in (rule.months, rule.inquiry_months, rule.soft_opt_in_months) if each is not None]
