"""The holdout draw: who is left alone, so that the effect of writing can be measured. Drawn once, for good.

The draw is a hash of the tenant's salt and the household's key, so anybody who has both can repeat it. The members of a
household share one arm: where one has been drawn, the others follow it, whatever the share has become since.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from campaigns.audience.experiment_models import Arm
from tenants.activation.models import ModuleActivation

MODULE = "dormant_customer_reactivation"

# With no share chosen: as many as it takes to see an effect. Dormant contacts → hundredths of a percent.
SHARE_BY_SIZE = ((5_000, 1_000), (1_000, 2_000), (0, 3_000))

_CHOSEN = "a.module_id = %(module)s AND a.state <> %(retired)s"

FIX_SHARES = f"""
WITH dormant AS MATERIALIZED (
    SELECT a.id, a.tenant_id, n.number
      FROM tenants_moduleactivation a,
           LATERAL (SELECT count(*) AS number FROM campaigns_dormancyepisode e
                     WHERE e.tenant_id = a.tenant_id AND e.state = 'open') n
     WHERE a.tenant_id = ANY(%(tenants)s) AND {_CHOSEN} AND a.holdout_share IS NULL AND n.number > 0
), fixed AS (
    UPDATE tenants_moduleactivation a
       SET holdout_share = CASE {" ".join(f"WHEN d.number >= {size} THEN {share}" for size, share in SHARE_BY_SIZE)} END
      FROM dormant d
     WHERE a.tenant_id = d.tenant_id AND a.id = d.id AND a.holdout_share IS NULL
    RETURNING a.tenant_id, a.id, a.holdout_share, d.number
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, subject_kind, subject_id, data, occurred_at)
    SELECT tenant_id, 'holdout.share_fixed', 'moduleactivation', id,
           jsonb_build_object('share', holdout_share, 'dormant', number), %(now)s
      FROM fixed ORDER BY id
)
SELECT tenant_id FROM fixed
"""

UNDRAWN = """
CREATE TEMPORARY TABLE IF NOT EXISTS undrawn (tenant_id bigint, contact_id bigint) ON COMMIT DROP;
TRUNCATE undrawn
"""
OPENED = "INSERT INTO undrawn SELECT tenant_id, contact_id FROM scan_judged WHERE opens AND NOT gives_up"
ALL_OPEN = """
INSERT INTO undrawn
SELECT e.tenant_id, e.contact_id
  FROM campaigns_dormancyepisode e
 WHERE e.tenant_id = ANY(%(tenants)s) AND e.state = 'open'
   AND NOT EXISTS (SELECT FROM campaigns_assignment x WHERE x.tenant_id = e.tenant_id AND x.contact_id = e.contact_id)
"""

# The ORDER BY takes in everything before the first row is written, so that the statement never reads its own rows: in
# expressions, because an order that a join happens to have would make the sort go, and the reading never end. Each
# contact is looked up by its keys (OFFSET 0 keeps it so): a planner that takes every tenant for an average one would
# read the largest tenant's contacts once for each of them.
DRAW = f"""
INSERT INTO campaigns_assignment (tenant_id, contact_id, household_key, share, arm, drawn_at, merged_across_arms)
SELECT d.tenant_id, d.contact_id, coalesce(m.household_key, d.key), coalesce(m.share, d.share),
       coalesce(m.arm, CASE WHEN d.drawn < d.share THEN 'held_out' ELSE 'treated' END), %(now)s, false
  FROM (SELECT k.tenant_id, k.contact_id, k.household_id, k.key, k.share,
               ('x' || left(encode(sha256(convert_to(k.salt || ':' || k.key, 'UTF8')), 'hex'), 15))::bit(60)::bigint
                   %% 10000 AS drawn
          FROM (SELECT u.tenant_id, u.contact_id, c.household_id, h.key,
                       a.holdout_share AS share, t.holdout_salt AS salt
                  FROM undrawn u
                  JOIN tenants_moduleactivation a ON a.tenant_id = u.tenant_id AND {_CHOSEN}
                       AND a.holdout_share IS NOT NULL
                  JOIN tenants_tenant t ON t.id = u.tenant_id,
                       LATERAL (SELECT household_id FROM campaigns_contact
                                 WHERE tenant_id = u.tenant_id AND id = u.contact_id OFFSET 0) c
                  JOIN LATERAL (SELECT key FROM campaigns_household
                                 WHERE tenant_id = u.tenant_id AND id = c.household_id OFFSET 0) h ON true) k) d
  LEFT JOIN LATERAL (
       SELECT x.household_key, x.share, x.arm
         FROM campaigns_contact o
         JOIN campaigns_assignment x ON x.tenant_id = o.tenant_id AND x.contact_id = o.id
        WHERE o.tenant_id = d.tenant_id AND o.household_id = d.household_id
        ORDER BY x.drawn_at, x.id LIMIT 1) m ON true
 ORDER BY d.tenant_id + 0, d.contact_id + 0
ON CONFLICT (tenant_id, contact_id) DO NOTHING
"""


def draw_number(salt: str, key: str) -> int:
    """What the household drew: 0 to 9999; it is held out when that is below the share in hundredths of a percent."""
    return int(hashlib.sha256(f"{salt}:{key}".encode()).hexdigest()[:15], 16) % 10_000


def drawn_arm(salt: str, key: str, share: int) -> Arm:
    """The arm that a household's key draws: what the database computes, for anybody to check."""
    return Arm.HELD_OUT if draw_number(salt, key) < share else Arm.TREATED


def draw_opened(cursor: CursorWrapper, *, now: datetime) -> int:
    """Draw for the contacts whose lapse the scan has just opened, where the share of their tenant is fixed."""
    cursor.execute(UNDRAWN)
    cursor.execute(OPENED)
    return _draw(cursor, now)


def fix_shares(cursor: CursorWrapper, tenant_ids: Sequence[int], *, now: datetime) -> list[int]:
    """Fix the share, by the number of open lapses, where an activation has none; returns these tenants."""
    cursor.execute(FIX_SHARES, _values(now) | {"tenants": list(tenant_ids)})
    return [tenant_id for (tenant_id,) in cursor.fetchall()]


def draw_all_open(cursor: CursorWrapper, tenant_ids: Sequence[int], *, now: datetime) -> int:
    """Draw for every open lapse of these tenants that has no arm yet (the module was switched on since)."""
    if not tenant_ids:
        return 0
    cursor.execute(UNDRAWN)
    cursor.execute(ALL_OPEN, {"tenants": list(tenant_ids)})
    return _draw(cursor, now) if cursor.rowcount else 0


def _draw(cursor: CursorWrapper, now: datetime) -> int:
    cursor.execute("ANALYZE undrawn")
    cursor.execute(DRAW, _values(now))
    return int(cursor.rowcount)


def _values(now: datetime) -> dict[str, Any]:
    return {"now": now, "module": MODULE, "retired": ModuleActivation.State.RETIRED.value}
