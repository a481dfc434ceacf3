"""What "dormant" means for each tenant as of a moment: its settings, and the cut-offs that follow from them.

A contact enters the cohort of N months at the start of the calendar day N months after its last job, in the tenant's
zone. Turned round: it is in the cohort when its last job lies before a cut-off, which is the same for every contact of
a zone. So the calendar is worked out here, once a zone, and SQL compares instants.
"""

import json
from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db.backends.utils import CursorWrapper

from campaigns.audience.assigning import MODULE
from campaigns.audience.tagging import RESTRICTED
from catalog.models import Module
from catalog.reading import read_entries
from tenants.activation.models import ModuleActivation
from tenants.activation.module_settings import filled

CHECKPOINT = "dormancy"

# The mark changes when the answer for a contact may change though nothing happened to it and no time passed.
LOAD = """
SELECT r.*, k.position ->> 'mark' AS known
  FROM (SELECT t.id, t.timezone, n.content ->> 'thresholds', a.settings::text,
               a.id IS NOT NULL AND a.state <> %(retired)s,
               md5(concat_ws('|', t.timezone, n.content ->> 'thresholds', m.checksum,
                             a.settings ->> 'dormant_cohorts_months', a.settings ->> 'exclude_do_not_contact',
                             a.settings ->> 'do_not_contact_tags', a.settings ->> 'give_up_after_months',
                             a.id IS NOT NULL AND a.state <> %(retired)s)) AS mark
          FROM tenants_tenant t
          JOIN catalog_niche n ON n.code = t.niche_id
          LEFT JOIN catalog_module m ON m.code = %(module)s
          LEFT JOIN tenants_moduleactivation a ON a.tenant_id = t.id AND a.module_id = %(module)s
         WHERE t.id = ANY(%(tenants)s)) r
  LEFT JOIN tenants_checkpoint k ON k.tenant_id = r.id AND k.name = %(checkpoint)s
 ORDER BY r.id
"""

REMEMBER = """
INSERT INTO tenants_checkpoint (tenant_id, name, position, updated_at)
SELECT tenant_id, %(checkpoint)s, jsonb_build_object('mark', mark), %(now)s
  FROM unnest(%(tenants)s::bigint[], %(marks)s::text[]) AS r(tenant_id, mark)
 ORDER BY tenant_id
ON CONFLICT (tenant_id, name) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at
"""

TABLE = """
CREATE TEMPORARY TABLE IF NOT EXISTS scan_rule (
    tenant_id bigint PRIMARY KEY, zone text, cohorts int[], cuts timestamptz[], give_up_months int,
    give_up_cut timestamptz, do_not_contact text[]
) ON COMMIT DROP;
TRUNCATE scan_rule
"""


@dataclass(frozen=True)
class Rules:
    """What the scan needs to know of one tenant."""

    tenant_id: int
    timezone: str
    thresholds: str | None
    settings: str | None
    live: bool
    """Whether the module is switched on (or asked for): then arms are drawn."""
    mark: str
    known_mark: str | None
    choose: Callable[[str | None, str | None], dict[str, Any]]

    @property
    def changed(self) -> bool:
        """Whether the tenant's rules are others than those its contacts were last looked at by."""
        return self.mark != self.known_mark

    @property
    def chosen(self) -> dict[str, Any]:
        """The settings of the activation; what it does not say is the module's default, by the niche's thresholds."""
        return self.choose(self.thresholds, self.settings)

    @property
    def cohorts(self) -> list[int]:
        return list(self.chosen["dormant_cohorts_months"])


def load(cursor: CursorWrapper, tenant_ids: Iterable[int]) -> dict[int, Rules]:
    """The rules of these tenants, by tenant id."""
    cursor.execute(
        LOAD,
        {
            "tenants": list(tenant_ids),
            "module": MODULE,
            "retired": ModuleActivation.State.RETIRED.value,
            "checkpoint": CHECKPOINT,
        },
    )
    choose = cache(_chosen)  # of thousands of tenants most have the same settings
    return {
        tenant_id: Rules(tenant_id, timezone, thresholds, settings, live, mark, known, choose)
        for tenant_id, timezone, thresholds, settings, live, mark, known in cursor.fetchall()
    }


