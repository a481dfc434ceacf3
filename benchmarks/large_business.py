"""A large business that has written to many, and what came back: reports, clicks, bookings, texts, stops, jobs."""

import random
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.bare_imports import NOW
from benchmarks.imports import take, write
from benchmarks.sending import CONTACTS, JOBS

ENROLLED = 30_000

# Of the messages that left one in fifty bounced and one in ten is not reported on. Every third was opened, every tenth
# clicked, every twelfth booked by, every sixth answered by text. Every tenth contact has a tag, every 25th said stop.
_STATEMENTS = """
UPDATE campaigns_message
   SET state = CASE WHEN id %% 50 = 0 THEN 'bounced' WHEN id %% 10 = 1 THEN state ELSE 'delivered' END,
       reason = CASE WHEN id %% 50 = 0 THEN 'bounced_soft' ELSE reason END,
       handed_over_at = handed_over_at - make_interval(hours => (id %% 2160)::int)
 WHERE tenant_id = %(tenant)s AND state = 'handed_over';

INSERT INTO campaigns_interaction (tenant_id, kind, contact_id, message_id, dedupe_key, occurred_at, data)
SELECT m.tenant_id, what.kind, m.contact_id, m.id, what.kind || m.id, m.handed_over_at + interval '1 hour', '{}'
  FROM campaigns_message m
  JOIN unnest(ARRAY['delivered', 'opened', 'clicked', 'booked'], ARRAY[1, 3, 10, 12]) AS what(kind, each)
       ON m.id %% what.each = 0
 WHERE m.tenant_id = %(tenant)s AND m.handed_over_at IS NOT NULL;

INSERT INTO campaigns_bookingrequest (tenant_id, contact_id, message_id, enrolment_id, state, service, preferred_time,
                                      name, phone, email, note, created_at)
SELECT i.tenant_id, i.contact_id, i.message_id, m.enrolment_id,
       CASE WHEN i.id %% 4 = 0 THEN 'requested' ELSE 'confirmed' END, 'Furnace tune-up', '', '', '', '', '',
       i.occurred_at
  FROM campaigns_interaction i
  JOIN campaigns_message m ON m.tenant_id = %(tenant)s AND m.id = i.message_id
 WHERE i.tenant_id = %(tenant)s AND i.kind = 'booked';

INSERT INTO campaigns_conversation (tenant_id, channel, address_hmac, address, contact_id, message_id, state,
                                    waiting_since, last_at, created_at)
SELECT m.tenant_id, 'sms', 'text-' || m.id, '+1312555' || m.id, m.contact_id, m.id,
       CASE WHEN m.id %% 4 = 0 THEN 'waiting' ELSE 'done' END, CASE WHEN m.id %% 4 = 0 THEN m.handed_over_at END,
       m.handed_over_at + interval '2 hours', m.handed_over_at
  FROM campaigns_message m
 WHERE m.tenant_id = %(tenant)s AND m.handed_over_at IS NOT NULL AND m.id %% 6 = 0;

INSERT INTO campaigns_threadtext (tenant_id, conversation_id, kind, meaning, key, body, at, by, state, reason, attempts,
                                  provider_id, cost_minor, error)
SELECT v.tenant_id, v.id, CASE WHEN n %% 2 = 0 THEN 'received' ELSE 'reply' END, '', v.id || '-' || n,
       'When could you come?', v.last_at - make_interval(mins => n), '',
       CASE WHEN n %% 2 = 0 THEN 'received' ELSE 'handed_over' END, '', 0, '', 0, ''
  FROM campaigns_conversation v
 CROSS JOIN generate_series(0, 5) AS n
 WHERE v.tenant_id = %(tenant)s;

INSERT INTO campaigns_contacttag (tenant_id, contact_id, name, source)
SELECT k.tenant_id, k.id, CASE WHEN k.id %% 100 = 0 THEN 'dnc' ELSE 'vip' END, 'import'
  FROM campaigns_contact k
 WHERE k.tenant_id = %(tenant)s AND k.id %% 10 = 0;

INSERT INTO campaigns_suppression (tenant_id, channel, address_hmac, reason, source, contact_id, occurred_at, lifted_by,
                                   lifted_note)
SELECT k.tenant_id, 'email', k.email_hmac, 'unsubscribed', 'link', k.id, %(now)s, '', ''
  FROM campaigns_contact k
 WHERE k.tenant_id = %(tenant)s AND k.id %% 25 = 1;

INSERT INTO campaigns_inboxitem (tenant_id, connection_id, digest, method, query, headers, body, urgent, state, reason,
                                 detail, attempts, applied, ignored, received_at)
SELECT m.tenant_id, m.connection_id, 'report-' || m.id, 'POST', '', '{}', '{}', false, 'applied', '', '', 1, 1, 0,
       m.handed_over_at
  FROM campaigns_message m
 WHERE m.tenant_id = %(tenant)s AND m.handed_over_at IS NOT NULL AND m.id %% 3 = 0;

INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at, recorded_at)
SELECT m.tenant_id, 'message.handed_over', m.contact_id, 'message', m.id, '{}', m.handed_over_at, m.handed_over_at
  FROM campaigns_message m
 WHERE m.tenant_id = %(tenant)s AND m.handed_over_at IS NOT NULL;
"""


