"""Looking at a tenant's sending domains: in the DNS, and by a message as it was received; what is found is kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from tenants.accounts.models import Tenant
from tenants.connections.connecting import active_connection, has_no_limits
from tenants.connections.domain_evidence import domains_of
from tenants.connections.models import SendingDomain
from winback.providers.domains import readiness, received
from winback.providers.domains.findings import Finding, Severity, any_bad
from winback.providers.domains.lookup import Lookup
from winback.providers.domains.names import plain
from winback.providers.domains.readiness import Setup
from winback.tenancy import acting_for

State = SendingDomain.State
LOOK_UP_EVERY = timedelta(hours=23)


class NoDomain(ValueError):
    """There is nothing to look at; the message says what to do first."""


@dataclass(frozen=True)
class Looked:
    """What was found of one domain. ``undecided``: the DNS gave no answer, and what was known before stays."""

    row: SendingDomain
    undecided: str = ""


def look_up(tenant: Tenant, *, now: datetime, only: str = "") -> list[Looked]:
    """Look up every domain that this tenant sends from and keep what was found.

    Opens its own scopes: the DNS is asked outside any transaction. A sandbox, and whoever has no provider
    that reaches anybody, is not looked at unless a domain is named.
    """
    with acting_for(tenant.pk):
        connection = active_connection(tenant, "email")
        provider = connection.provider if connection is not None else ""
        names = domains_of(tenant)
        if only:
            names = [name for name in names if name == plain(only)]
            if not names:
                raise NoDomain(f"{only} is not the domain of any brand's sender address.")
        elif tenant.sandbox or connection is None or has_no_limits(connection):
            return []
        rows = [ensure(tenant, name, now=now) for name in names]
    lookup = Lookup(settings.WINBACK_DNS_SERVERS)
    looked = []
    for row in rows:
        found = readiness.examine(_setup(row, provider), lookup)
        if not found.undecided:
            facts = {"policy": found.policy, "organizational": found.organizational, "provider": provider}
            with acting_for(tenant.pk):
                SendingDomain.objects.for_tenant(tenant).filter(pk=row.pk).update(
                    state=state_of(found.findings),
                    findings=[finding.as_dict() for finding in found.findings],
                    facts=facts,
                    checked_at=now,
                )
                row.refresh_from_db()
        looked.append(Looked(row, found.undecided))
    return looked


def look_up_daily(tenant: Tenant, *, now: datetime) -> list[Looked]:
    """Look up what was not looked up within the day. Opens its own scopes."""
    with acting_for(tenant.pk):
        fresh = SendingDomain.objects.for_tenant(tenant).filter(checked_at__gt=now - LOOK_UP_EVERY)
        known = set(fresh.values_list("domain", flat=True))
        if known.issuperset(domains_of(tenant)):
            return []
    return look_up(tenant, now=now)


def ensure(tenant: Tenant, domain: str, *, now: datetime) -> SendingDomain:
    """The row of a domain."""
    row: SendingDomain
    row, _ = SendingDomain.objects.for_tenant(tenant).get_or_create(
        tenant=tenant, domain=domain, defaults={"created_at": now}
    )
    return row


def check_message(tenant: Tenant, raw: bytes, *, now: datetime) -> tuple[SendingDomain, received.Received]:
    """Check a message as it was received, and keep what was found with its domain; raises NoDomain.

    What it shows of the selector, the signing domain and the bounce domain is learned. Opens its own scopes.
    """
    found = received.examine(raw, Lookup(settings.WINBACK_DNS_SERVERS), now=now)
    with acting_for(tenant.pk):
        if found.domain not in domains_of(tenant):
            what = f"It is from {found.domain}" if found.domain else found.findings[0].sentence
            raise NoDomain(f"{what}: check a message that was sent from a brand of this business.")
        row = ensure(tenant, found.domain, now=now)
        if not found.undecided:
            row.message_state = state_of(found.findings)
            row.message_findings = [finding.as_dict() for finding in found.findings]
            row.message_facts = {
                "signed_by": [f"{each.selector}._domainkey.{each.domain}" for each in found.signatures if each.valid],
                "bounce_domain": found.bounce_domain,
            }
            row.message_checked_at = now
            _learn(row, found)
            row.save()
    return row, found


def state_of(findings: tuple[Finding, ...]) -> str:
    """Ready, degraded where something receivers punish was found."""
    return State.DEGRADED if any_bad(findings) else State.READY


def troubles(row: SendingDomain) -> list[dict[str, object]]:
    """What is to be mended, the worst first."""
    found = [*row.findings, *row.message_findings]
    return sorted(
        (finding for finding in found if finding["severity"] != Severity.NOTE),
        key=lambda finding: finding["severity"] != Severity.BAD,
    )


def _learn(row: SendingDomain, found: received.Received) -> None:
    aligned = found.aligned
    if not aligned:
        return
    own = [each for each in aligned if each.domain == row.domain] or list(aligned)
    row.dkim_domain = own[0].domain if own[0].domain != row.domain else ""
    selectors = [each.selector for each in own if each.domain == own[0].domain]
    row.dkim_selectors = list(dict.fromkeys([*selectors, *row.dkim_selectors]))[:6]
    if found.bounce_domain and found.bounce_domain != row.domain:
        row.bounce_domain = found.bounce_domain


def _setup(row: SendingDomain, provider: str) -> Setup:
    return Setup(row.domain, provider, tuple(row.dkim_selectors), row.dkim_domain, row.bounce_domain)
