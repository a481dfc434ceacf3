"""What it costs to apply providers' reports that were kept, and the messages that they are about (for webhooks.py)."""

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.bare_imports import NOW
from benchmarks.ground import Lap, lap

KINDS = (
    ["delivered"] * 700
    + ["opened"] * 200
    + ["clicked"] * 60
    + ["bounced"] * 30
    + ["complained"] * 3
    + ["unsubscribed"] * 7
)


def _cells(taken: Lap) -> tuple[str, str, str]:
    return f"{taken.rate:,.0f}", f"{taken.client / taken.rows * 1e6:.1f}", f"{taken.server / taken.rows * 1e6:.1f}"


def copies(source: Any, number: int, **columns: str) -> None:
    """So many more rows like this one, with these columns as SQL over ``n``."""
    from django.db import connection

    name = source._meta.db_table
    kept = ", ".join(field.column for field in source._meta.local_concrete_fields if not field.generated)
    changed = ", ".join(f"'{column}', {expression}" for column, expression in columns.items())
    sequence = f"nextval(pg_get_serial_sequence('{name}', 'id'))"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {name} ({kept}) SELECT {kept} FROM (SELECT (jsonb_populate_record(NULL::{name}, "
            f"to_jsonb(s) || jsonb_build_object('id', {sequence}, {changed}))).* "
            f"FROM {name} s, generate_series(1, {number}) AS g(n) WHERE s.id = %s) made",
            [source.pk],
        )


def make_messages(tenant: Any, connection: Any, number: int) -> list[int]:
    """As many messages that have left, each to a contact of its own."""
    from django.db import connection as database

    from campaigns.planning.models import Message
    from tests import factories

    person = factories.make_contact(tenant)
    enrolment = factories.make_enrolment(factories.make_episode(person), factories.make_campaign(tenant))
    first = factories.make_message(enrolment, state="handed_over", handed_over_at=NOW, connection=connection)
    copies(
        person,
        number,
        external_id="'copy-' || n",
        email_key="'person' || n || '@example.com'",
        email_hmac="md5(n::text) || md5('x' || n)",
    )
    with database.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE person ON COMMIT DROP AS SELECT id, row_number() OVER (ORDER BY id) AS n "
            "FROM campaigns_contact WHERE tenant_id = %s AND external_id LIKE 'copy-%%'",
            [tenant.pk],
        )
        cursor.execute("CREATE INDEX ON person (n)")
    copies(first, number, step_code="'step-' || n", contact_id="(SELECT p.id FROM person p WHERE p.n = g.n)")
    return list(
        Message.objects.for_tenant(tenant)
        .filter(step_code__startswith="step-")
        .order_by("pk")
        .values_list("pk", flat=True)
    )


BARE = """
INSERT INTO campaigns_interaction (tenant_id, kind, dedupe_key, contact_id, message_id, occurred_at, data)
SELECT DISTINCT ON (b.key) %(tenant)s, b.kind, b.key, m.contact_id, m.id, %(now)s, '{}'
  FROM bare b JOIN campaigns_message m ON m.tenant_id = %(tenant)s AND m.id = b.message_id
 ORDER BY b.key;
UPDATE campaigns_message m SET state = b.kind, settled_at = %(now)s
  FROM (SELECT DISTINCT ON (message_id) message_id, kind FROM bare
         WHERE kind IN ('delivered', 'bounced', 'complained') ORDER BY message_id, kind) b
 WHERE m.tenant_id = %(tenant)s AND m.id = b.message_id
"""


def bare(tenant: Any, facts: list[tuple[int, str, str]], now: datetime) -> Lap:
    """What no way of applying can do without: the rows with their keys and indexes, and the states. Rolled back."""
    from django.db import connection, transaction

    from winback.tenancy import acting_for

    with lap(len(facts)) as taken, acting_for(tenant.pk), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE bare (message_id bigint, kind text, key text) ON COMMIT DROP")
        with cursor.copy("COPY bare FROM STDIN") as copy:
            for fact in facts:
                copy.write_row(fact)
        cursor.execute("ANALYZE bare")
        cursor.execute(BARE, {"tenant": tenant.pk, "now": now})
        transaction.set_rollback(True)
    return taken


def applied(tenant: Any, connection: Any, messages: list[int], events: int, each: int) -> list[tuple[str, ...]]:
    """Apply so many reports, ``each`` to a body, and twice again."""
    from campaigns.delivery.routing import reference_of
    from campaigns.tracking import applying
    from campaigns.tracking.models import InboxItem, Interaction
    from tenants.connections.connecting import open_provider
    from winback.providers.receiving import Arrival
    from winback.tenancy import acting_for

    chance = random.Random(7)
    told = [
        {"kind": kind, "key": f"a{each}-{number}", "reference": reference_of(messages[number % len(messages)]),
         "bounce": "hard" if number % 3 else "soft", "code": "5.1.1", "address": f"person{number}@example.com",
         "url": "https://example.com/x", "user_agent": "Mozilla/5.0 (X11; Linux)", "occurred_at": NOW.isoformat()}
        for number, kind in enumerate(chance.choices(KINDS, k=int(events * 0.95)))
    ]  # fmt: skip
    told += chance.sample(told, events - len(told))
    chance.shuffle(told)
    bodies = [json.dumps(told[start : start + each]).encode() for start in range(0, events, each)]
    now = datetime.now(UTC) + timedelta(minutes=1)

    def keep(turn: str) -> None:
        with acting_for(tenant.pk):
            InboxItem.objects.for_tenant(tenant).delete()
            InboxItem.objects.bulk_create(
                [
                    InboxItem(
                        tenant=tenant, connection=connection, body=body, next_try_at=now, received_at=now,
                        digest=hashlib.sha256(f"{turn} {number} ".encode() + body).hexdigest(),
                    )
                    for number, body in enumerate(bodies)
                ]
            )  # fmt: skip

    with open_provider(connection) as account, lap(events) as read:
        for body in bodies:
            account.read(Arrival("https://x/", {}, body, now))
    rows: list[tuple[str, ...]] = [(f"{each} to a body", "events/s", "our cpu us", "PostgreSQL's", "stored", "goal")]
    facts = [
        (messages[int(each_of["key"].rpartition("-")[2]) % len(messages)], each_of["kind"], f"bare:{each_of['key']}")
        for each_of in told
    ]
    floor = bare(tenant, facts, now)
    rows.append(("bare: the same rows and states, no questions asked", *_cells(floor), "", ""))
    rows.append(
        ("reading alone (JSON to reports)", f"{read.rate:,.0f}", f"{read.client / events * 1e6:.1f}", "", "", "")
    )
    for turn in ("apply_events", "the same events again", "and again"):
        keep(turn)
        with lap(events) as taken:
            done = applying.apply(tenant, now=now)
        ratio = taken.cpu / (floor.cpu + read.client / events * 1e6)
        with acting_for(tenant.pk):
            stored = Interaction.objects.for_tenant(tenant).filter(dedupe_key__contains=f":a{each}-").count()
        rows.append(
            (
                f"{turn}, {ratio:.1f}x of bare and reading", *_cells(taken),
                f"{stored:,} ({done.applied:,} new)", ">= 50,000/s; 95 % once",
            )
        )  # fmt: skip
    return rows
