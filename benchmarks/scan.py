"""Goals 4 and 5: what a scan costs, against bare statements, against a full one, and as the contacts grow.

    .venv/bin/python -m benchmarks.scan [--contacts 100000 1000000] [--tenants 1000]

One tenant has half of the contacts, the others share the rest; the last jobs are spread over 26 months. A throw-away
server for each size; CPU of the PostgreSQL backend and of this process, from /proc.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.attribution import measured

NOW = datetime(2026, 9, 30, 17, tzinfo=UTC)

TENANTS = """
INSERT INTO tenants_tenant
       (slug, name, niche_id, plan_id, state, timezone, country, region, currency, legal_name, postal_address, website,
        sandbox, holdout_salt, created_at)
SELECT 'tenant-' || n, 'Tenant ' || n, niche_id, plan_id, state, zones[1 + n %% 6], country, region, currency, '', '',
       '', true, md5(n::text), created_at
  FROM tenants_tenant,
       (SELECT ARRAY['America/New_York', 'America/Chicago', 'America/Denver', 'America/Los_Angeles', 'Europe/London',
                     'Australia/Sydney'] AS zones) z,
       generate_series(1, %(tenants)s) n
 WHERE id = %(big)s;
INSERT INTO tenants_moduleactivation
       (tenant_id, module_id, module_version, state, settings, requirements, holdout_share, requested_at, evaluated_at)
SELECT t.id, module_id, module_version, a.state, settings, requirements, holdout_share, requested_at, evaluated_at
  FROM tenants_tenant t, tenants_moduleactivation a
 WHERE a.tenant_id = %(big)s AND t.id <> %(big)s
"""
CONTACTS = """
INSERT INTO campaigns_household (tenant_id, key, created_at)
SELECT CASE WHEN n %% 2 = 0 THEN %(big)s ELSE %(big)s + 1 + n / 2 %% %(tenants)s END, 'c' || n, %(now)s
  FROM generate_series(1, %(contacts)s) n;
INSERT INTO campaigns_contact
       (tenant_id, household_id, external_id, state, email, phone, first_name, last_name, company, address, city,
        region, postal_code, country, timezone, timezones, acquisition_channel, attributes, name_key, created_at,
        updated_at)
SELECT tenant_id, id, key, 'active', '', '', '', '', '', '', '', '', '', '', '', '{}', '', '{}', '', %(now)s, %(now)s
  FROM campaigns_household ORDER BY id;
INSERT INTO campaigns_contacttag (tenant_id, contact_id, name, source)
SELECT tenant_id, id, CASE WHEN id %% 3 = 0 THEN 'dnc' ELSE 'vip' END, 'import'
  FROM campaigns_contact WHERE id %% 11 = 0;
INSERT INTO campaigns_contactstat
       (tenant_id, contact_id, first_job_at, last_job_at, job_count, total_minor, last_service, not_open_reason,
        next_scan_at)
SELECT tenant_id, id, at, at, 1, 100, '', '', '1970-01-01'
  FROM (SELECT tenant_id, id, %(now)s - random() * interval '790 days' AS at FROM campaigns_contact) c
"""
ARM = "('x' || left(encode(sha256(convert_to('salt:' || external_id, 'UTF8')), 'hex'), 15))::bit(60)::bigint %% 10000"
# What nobody can do without: one filtered read with the arm's hash, and the rows themselves, each by one statement.
BARE = [
    f"""
CREATE TEMPORARY TABLE bare AS
SELECT s.tenant_id, s.contact_id, s.last_job_at, {ARM} AS drawn, c.external_id AS key
  FROM campaigns_contactstat s JOIN campaigns_contact c ON c.tenant_id = s.tenant_id AND c.id = s.contact_id
 WHERE s.last_job_at < %(now)s::timestamptz - interval '182 days'
   AND NOT EXISTS (SELECT FROM campaigns_contacttag t
                    WHERE t.tenant_id = s.tenant_id AND t.contact_id = s.contact_id AND t.name = 'dnc')
""",
    """
INSERT INTO campaigns_dormancyepisode
       (tenant_id, contact_id, lapsed_from, cohort_months, cohort_at, state, opened_at, closed_by)
SELECT tenant_id, contact_id, last_job_at, 6, %(now)s, 'open', %(now)s, '' FROM bare ORDER BY 1, 2
""",
    """
INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at)
SELECT tenant_id, 'customer.dormant', contact_id, 'dormancyepisode', contact_id,
       jsonb_build_object('episode', contact_id, 'cohort', 6, 'lapsed_from', last_job_at), %(now)s FROM bare
""",
    """
INSERT INTO campaigns_assignment (tenant_id, contact_id, household_key, share, arm, drawn_at, merged_across_arms)
SELECT tenant_id, contact_id, key, 2000, CASE WHEN drawn < 2000 THEN 'held_out' ELSE 'treated' END, %(now)s, false
  FROM bare
""",
    """
INSERT INTO campaigns_contacttag (tenant_id, contact_id, name, source, added_at)
SELECT tenant_id, contact_id, 'winback:6m', 'scan', %(now)s FROM bare
""",
    """
