"""What a module still needs before it may run for a tenant: typed, each with how to mend it and what to do instead."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from catalog.models import Module
from tenants.accounts.models import Brand, Tenant
from tenants.connections import domain_evidence
from tenants.connections.evidence import rows_of
from tenants.connections.models import CapabilityEvidence, SendingDomain
from tenants.connections.probing import CRM, Finding
from tenants.plans import entitlements
from winback.providers.domains.findings import Severity

RELEASED = (Module.Status.GUIDED, Module.Status.LIVE)
NEAR_LIMIT = 0.8

Fix = dict[str, Any]


@dataclass(frozen=True)
class Requirement:
    """One thing that is missing. ``kind``: entitlement, capability, data, compliance or approval."""

    code: str
    kind: str
    message: str
    fix: Fix
    alternatives: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "kind": self.kind,
            "message": self.message,
            "fix": self.fix,
            "alternatives": list(self.alternatives),
        }


@dataclass(frozen=True)
class Requirements:
    """What is due now, what will be due, and what we are about to look at ourselves."""

    currently_due: list[Requirement] = field(default_factory=list)
    eventually_due: list[Requirement] = field(default_factory=list)
    pending_verification: list[Requirement] = field(default_factory=list)

    @property
    def met(self) -> bool:
        return not self.currently_due and not self.pending_verification

    @property
    def codes(self) -> list[str]:
        return [requirement.code for requirement in (*self.currently_due, *self.pending_verification)]

    def as_dict(self, *, was_running: bool = False) -> dict[str, Any]:
        """As contract.md §5 says. What stopped a module that was running is past due, besides being due."""
        due = [requirement.as_dict() for requirement in self.currently_due]
        return {
            "currently_due": due,
            "eventually_due": [requirement.as_dict() for requirement in self.eventually_due],
            "past_due": due if was_running else [],
            "pending_verification": [requirement.as_dict() for requirement in self.pending_verification],
        }


def of(
    tenant: Tenant, module: Module, settings: Mapping[str, Any], found: Mapping[str, Finding], *, now: datetime
) -> Requirements:
    """Everything that is missing for this module with these settings, given what the probes found."""
    channels = [
        capability
        for capability in module.content["required_capabilities"]
        if capability != CRM and capability in settings.get("channels", [capability])
    ]
    result = Requirements()
    result.currently_due.extend(_approval(module))
    for channel in channels:
        result.currently_due.extend(_channel_entitlement(tenant, channel, channels, now=now))
    _contacts_entitlement(tenant, result, channels, now=now)
    for channel in channels:
        _capability(tenant, found[channel], channels, result)
    if CRM in module.content["required_capabilities"]:
        _data(tenant, found[CRM], result)
    if "email" in channels:
        result.currently_due.extend(_compliance(tenant))
    return result


def _without(channel: str, channels: list[str]) -> tuple[str, ...]:
    """``mode:email_only`` where e-mail would be left, and so on."""
    left = [other for other in channels if other != channel]
    return tuple(f"mode:{other}_only" for other in left[:1]) if len(left) == 1 else ()


def _approval(module: Module) -> Iterator[Requirement]:
    if module.status not in RELEASED:
        yield Requirement(
            "approval.module.not_released",
            "approval",
            f"{module.name} is not released for use (its status is {module.status}).",
            {"console": f"/console/catalog/module/{module.code}/change/", "api": None, "cli": None},
        )


def _plan_fix(tenant: Tenant) -> Fix:
    return {"console": f"/console/tenants/tenant/{tenant.pk}/change/", "api": None, "cli": None}


def _channel_entitlement(tenant: Tenant, channel: str, channels: list[str], *, now: datetime) -> Iterator[Requirement]:
    decision = entitlements.decide(tenant, f"channel.{channel}", now=now, note=False)
    if decision.allowed:
        return
    wanted = [f"channel.{each}" for each in channels]
    plans = tuple(f"plan:{code}" for code in entitlements.plans_with(wanted, rows_of(tenant, "contacts"))[:1])
    yield Requirement(
        f"entitlement.{channel}.{decision.reason}",
        "entitlement",
        f"The plan {tenant.plan.name} does not include {_NAMES[channel]}.",
        _plan_fix(tenant),
        (*_without(channel, channels), *plans),
    )


def _contacts_entitlement(tenant: Tenant, result: Requirements, channels: list[str], *, now: datetime) -> None:
    contacts = rows_of(tenant, "contacts")
    decision = entitlements.decide(tenant, "contacts", 0, now=now, used=contacts, note=False)
    wanted = [f"channel.{each}" for each in channels]
    if not decision.allowed and decision.reason == "over_limit":
        plans = tuple(f"plan:{code}" for code in entitlements.plans_with(wanted, contacts)[:1])
        message = f"There are {contacts:,} contacts, and the plan {tenant.plan.name} allows {decision.limit or 0:,}."
        result.currently_due.append(
            Requirement("entitlement.contacts.over_limit", "entitlement", message, _plan_fix(tenant), plans)
        )
    elif decision.limit and contacts >= NEAR_LIMIT * decision.limit:
        message = f"{contacts:,} of the {decision.limit:,} contacts that the plan {tenant.plan.name} allows are there."
        result.eventually_due.append(
            Requirement("entitlement.contacts.near_limit", "entitlement", message, _plan_fix(tenant))
        )


_NAMES = {"email": "e-mail", "sms": "text messages"}


def _capability(tenant: Tenant, finding: Finding, channels: list[str], result: Requirements) -> None:
    if finding.state == CapabilityEvidence.State.READY:
        return
    kind = finding.capability
    if finding.code == domain_evidence.CODE:
        target = result.eventually_due if finding.state == CapabilityEvidence.State.DEGRADED else result.currently_due
        target.extend(_domain(tenant, finding, channels))
        return
    requirement = Requirement(
        f"capability.{kind}.{finding.code}",
        "capability",
        f"{_NAMES[kind].capitalize()}: {finding.detail}",
        {
            "console": f"/console/tenants/connection/add/?kind={kind}"
            if finding.connection_id is None
            else f"/console/tenants/connection/{finding.connection_id}/change/",
            "api": None,
            "cli": f"manage.py connect_provider {kind} PROVIDER --tenant {tenant.slug}",
        },
        _without(kind, channels),
    )
    if finding.code == "not_verified":
        result.pending_verification.append(requirement)
    elif finding.state == CapabilityEvidence.State.DEGRADED:
        result.eventually_due.append(requirement)
    else:
        result.currently_due.append(requirement)


def _domain(tenant: Tenant, finding: Finding, channels: list[str]) -> Iterator[Requirement]:
    """Each record that the sending domain lacks: a warning for most, and for a bulk sender a stop."""
    domain = str(finding.facts["domain"])
    row = SendingDomain.objects.for_tenant(tenant).get(domain=domain)
    for found in (each for each in [*row.findings, *row.message_findings] if each["severity"] == Severity.BAD):
        record = found["record"]
        add = f" Add: {record['type']} {record['name']} “{record['value']}”." if record else ""
        yield Requirement(
            f"capability.email.{found['code']}",
            "capability",
            f"{found['sentence']}{add}",
            {
                "console": f"/console/tenants/sendingdomain/{row.pk}/change/",
                "api": "/api/tenants/sending-domains",
                "cli": f"manage.py check_domain --tenant {tenant.slug}",
            },
            _without("email", channels),
        )


def _data(tenant: Tenant, finding: Finding, result: Requirements) -> None:
    if finding.state == CapabilityEvidence.State.READY:
        return
    codes = [f"no_{kind}" for kind in ("contacts", "jobs") if not finding.facts.get(kind)] or [finding.code]
    for code in codes:
        what = "contacts" if code == "no_contacts" else "jobs"
        message = f"No {what} were imported." if code.startswith("no_") else finding.detail
        requirement = Requirement(
            f"capability.{CRM}.{code}",
            "data",
            message,
            {
                "console": "/console/campaigns/importbatch/",
                "api": None,
                "cli": f"manage.py import_{what} FILE --tenant {tenant.slug}",
            },
        )
        degraded = finding.state == CapabilityEvidence.State.DEGRADED
        (result.eventually_due if degraded else result.currently_due).append(requirement)


def _compliance(tenant: Tenant) -> Iterator[Requirement]:
    """What the law asks to stand in every e-mail, of the brand that campaigns use."""
    brand = Brand.objects.for_tenant(tenant).filter(is_default=True).first()
    fix = {
        "console": f"/console/tenants/brand/{brand.pk}/change/" if brand else "/console/tenants/brand/add/",
        "api": None,
        "cli": None,
    }
    facts = {
        "legal_name": (brand and brand.legal_name) or tenant.legal_name,
        "postal_address": (brand and brand.postal_address) or tenant.postal_address,
        "sender_email": brand and brand.sender_email,
    }
    for name, value in facts.items():
        if not (value or "").strip():
            yield Requirement(
                f"compliance.{name}.missing",
                "compliance",
                f"The brand has no {name.replace('_', ' ')}, which every e-mail must show.",
                fix,
            )
