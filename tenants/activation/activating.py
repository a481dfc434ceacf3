"""Switching a module on for a tenant: activated, or deferred with what is missing; suspended when that gets lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.models import Module
from tenants.accounts.models import Tenant
from tenants.activation import requirements
from tenants.activation.models import ModuleActivation
from tenants.activation.module_settings import filled
from tenants.activation.requirements import Requirements
from tenants.connections import domains, probing
from tenants.journal import audit
from tenants.journal.recording import record
from winback.tenancy import acting_for

State = ModuleActivation.State


class ModuleNotFound(LookupError):
    """There is no module of this code in the catalog."""


@dataclass(frozen=True)
class Answer:
    """What the API, the command and the console say: 200 activated, 202 not yet."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True)
class Change:
    """An activation that moved to another state when it was looked at again."""

    module_code: str
    old: str
    new: str
    reasons: list[str]


def activate(
    tenant: Tenant, module_code: str, settings: Mapping[str, Any] | None, *, now: datetime, actor: str
) -> Answer:
    """Ask for a module to run. The same call twice answers the same; while deferred nothing is queued and nothing runs.

    ``settings`` None keeps those of an earlier call. Raises ModuleNotFound and SettingsInvalid. Asks no provider over
    the network (this runs in a web request's transaction): ``probing.refresh`` before it, where that is possible.
    """
    module = Module.objects.filter(code=module_code).first()
    if module is None:
        raise ModuleNotFound(f"There is no module {module_code!r}.")
    known = ModuleActivation.objects.for_tenant(tenant).filter(module=module).first()
    given = known.settings if settings is None and known is not None else settings
    chosen = filled(module, given or {})
    activation, created = ModuleActivation.objects.for_tenant(tenant).get_or_create(
        tenant=tenant,
        module=module,
        defaults={
            "module_version": module.version,
            "state": State.DEFERRED,
            "settings": chosen,
            "requested_at": now,
            "evaluated_at": now,
        },
    )
    activation = ModuleActivation.objects.for_tenant(tenant).select_for_update().get(pk=activation.pk)
    old = "" if created else str(activation.state)
    activation.settings = chosen
    activation.module_version = module.version
    if activation.state == State.RETIRED:
        activation.state = State.DEFERRED
    share = chosen.get("holdout_share")
    if share is not None:  # null: by size, fixed by the first scan
        activation.holdout_share = round(share * 10_000)
    missing = _evaluate(tenant, module, activation, now=now)
    activation.save()
    if activation.state != old:
        _note(activation, old, missing, now=now)
    body = answer_body(activation)
    audit.append(
        tenant.pk,
        actor=actor,
        action="module.activation_asked",
        now=now,
        subject=activation,
        data={"module": module_code, "settings": chosen, "state": activation.state, "missing": missing.codes},
    )
    return Answer(200 if activation.state == State.ACTIVATED else 202, body)


def reevaluate(tenant: Tenant, *, now: datetime) -> list[Change]:
    """Look again at every activation of the tenant: suspend what lost a requirement, bring back what has all.

    Run ``probing.refresh`` before it, outside any transaction, so that the evidence is fresh.
    """
    changes = []
    rows = ModuleActivation.objects.for_tenant(tenant).exclude(state=State.RETIRED)
    for activation in rows.select_related("module").select_for_update(of=("self",)).order_by("pk"):
        old = activation.state
        missing = _evaluate(tenant, activation.module, activation, now=now)
        activation.save(update_fields=["state", "requirements", "activated_at", "evaluated_at"])
        if activation.state != old:
            _note(activation, old, missing, now=now)
            changes.append(Change(activation.module_id, old, activation.state, missing.codes))
    return changes


def look_again(tenant: Tenant, *, now: datetime, by_hand: bool = False) -> list[Change]:
    """Probe everything and look again at the tenant's activations: regularly, and when a requirement may have changed.

    Opens its own scopes, because providers are asked outside any transaction.
    """
    domains.look_up_daily(tenant, now=now)
    probing.refresh(tenant, now=now, by_hand=by_hand)
    with acting_for(tenant.pk):
        return reevaluate(tenant, now=now)


def retire(activation: ModuleActivation, *, now: datetime, actor: str) -> bool:
    """Switch a module off for good; its campaigns stop at the guard “module active”."""
    rows = ModuleActivation.objects.for_tenant(activation.tenant_id).filter(pk=activation.pk)
    retired = bool(rows.exclude(state=State.RETIRED).update(state=State.RETIRED, evaluated_at=now))
    if retired:
        audit.append(activation.tenant_id, actor=actor, action="module.retired", now=now, subject=activation)
    return retired


def answer_body(activation: ModuleActivation) -> dict[str, Any]:
    """The answer's body, as contract.md §5 has it."""
    return {
        "state": activation.state,
        "activation_id": activation.pk,
        "module_code": activation.module_id,
        "settings": activation.settings,
        "requirements": activation.requirements,
    }


def _evaluate(tenant: Tenant, module: Module, activation: ModuleActivation, *, now: datetime) -> Requirements:
    """Set the state that the requirements allow. What ran before is suspended, what never ran stays deferred."""
    found = probing.findings(tenant, now=now)
    missing = requirements.of(tenant, module, activation.settings, found, now=now)
    if missing.met:
        activation.state = State.ACTIVATED
        activation.activated_at = activation.activated_at or now
    elif activation.state in (State.ACTIVATED, State.SUSPENDED):
        activation.state = State.SUSPENDED
    else:
        activation.state = State.DEFERRED
    activation.requirements = missing.as_dict(was_running=activation.state == State.SUSPENDED)
    activation.evaluated_at = now
    return missing


def _note(activation: ModuleActivation, old: str, missing: Requirements, *, now: datetime) -> None:
    verb = {State.ACTIVATED: "resumed" if old == State.SUSPENDED else "activated"}.get(
        State(activation.state), activation.state
    )
    record(
        f"module.{verb}",
        tenant_id=activation.tenant_id,
        now=now,
        subject=activation,
        data={"module": activation.module_id, "missing": missing.codes},
    )
