"""Whether a recipients' domain takes mail at all: asked of the DNS ahead of the first mail, and kept with its date.

A job asks, never a claim, which only reads what was kept. What the DNS does not answer holds nobody back: a broken
resolver must not stop a business. A domain without any server, or with the null MX of RFC 7505, bounces whatever comes.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from tenants.accounts.models import Tenant
from tenants.connections.connecting import active_connection, has_no_limits
from winback.providers.domains.lookup import Lookup, LookupFailed
from winback.tenancy import acting_for

MOST = 200
"""So many domains at a time: the rest has its turn minutes later."""
FRESH_FOR, REFUSED_FOR, ASK_AGAIN_AFTER = timedelta(days=30), timedelta(days=7), timedelta(hours=6)
_THREADS, _SECONDS = 16, 45

# Of those who are dormant, hence may be written to, the most recently lapsed first: as they are enrolled.
_DUE = """
SELECT c.domain
  FROM (SELECT split_part(k.email_key, '@', 2) AS domain, max(d.lapsed_from) AS lapsed_from
          FROM campaigns_dormancyepisode d
          JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = d.contact_id AND k.state = 'active'
         WHERE d.tenant_id = %(tenant)s AND d.state = 'open' AND k.email_key IS NOT NULL
         GROUP BY 1) c
  LEFT JOIN campaigns_recipientdomain r ON r.tenant_id = %(tenant)s AND r.domain = c.domain
 WHERE r.id IS NULL
    OR r.asked_at <= %(ask_again)s AND coalesce(r.checked_at, '-infinity')
       <= CASE WHEN r.takes_mail THEN %(fresh)s::timestamptz ELSE %(refused)s::timestamptz END
 ORDER BY r.id IS NOT NULL, c.lapsed_from DESC, c.domain
 LIMIT %(most)s
"""

# No answer leaves what was known.
_KEEP = """
INSERT INTO campaigns_recipientdomain AS r (tenant_id, domain, takes_mail, why, checked_at, asked_at)
SELECT %(tenant)s, t.domain, t.takes_mail, t.why,
       CASE WHEN t.takes_mail IS NOT NULL THEN %(now)s::timestamptz END, %(now)s
  FROM unnest(%(domains)s::text[], %(takes_mail)s::bool[], %(why)s::text[]) AS t(domain, takes_mail, why)
 ORDER BY t.domain
    ON CONFLICT (tenant_id, domain) DO UPDATE
   SET takes_mail = coalesce(excluded.takes_mail, r.takes_mail),
       why = CASE WHEN excluded.takes_mail IS NULL THEN r.why ELSE excluded.why END,
       checked_at = coalesce(excluded.checked_at, r.checked_at), asked_at = excluded.asked_at
"""


@dataclass(frozen=True)
class Answer:
    """What the DNS said of a domain; ``takes_mail`` None: nothing."""

    domain: str
    takes_mail: bool | None
    why: str = ""


def answer_of(domain: str, lookup: Lookup) -> Answer:
    """Whether a domain has somewhere to deliver to: a mail exchanger, else an address of its own (RFC 5321)."""
    try:
        exchangers = lookup.mx(domain)
        if not exchangers.exists:
            return Answer(domain, False, "no_such_domain")
        if exchangers.records:
            null = not any(exchangers.records)
            return Answer(domain, not null, "null_mx" if null else "")
        there = not lookup.addresses(domain).void
    except LookupFailed:
        return Answer(domain, None)
    return Answer(domain, there, "" if there else "no_server")


def look_up(tenant: Tenant, *, now: datetime, lookup: Lookup | None = None) -> dict[str, int]:
    """Ask about the domains of those who may be written to next; returns asked, refusing and undecided.

    Opens its own scopes: the DNS is asked outside any transaction. Nobody's domain is asked about for a sandbox, or
    while no provider that reaches anybody is connected.
    """
    with acting_for(tenant.pk):
        opened = active_connection(tenant, "email")
        if tenant.sandbox or opened is None or has_no_limits(opened):
            return _counts(())
        with connection.cursor() as cursor:
            values: dict[str, Any] = {
                "tenant": tenant.pk, "ask_again": now - ASK_AGAIN_AFTER, "fresh": now - FRESH_FOR,
                "refused": now - REFUSED_FOR, "most": MOST,
            }  # fmt: skip
            cursor.execute(_DUE, values)
            domains = [row[0] for row in cursor.fetchall()]
    if not domains:
        return _counts(())
    answers = _asked(domains, lookup or Lookup(settings.WINBACK_DNS_SERVERS))
    with acting_for(tenant.pk), connection.cursor() as cursor:
        told: dict[str, Any] = {
            "domains": [each.domain for each in answers],
            "takes_mail": [each.takes_mail for each in answers],
            "why": [each.why for each in answers],
            "tenant": tenant.pk,
            "now": now,
        }
        cursor.execute(_KEEP, told)
    return _counts(answers)


def _asked(domains: Iterable[str], lookup: Lookup) -> list[Answer]:
    """Many at once, for a dead name server takes its time; whoever is not heard in time is asked again later."""
    with ThreadPoolExecutor(_THREADS) as pool:
        asked = [pool.submit(answer_of, domain, lookup) for domain in domains]
        for each in wait(asked, timeout=_SECONDS).not_done:
            each.cancel()  # unless it is being asked already: then it is heard out
    return [each.result() for each in asked if not each.cancelled()]


def _counts(answers: Iterable[Answer]) -> dict[str, int]:
    found = [each.takes_mail for each in answers]
    return {"asked": len(found), "refusing": found.count(False), "undecided": found.count(None)}
