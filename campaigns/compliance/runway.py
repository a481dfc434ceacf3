"""The consent runway: who may be written to today and will not be in 30, 60 or 90 days, by channel and by what ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from campaigns.audience.models import Channel
from campaigns.compliance import consent_basis
from campaigns.compliance.asking import Asking, asking_of_tenant
from campaigns.compliance.guards import ADDRESS, FORBIDDING, SUPPRESSED
from campaigns.compliance.lawful_until import JOINS, PERMITTED_UNTIL, SPOKEN_UNTIL
from tenants.accounts.models import Tenant

DAYS = (30, 60, 90)
CALL = "call"
CHANNELS = (*Channel.values, CALL)
PERMISSION, SILENCE = "implied_consent_expired", "silent_too_long"
PAGE = 100

# Only those whose business or inquiry lies about as many months back as a rule of theirs allows can be near an end: a
# stretch of three months for each rule, found by an index, instead of every contact. (Months are of different lengths,
# and days begin elsewhere at other hours: hence the odd days.) Of the guards' facts those alone are asked that end or
# forbid; ``k`` is the contact as far as they need it, so that its table is read once.
_LOOK = f"""
WITH span AS (
    SELECT way.since, way.channel, way.countries,
           %(now)s - make_interval(months => way.months) - interval '2 days' AS begins,
           %(now)s - make_interval(months => way.months) + make_interval(days => {max(DAYS)} + 5) AS ends
      FROM unnest(%(way_sinces)s::text[], %(way_channels)s::text[], %(way_countries)s::text[], %(way_months)s::int[])
           AS way(since, channel, countries, months)
), near AS (
    SELECT span.channel, span.countries, s.contact_id, s.last_job_at
      FROM span
      JOIN campaigns_contactstat s ON span.since = 'job' AND s.tenant_id = %(tenant)s
           AND s.last_job_at >= span.begins AND s.last_job_at < span.ends
     UNION ALL
    SELECT span.channel, span.countries, s.contact_id, s.last_job_at
      FROM span
      JOIN campaigns_consent c ON span.since = 'inquiry' AND c.tenant_id = %(tenant)s AND c.state = 'inquired'
           AND c.channel = span.channel AND c.stated_at >= span.begins AND c.stated_at < span.ends
      JOIN campaigns_contactstat s ON s.tenant_id = %(tenant)s AND s.contact_id = c.contact_id
), asked AS (
    SELECT DISTINCT a.contact_id, a.channel, a.last_job_at AS lapsed_from, %(brand)s::bigint AS brand_id,
           k.timezone, k.country, k.email_hmac, k.phone_hmac
      FROM near a
      JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = a.contact_id
     WHERE k.state = 'active' AND {ADDRESS} IS NOT NULL
       AND (a.countries = '' OR k.country = ANY(string_to_array(a.countries, ',')))
), ending AS MATERIALIZED (
    SELECT a.contact_id, a.channel, least(until.permitted, until.spoken) AS lawful_until,
           least(until.permitted, until.spoken) - day.today + 1 AS days_left,
           CASE WHEN until.permitted <= until.spoken THEN '{PERMISSION}' ELSE '{SILENCE}' END AS reason,
           CASE WHEN until.permitted <= until.spoken THEN rule.code ELSE '' END AS rule
      FROM asked a
     CROSS JOIN LATERAL (SELECT a.timezone, a.country, a.email_hmac, a.phone_hmac) k
{JOINS}
     CROSS JOIN LATERAL (SELECT {PERMITTED_UNTIL} AS permitted, {SPOKEN_UNTIL} AS spoken) until
{FORBIDDING}{SUPPRESSED}
     WHERE least(until.permitted, until.spoken) BETWEEN day.today AND day.today + {max(DAYS)} - 1
       AND tag.name IS NULL AND own_sup.id IS NULL AND platform.id IS NULL
), counted AS (
    SELECT channel, reason, rule,
           json_build_array({", ".join(f"count(*) FILTER (WHERE days_left <= {days})" for days in DAYS)}) AS within
      FROM ending
     GROUP BY channel, reason, rule
), listed AS (
    SELECT k.id AS contact_id, coalesce(k.external_id, '') AS external_id,
           coalesce(nullif(trim(k.first_name || ' ' || k.last_name), ''), nullif(k.company, ''), k.external_id, '')
               AS name,
           e.channel, e.reason, e.lawful_until, e.days_left
      FROM (SELECT *
              FROM ending
             WHERE days_left <= %(within)s AND %(only_channel)s IN ('', channel) AND %(only_reason)s IN ('', reason)
               AND (lawful_until, contact_id, channel) > (%(after_day)s::date, %(after_id)s, %(after_channel)s)
             ORDER BY lawful_until, contact_id, channel
             LIMIT %(most)s) e
      JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = e.contact_id
)
SELECT coalesce((SELECT json_agg(c ORDER BY c.channel, c.reason, c.rule) FROM counted c), '[]'),
       coalesce((SELECT json_agg(p ORDER BY p.lawful_until, p.contact_id, p.channel) FROM listed p), '[]')
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


@dataclass(frozen=True)
class Runway:
    """The counts, and the first of the people behind them."""

    lines: list[Line]
    people: list[Person]


def look(
    tenant: Tenant,
    *,
    now: datetime,
    within: int = max(DAYS),
    channel: str = "",
    reason: str = "",
    after: str = "",
    most: int = PAGE,
) -> Runway:
    """Everybody counted, and of whom was asked for ``most``, the first to be lost first. Inside an open scope.

    ``after`` is the cursor of the last person of the page before.
    """
    day, contact_id, after_channel = _read(after)
    asking = asking_of_tenant(tenant, now=now)
    values = asking.parameters() | _ways(asking) | {
        "within": within, "only_channel": channel, "only_reason": reason,
        "after_day": day, "after_id": contact_id, "after_channel": after_channel, "most": most,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, values)
        counted, listed = cursor.fetchone()
    return Runway(
        [Line(**row | {"within": dict(zip(DAYS, row["within"], strict=True))}) for row in counted],
        [Person(**row | {"lawful_until": date.fromisoformat(row["lawful_until"])}) for row in listed],
    )


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


def _ways(asking: Asking) -> dict[str, list[Any]]:
    """In which ways permission ends, as columns: so many months after the last job, or after an inquiry."""
    ways = {("job", channel, "", asking.silence_months) for channel in CHANNELS}
    for rule in consent_basis.valid_on(asking.today):
        where = rule.channel, ",".join(rule.countries)
        ways |= {("job", *where, rule.months), ("job", *where, rule.soft_opt_in_months)}
        ways.add(("inquiry", *where, rule.inquiry_months))
    kept = [way for way in ways if way[-1] is not None]
    names = ("way_sinces", "way_channels", "way_countries", "way_months")
    return {name: [way[place] for way in kept] for place, name in enumerate(names)}
