"""What the evidence about a tenant's sending domains means for its e-mail capability. Asks nobody: reads rows.

A fault that receivers punish makes e-mail degraded; for a bulk sender (about 5,000 a day from one domain, at which
Gmail, Yahoo and Outlook.com begin to refuse, and once reached it stays so) it makes it missing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from tenants.accounts.models import Brand, Tenant
from tenants.connections.models import CapabilityEvidence, SendingDomain
from winback.providers.domains.findings import Severity
from winback.providers.domains.names import domain_of

CODE = "domain_not_ready"
BULK_A_DAY = 5_000
FRESH_FOR = timedelta(days=7)
"""Evidence that is older says nothing: it is looked up daily."""


@dataclass(frozen=True)
class Judgement:
    """The domain that holds e-mail back, and why."""

    domain: str
    state: str
    codes: list[str]
    detail: str


def domains_of(tenant: Tenant, *, only_in_use: bool = False) -> list[str]:
    """The domains that this tenant's brands send from, the default brand's first; or only those that may send now."""
    rows = Brand.objects.for_tenant(tenant).exclude(sender_email="").order_by("-is_default", "pk")
    if only_in_use:
        rows = rows.filter(Q(is_default=True) | Q(in_use=True))
    found = [domain_of(address) for address in rows.values_list("sender_email", flat=True)]
    return [domain for domain in dict.fromkeys(found) if domain]


def judge(tenant: Tenant, *, now: datetime) -> Judgement | None:
    """What the domains that are sent from do to the e-mail capability; None: nothing, or nobody has looked lately.

    The default brand's counts, and that of every brand from which a running campaign sends: the worst decides.
    """
    if tenant.sandbox:
        return None
    names = domains_of(tenant, only_in_use=True)
    rows = {row.domain: row for row in SendingDomain.objects.for_tenant(tenant).filter(domain__in=names)}
    judged = [judge_row(rows[name], now=now) for name in names if name in rows]
    found = [one for one in judged if one is not None]
    stopped = (one for one in found if one.state == CapabilityEvidence.State.MISSING)
    return next(stopped, found[0] if found else None)


def judge_row(row: SendingDomain, *, now: datetime) -> Judgement | None:
    """What the evidence about one domain comes to; None: nothing that holds it back."""
    faults = [*_faults(row.findings, row.checked_at, now=now)]
    faults += _faults(row.message_findings, row.message_checked_at, now=now)
    if not faults:
        return None
    state = CapabilityEvidence.State
    bulk = row.busiest_day >= BULK_A_DAY
    codes = [str(fault["code"]) for fault in faults]
    return Judgement(row.domain, state.MISSING if bulk else state.DEGRADED, codes, str(faults[0]["sentence"])[:300])


def _faults(findings: list[dict[str, Any]], looked_at: datetime | None, *, now: datetime) -> list[dict[str, Any]]:
    if looked_at is None or looked_at < now - FRESH_FOR:
        return []
    return [finding for finding in findings if finding["severity"] == Severity.BAD]


def as_dict(row: SendingDomain, *, now: datetime) -> dict[str, Any]:
    """What is known of a domain, for the API and the command."""
    judged = judge_row(row, now=now)
    return {
        "domain": row.domain,
        "state": str(judged.state) if judged is not None else row.state or "not_checked",
        "bulk": row.busiest_day >= BULK_A_DAY,
        "policy": row.facts.get("policy", ""),
        "dkim_selectors": row.dkim_selectors,
        "checked_at": row.checked_at.isoformat() if row.checked_at else None,
        "findings": row.findings,
        "message_checked_at": row.message_checked_at.isoformat() if row.message_checked_at else None,
        "message_findings": row.message_findings,
    }
