"""How many e-mails a recipients' domain may get today: old lists begin small, and grow with what went well.

A mailbox provider that has not heard from a sender for long takes a flood of old addresses for spam. So each domain
(gmail.com, outlook.com …) begins with FIRST a day; a day on which it got at least half of what it might, and on which
few of them bounced or were complained about, doubles it. A quiet day teaches nothing. What the held-out would have got
counts alike: both arms wait for the same days. Days are those of the tenant's calendar.

Like caps.py this is SQL for embedding in a claim, over its table ``claiming`` (domain, due_at, refusal, until, why,
ramp) and the touch ledger, with the parameters of ``parameters``.
"""

from datetime import datetime, time, timedelta
from typing import Any

from campaigns.compliance.asking import Asking
from campaigns.compliance.reputation_rules import limits_on
from winback.providers.reasons import ADDRESS_IS_DEAD

FIRST = 200
ENOUGH = 100_000
"""From here on nothing is held back."""

_TODAY = "(%(today)s::date::timestamp AT TIME ZONE %(zone)s)"

# Each domain of the claim has a row, brought to today, and locked until the claim is committed: two workers never
# both take a domain's last place. The rows are locked in the order of their names, before any touch is reserved.
BRING_TO_TODAY = f"""
INSERT INTO campaigns_domainramp AS r (tenant_id, domain, day, cap)
SELECT %(tenant)s, d.domain, %(today)s, {FIRST}
  FROM (SELECT DISTINCT domain FROM claiming WHERE domain <> '' AND refusal IS NULL AND until IS NULL) d
 WHERE NOT EXISTS (SELECT FROM campaigns_domainramp old
                    WHERE old.tenant_id = %(tenant)s AND old.domain = d.domain AND old.cap >= {ENOUGH})
 ORDER BY d.domain
    ON CONFLICT (tenant_id, domain) DO UPDATE
   SET day = excluded.day,
       cap = (SELECT CASE WHEN count(*) * 2 >= r.cap
                           AND count(*) FILTER (WHERE m.reason = ANY(%(dead)s)) < %(bounces)s * count(*)
                           AND count(*) FILTER (WHERE m.state = 'complained') < %(complaints)s * count(*)
                          THEN least(r.cap * 2, {ENOUGH}) ELSE r.cap END
                FROM campaigns_touch t
                JOIN campaigns_message m ON m.tenant_id = %(tenant)s AND m.id = t.message_id
               WHERE t.tenant_id = %(tenant)s AND t.domain = r.domain
                 AND t.touched_at >= r.day::timestamp AT TIME ZONE %(zone)s
                 AND t.touched_at < (r.day + 1)::timestamp AT TIME ZONE %(zone)s)
 WHERE r.day < excluded.day
"""

# Those for whom a domain has no place left today wait for the tenant's next day.
KEEP = f"""
WITH ramping AS (
    SELECT r.domain, r.cap, used.number
      FROM campaigns_domainramp r
     CROSS JOIN LATERAL (
            SELECT count(*) AS number FROM campaigns_touch t
             WHERE t.tenant_id = %(tenant)s AND t.domain = r.domain AND t.touched_at >= {_TODAY}) used
     WHERE r.tenant_id = %(tenant)s AND r.cap < {ENOUGH}
       AND r.domain IN (SELECT domain FROM claiming WHERE domain <> '' AND refusal IS NULL AND until IS NULL)
), place AS (
    SELECT c.id, r.cap, r.number + row_number() OVER (PARTITION BY c.domain ORDER BY c.due_at, c.id) > r.cap AS over
      FROM claiming c JOIN ramping r USING (domain)
     WHERE c.refusal IS NULL AND c.until IS NULL
)
UPDATE claiming c
   SET ramp = p.cap, until = CASE WHEN p.over THEN %(tomorrow)s::timestamptz END, why = CASE WHEN p.over THEN 'ramp' END
  FROM place p
 WHERE c.id = p.id
"""


def parameters(asking: Asking) -> dict[str, Any]:
    """What the statements need beside the parameters of the guards."""
    limits = limits_on(asking.today)
    tomorrow = datetime.combine(asking.today + timedelta(days=1), time(), asking.tenant.zone)
    return {
        "tomorrow": tomorrow,
        "bounces": limits.hard_bounces_pause,
        "complaints": limits.complaints_warn,
        "dead": ["bounced_hard", *map(str, ADDRESS_IS_DEAD)],
    }