def make_business(contacts: int, home: Path) -> Any:
    """A tenant with three years of jobs, scanned, planned and written to through the local outbox."""
    from campaigns.audience import dormancy
    from campaigns.delivery.sending import send_due
    from campaigns.operating.planning import plan
    from tenants.connections.connecting import connect
    from tests import factories
    from winback.tenancy import acting_for, acting_for_all

    with acting_for_all("benchmark"):
        tenant = factories.make_tenant("large", plan="enterprise", sandbox=True)
    with acting_for(tenant.pk):
        connect(tenant, kind="email", provider="local", now=NOW, actor="benchmark")
        factories.make_activation(tenant, settings={"daily_enrolment_cap": ENROLLED, "channels": ["email"]})
    take("contacts", tenant, write(home / "contacts.csv", CONTACTS, people(contacts)), contacts)
    take("jobs", tenant, write(home / "jobs.csv", JOBS, work(contacts)), 3 * contacts)
    dormancy.scan(now=NOW, tenant=tenant)
    with acting_for(tenant.pk):
        planned = plan(tenant, now=NOW)
    print(planned, send_due(tenant, now=NOW), file=sys.stderr)
    later = NOW + timedelta(days=20)
    take("jobs", tenant, write(home / "later.csv", JOBS, returns(contacts)), contacts // 20, now=later)
    come_back(tenant)
    return tenant


def people(number: int) -> Iterator[list[str]]:
    for n in range(number):
        yield [f"C-{n}", f"p{n}@example.com", f"First{n % 997}", f"Last{n % 4_999}", "IL", "US", "yes", "2025-01-02"]


def work(contacts: int) -> Iterator[list[str]]:
    chance = random.Random(contacts)
    for n in range(3 * contacts):
        at = NOW - timedelta(minutes=chance.randrange(3 * 365 * 1_440))
        yield [f"J-{n}", f"C-{n % contacts}", at.isoformat(), f"{50 + n % 400}.00", "Furnace tune-up"]


def returns(contacts: int) -> Iterator[list[str]]:
    """Jobs of every twentieth, after they were written to."""
    for n in range(0, contacts, 20):
        at = NOW + timedelta(days=5, minutes=n % 10_000)
        yield [f"R-{n}", f"C-{n}", at.isoformat(), f"{80 + n % 300}.00", "Furnace tune-up"]


def come_back(tenant: Any) -> None:
    """Write it all, and credit the jobs that were done after the messages."""
    from django.db import connection

    from campaigns.results.attributing import attribute
    from winback.tenancy import acting_for

    with acting_for(tenant.pk), connection.cursor() as cursor:
        for statement in _STATEMENTS.split(";\n"):
            if statement.strip():
                cursor.execute(statement, {"tenant": tenant.pk, "now": NOW})
        attribute(tenant, now=NOW + timedelta(days=30), full=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