UPDATE campaigns_contactstat
   SET next_scan_at = last_job_at + interval '274 days', not_open_reason = 'not_lapsed_yet'
""",
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, nargs="+", default=[100_000])
    parser.add_argument("--tenants", type=int, default=1_000)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run(options.contacts[0], options.tenants)))
        return 0
    found = {}
    for contacts in options.contacts:
        # A process for each size: Django's settings are read once.
        again = [sys.executable, "-m", "benchmarks.scan", "--one", "--tenants", str(options.tenants), "--contacts"]
        out = subprocess.run([*again, str(contacts)], check=True, stdout=subprocess.PIPE, text=True).stdout
        found[contacts] = json.loads(out.splitlines()[-1])
        report(contacts, found[contacts])
    sizes = sorted(found)
    for smaller, larger in pairwise(sizes):
        growth = found[larger]["first_us"] / found[smaller]["first_us"]
        print(f"first scan, µs per opened at {larger:,} / at {smaller:,}: {growth:.2f} (goal <= 1.3)")
        growth = found[larger]["nothing_ms"] / max(found[smaller]["nothing_ms"], 1)
        print(f"nothing due, ms at {larger:,} / at {smaller:,}: {growth:.2f} (goal <= 1.2)")
    return 0


def report(contacts: int, found: dict[str, Any]) -> None:
    print(f"{contacts:,} contacts")
    ratio = found["first_ms"] / found["bare_ms"]
    print(f"  first scan     {found['first_ms']:9,.0f} ms cpu  {found['opened']:,} opened")
    print(f"                 {found['first_wall']:9,.0f} ms wall")
    print(f"                 {found['first_us']:9.1f} µs per opened")
    print(f"  bare           {found['bare_ms']:9,.0f} ms cpu; first / bare {ratio:.2f} (goal <= 1.4)")
    print(f"  nothing due    {found['nothing_ms']:9.1f} ms cpu (goal <= 20)")
    for day in found["days"]:
        allowed = 20 + 0.08 * day["changed"]
        print(
            f"  a day later    {day['ms']:9.1f} ms cpu  {day['opened']:,} opened, {day['changed']:,} changed "
            f"(goal <= {allowed:.0f}: {day['ms'] / allowed:.2f})"
        )
    mean = sum(day["ms"] for day in found["days"]) / len(found["days"])
    print(f"  full, nothing  {found['full_ms']:9.1f} ms cpu; full / a day {found['full_ms'] / mean:.1f} (goal >= 15)")


def run(contacts: int, tenants: int) -> dict[str, Any]:
    home = Path(tempfile.mkdtemp(prefix="winback-benchmark-"))
    home.chmod(0o711)
    try:
        return _run(contacts, tenants, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _run(contacts: int, tenants: int, home: Path) -> dict[str, Any]:
    from winback.runtime import services

    os.environ["WINBACK_HOME"] = str(home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "winback.settings")
    services.ensure(home)
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, transaction

    from campaigns.audience import dormancy
    from tests.factories import make_activation, make_tenant
    from winback.tenancy import acting_for_all

    call_command("migrate", verbosity=0)
    with acting_for_all("benchmark"), connection.cursor() as cursor:
        big = make_tenant("big")
        make_activation(big)
        values: dict[str, Any] = {"big": big.pk, "tenants": tenants, "contacts": contacts, "now": NOW}
        cursor.execute(TENANTS, values)
        cursor.execute(CONTACTS, values)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]

    def bare() -> None:
        with acting_for_all("benchmark"), connection.cursor() as cursor:
            for statement in BARE:
                cursor.execute(statement, {"now": NOW})
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit would check
            transaction.set_rollback(True)

    def scan(now: datetime, full: bool = False) -> dict[str, int]:
        reports = [asdict(report) for report in dormancy.scan(now=now, full=full).values()]
        opened, moved, closed = (sum(report[key] for report in reports) for key in ("opened", "moved", "closed"))
        return {"opened": opened, "changed": opened + moved + closed}

    bare_ms, _, _ = measured(backend, bare)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    first_ms, first_wall, first = measured(backend, lambda: scan(NOW))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    nothing = [measured(backend, lambda: scan(NOW))[0] for _ in range(5)]
    days = []
    for day in range(1, 6):
        ms, _, counts = measured(backend, lambda day=day: scan(NOW + timedelta(days=day)))  # type: ignore[misc]
        days.append({"ms": ms, **counts})
    full_ms, _, again = measured(backend, lambda: scan(NOW + timedelta(days=5), full=True))
    if again["changed"]:
        raise SystemExit(f"A full scan found {again['changed']} changes that the daily scans had missed")
    return {
        "bare_ms": bare_ms,
        "first_ms": first_ms,
        "first_wall": first_wall,
        "first_us": first_ms * 1000 / first["opened"],
        "opened": first["opened"],
        "nothing_ms": sorted(nothing)[2],
        "days": days,
        "full_ms": full_ms,
    }


if __name__ == "__main__":
    sys.exit(main())
