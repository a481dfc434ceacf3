"""What the evidence about a tenant's sending domains means for its e-mail capability. Asks nobody: reads rows.

A fault that receivers punish makes e-mail degraded; for a bulk sender (about 5,000 a day from one domain, at which
Gmail, Yahoo and Outlook.com begin to refuse, and once reached it stays so) it makes it missing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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


def domains_of(tenant: Tenant) -> list[str]:
    """The domains that this tenant's brands send from, the default brand's first."""
    rows = Brand.objects.for_tenant(tenant).exclude(sender_email="").order_by("-is_default", "pk")
    found = [domain_of(address) for address in rows.values_list("sender_email", flat=True)]
    return [domain for domain in dict.fromkeys(found) if domain]


def judge(tenant: Tenant, *, now: datetime) -> Judgement | None:
    """What the default brand's domain does to the e-mail capability; None: nothing, or nobody has looked lately."""
    if tenant.sandbox:
        return None
    for domain in domains_of(tenant)[:1]:
        row = SendingDomain.objects.for_tenant(tenant).filter(domain=domain).first()
        if row is not None:
            return judge_row(row, now=now)
    return None


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
