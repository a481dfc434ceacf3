"""The bare work that imports are measured against: the same file, parsed, normalised and written with no rules."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.ground import Lap, lap

NOW = datetime(2026, 9, 30, 17, 0, tzinfo=UTC)


def bare(path: Path, rows: int, tenant: Any, *, same_rows: bool) -> Lap:
    """Parse, normalise, COPY into twins."""
    from django.db import connection, transaction

    tables = ["campaigns_contact"]
    if same_rows:
        tables += ["campaigns_household", "campaigns_contactstat", "campaigns_consent", "campaigns_contacttag"]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS " + ", ".join(f"twin_{name}" for name in tables) + " CASCADE")
        for name in tables:
            cursor.execute(f"CREATE TABLE twin_{name} (LIKE {name} INCLUDING ALL)")
        if same_rows:
            make_foreign_keys(cursor, tables)
    with (
        lap(rows) as taken,
        transaction.atomic(),
        connection.cursor() as cursor,
        path.open(encoding="utf-8", newline="") as file,
    ):
        reader = csv.reader(file)
        names = next(reader)
        others = []
        with cursor.copy(
            "COPY twin_campaigns_contact (household_id, id, tenant_id, external_id, state, email, email_key, phone, "
            "phone_key, first_name, last_name, company, address, city, region, postal_code, country, timezone, "
            "timezones, acquisition_channel, attributes, name_key, created_at, updated_at) FROM STDIN"
        ) as copy:
            for n, values in enumerate(reader, 1):
                row = dict(zip(names, map(str.strip, values), strict=True))
                digits = "+1" + "".join(filter(str.isdecimal, row["phone"]))
                copy.write_row(
                    (n, n, tenant.pk, row["external_id"], "active", row["email"],
                     row["email"].lower(), digits, digits, row["first_name"], row["last_name"], "",
                     row.get("address", ""), row["city"], row["region"],
                     row["postal_code"], row["country"], "America/Chicago", ["America/Chicago"], "",
                     f'{{"size": "{row["size"]}"}}', f"{row['last_name']} {row['first_name']}".lower(), NOW, NOW)
                )  # fmt: skip
                if same_rows:
                    others.append((n, row))
        if same_rows:
            with cursor.copy("COPY twin_campaigns_household (id, tenant_id, key, created_at) FROM STDIN") as copy:
                for n, row in others:
                    copy.write_row((n, tenant.pk, row["external_id"], NOW))
            with cursor.copy(
                "COPY twin_campaigns_contactstat (tenant_id, contact_id, last_service, job_count, total_minor, "
                "next_scan_at, not_open_reason) FROM STDIN"
            ) as copy:
                for n, _ in others:
                    copy.write_row((tenant.pk, n, "", 0, 0, NOW, "no_job"))
            with cursor.copy(
                "COPY twin_campaigns_consent (id, tenant_id, contact_id, channel, state, stated_at, source, wording, "
                "evidence, recorded_at, recorded_by) FROM STDIN"
            ) as copy:
                for n, row in others:
                    if row.get("email_consent"):
                        source = row["email_consent_source"]
                        copy.write_row((n, tenant.pk, n, "email", "given", NOW, source, "", "{}", NOW, "import"))
            with cursor.copy(
                "COPY twin_campaigns_contacttag (id, tenant_id, contact_id, name, source) FROM STDIN"
            ) as copy:
                for n, row in others:
                    if row.get("tags"):
                        copy.write_row((n, tenant.pk, n, row["tags"], "import"))
    return taken


def make_foreign_keys(cursor: Any, tables: list[str]) -> None:
    """The twins' foreign keys, to each other where the originals' are to each other."""
    cursor.execute(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)",
        [tables],
    )
    for name, definition in cursor.fetchall():
        for other in tables:
            definition = definition.replace(f"REFERENCES {other}(", f"REFERENCES twin_{other}(")
        cursor.execute(f"ALTER TABLE twin_{name} ADD {definition}")


def with_orm(path: Path, rows: int, tenant: Any) -> Lap:
    """bulk_create(update_conflicts) of the contacts alone, a thousand at a time, as Django's own answer."""
    from campaigns.audience.models import Contact, Household
    from winback.tenancy import acting_for

    fields = ["email", "email_key", "phone", "phone_key", "first_name", "last_name", "city", "updated_at"]
    with lap(rows) as taken, path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        with acting_for(tenant.pk):
            home, _ = Household.objects.get_or_create(tenant=tenant, key="all", defaults={"created_at": NOW})
        chunk: list[Any] = []

        def flush() -> None:
            with acting_for(tenant.pk):
                Contact.objects.bulk_create(
                    chunk, update_conflicts=True, unique_fields=["tenant", "external_id"], update_fields=fields
                )
            chunk.clear()

        for row in reader:
            digits = "+1" + "".join(filter(str.isdecimal, row["phone"]))
            chunk.append(
                Contact(
                    tenant=tenant, household=home, external_id=row["external_id"],
                    email=row["email"], email_key=row["email"].lower(),
                    phone=digits, phone_key=digits, first_name=row["first_name"], last_name=row["last_name"],
                    city=row["city"], region=row["region"], postal_code=row["postal_code"], country=row["country"],
                    timezone="America/Chicago", timezones=["America/Chicago"], attributes={"size": row["size"]},
                    name_key=f"{row['last_name']} {row['first_name']}".lower(), created_at=NOW, updated_at=NOW,
                )
            )  # fmt: skip
            if len(chunk) == 1_000:
                flush()
        flush()
    return taken