def remember(cursor: CursorWrapper, rules: Sequence[Rules], *, now: datetime) -> None:
    """Note that every contact of these tenants has been looked at by these rules."""
    if rules:
        values: dict[str, Any] = {
            "tenants": [each.tenant_id for each in rules],
            "marks": [each.mark for each in rules],
            "checkpoint": CHECKPOINT,
            "now": now,
        }
        cursor.execute(REMEMBER, values)


def lay_out(cursor: CursorWrapper, rules: Iterable[Rules], *, now: datetime) -> None:
    """Fill the temporary table ``scan_rule``."""
    cursor.execute(TABLE)
    rows: dict[tuple[str, str | None, str | None], tuple[str, ...]] = {}
    with cursor.copy("COPY scan_rule FROM STDIN") as copy:
        for each in rules:
            key = (each.timezone, each.thresholds, each.settings)
            if key not in rows:
                rows[key] = _row(each, now)
            copy.write_row((each.tenant_id, each.timezone, *rows[key]))
    cursor.execute("ANALYZE scan_rule")


def _row(rules: Rules, now: datetime) -> tuple[str, ...]:
    settings = rules.chosen
    # The longest first, so that the cut-offs ascend, as width_bucket wants them.
    cohorts = settings["dormant_cohorts_months"][::-1]
    tags = settings["do_not_contact_tags"] if settings["exclude_do_not_contact"] else []
    give_up = settings["give_up_after_months"]
    return (
        _array(cohorts),
        _array(cut_off(now, rules.timezone, months) for months in cohorts),
        str(give_up),
        str(cut_off(now, rules.timezone, give_up)),
        _array(sorted({tag.strip().lower() for tag in tags} | {RESTRICTED})),
    )


def _array(values: Iterable[object]) -> str:
    """A PostgreSQL array, written out once for all the tenants that share it."""
    quoted = (str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


@lru_cache(maxsize=4096)
def cut_off(now: datetime, timezone: str, months: int) -> datetime:
    """The instant before which the last job must lie for ``months`` to have passed as of ``now``."""
    zone = ZoneInfo(timezone)
    return start_of_day(_latest_day(_current_day(now, zone), months) + timedelta(days=1), zone)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a calendar day: of two midnights the earlier, of a skipped one the moment of the skip."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _current_day(now: datetime, zone: ZoneInfo) -> date:
    """The latest day that has begun; where clocks go back over midnight it is ahead of the calendar for an hour."""
    today = now.astimezone(zone).date()
    tomorrow = today + timedelta(days=1)
    return tomorrow if start_of_day(tomorrow, zone) <= now else today


def _latest_day(today: date, months: int) -> date:
    """The latest day that lies ``months`` calendar months before ``today``, or longer ago.

    At the end of a month several days lead to the same one (30 and 31 August + 6 months = 28 February).
    """
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    last = monthrange(year, month + 1)[1]
    at_month_end = today.day == monthrange(today.year, today.month)[1]
    return date(year, month + 1, last if at_month_end else min(today.day, last))


def _chosen(thresholds: str | None, settings: str | None) -> dict[str, Any]:
    chosen = _defaults(thresholds or "{}") | (json.loads(settings) if settings else {})
    cohorts = chosen["dormant_cohorts_months"] = sorted(chosen["dormant_cohorts_months"])
    if chosen["give_up_after_months"] < cohorts[-1]:
        chosen["give_up_after_months"] = cohorts[-1] + 12
    return chosen


def _defaults(thresholds: str) -> dict[str, Any]:
    """The module's own settings, in the catalog's files where it is not loaded yet, with a niche's thresholds."""
    module = Module.objects.filter(code=MODULE).first()
    if module is None:
        entry = next(entry for entry in read_entries("modules") if entry.code == MODULE)
        module = Module(code=MODULE, content=entry.content)
    known = module.content["settings"]["properties"]
    return filled(module, {name: value for name, value in json.loads(thresholds).items() if name in known})
