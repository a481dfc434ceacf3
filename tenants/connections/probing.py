"""Does each capability of a tenant work? Probes answer ready, degraded or missing, with dated evidence.

crm is read from the evidence that imports leave: contacts and jobs are there, and the newest job is not old. A newest
job of more than 45 days is degraded (a quiet season, or the import stopped), of more than 90 days missing: whoever
writes to customers on such data writes to people who came back long ago. A sandbox is not judged on age.

email and sms: a connection whose provider answers. It is asked outside any transaction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tenants.accounts.models import Tenant
from tenants.connections import breaker, domain_evidence
from tenants.connections.connecting import LOCAL, active_connection, open_provider, paused_connection
from tenants.connections.models import CapabilityEvidence, Connection, DataEvidence
from winback.encryption import UndecipherableSecret
from winback.providers.errors import ProviderTrouble
from winback.tenancy import acting_for

CRM = "crm"
CAPABILITIES = (CRM, "email", "sms")
FRESH_FOR = timedelta(hours=24)
JOBS_AGEING_AFTER = timedelta(days=45)
JOBS_STALE_AFTER = timedelta(days=90)
State = CapabilityEvidence.State


@dataclass(frozen=True)
class Finding:
    """What a probe found. ``code`` says why it is not ready, ``not_verified`` that nobody has asked lately."""

    capability: str
    state: str
    code: str = ""
    detail: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    connection_id: int | None = None


def refresh(
    tenant: Tenant, capabilities: Iterable[str] = CAPABILITIES, *, now: datetime, by_hand: bool = False
) -> dict[str, Finding]:
    """Probe the capabilities and keep what was found. Opens its own scopes: call it outside any transaction.

    A paused connection is asked when its time has come (breaker.py), or ``by_hand``; one that answers goes on trial.
    """
    wanted = list(capabilities)
    with acting_for(tenant.pk):
        used = {kind: active_connection(tenant, kind) for kind in wanted if kind != CRM}
        known = {kind: known_finding(tenant, kind, now=now) for kind in used}
        paused = [each for each in _paused(tenant, now=now, by_hand=by_hand) if each.kind in used]
    answers = {connection.pk: _ask(tenant, connection, None) for connection in paused}
    found = {kind: _ask(tenant, each, known[kind]) for kind, each in used.items() if each is not None}
    with acting_for(tenant.pk):
        for connection in paused:
            answer = answers[connection.pk]
            if answer.state == State.READY:
                breaker.answered(connection, now=now)
            else:
                breaker.silent(connection, reason=answer.detail or connection.paused_reason, now=now)
        for kind in used:
            if kind not in found:
                found[kind] = _of_paused(tenant, kind, answers)
        if CRM in wanted:
            found[CRM] = crm_finding(tenant, now=now)
        found = {kind: _with_domain(tenant, finding, now=now) for kind, finding in found.items()}
        for finding in found.values():
            _keep(tenant, finding, now=now)
    return found


def _paused(tenant: Tenant, *, now: datetime, by_hand: bool) -> list[Connection]:
    if not by_hand:
        return breaker.due(tenant, now=now)
    rows = Connection.objects.for_tenant(tenant).filter(state=Connection.State.PAUSED)
    return list(rows.select_related("tenant").order_by("priority", "id"))


def _of_paused(tenant: Tenant, kind: str, answers: Mapping[int, Finding]) -> Finding:
    """What holds for a kind of which no connection was in use: one that answers is, from now on."""
    connection = active_connection(tenant, kind)
    if connection is not None and connection.pk in answers:
        return answers[connection.pk]
    return _unconnected(tenant, kind)


def findings(tenant: Tenant, *, now: datetime) -> dict[str, Finding]:
    """What is known now, without asking any provider over the network: for a web request, in its transaction.

    The crm probe and the local outbox need no network, so they are asked; other channels rest on fresh evidence.
    """
    found = {CRM: crm_finding(tenant, now=now)}
    _keep(tenant, found[CRM], now=now)
    for kind in CAPABILITIES:
        if kind == CRM:
            continue
        connection = active_connection(tenant, kind)
        if connection is None:
            found[kind] = _unconnected(tenant, kind)
            _keep(tenant, found[kind], now=now)
        elif connection.provider == LOCAL:
            found[kind] = _ask(tenant, connection, None)
            _keep(tenant, found[kind], now=now)
        else:
            evidence = known_finding(tenant, kind, now=now)
            if evidence is None or evidence.connection_id != connection.pk:
                evidence = Finding(kind, State.MISSING, "not_verified", "The connection was not tried lately.")
            found[kind] = _with_domain(tenant, evidence, now=now)
    return found


def known_finding(tenant: Tenant, capability: str, *, now: datetime) -> Finding | None:
    """The latest evidence, unless it is stale: stale evidence counts as missing."""
    row = CapabilityEvidence.objects.for_tenant(tenant).filter(capability=capability).first()
    if row is None or row.checked_at < now - FRESH_FOR:
        return None
    return Finding(capability, row.state, row.code, row.detail, row.facts, row.connection_id)


def crm_finding(tenant: Tenant, *, now: datetime) -> Finding:
    """Whether contacts and jobs are there, and fresh as of ``now``."""
    evidence = {row.kind: row for row in DataEvidence.objects.for_tenant(tenant)}
    facts: dict[str, Any] = {kind: row.rows for kind, row in evidence.items()}
    for kind in ("contacts", "jobs"):
        if not facts.get(kind):
            return Finding(CRM, State.MISSING, f"no_{kind}", f"No {kind} were imported.", facts)
    newest: datetime | None = evidence["jobs"].newest_at
    facts["newest_job_at"] = newest.isoformat() if newest else None
    if tenant.sandbox:
        return Finding(CRM, State.READY, "", "Contacts and jobs are there (sandbox: their age is not judged).", facts)
    if newest is None or newest < now - JOBS_STALE_AFTER:
        return Finding(CRM, State.MISSING, "jobs_stale", "The newest job is more than 90 days old.", facts)
    if newest < now - JOBS_AGEING_AFTER:
        return Finding(CRM, State.DEGRADED, "jobs_ageing", "The newest job is more than 45 days old.", facts)
    return Finding(CRM, State.READY, "", "Contacts and jobs are there, and fresh.", facts)


def _with_domain(tenant: Tenant, finding: Finding, *, now: datetime) -> Finding:
    """E-mail that its provider would take is still no better than the domain that it is from."""
    if finding.capability != "email" or finding.state != State.READY:
        return finding
    judged = domain_evidence.judge(tenant, now=now)
    if finding.facts.get("provider") == LOCAL or judged is None:
        return finding
    facts = finding.facts | {"domain": judged.domain, "domain_codes": judged.codes}
    return Finding("email", judged.state, domain_evidence.CODE, judged.detail, facts, finding.connection_id)


def _unconnected(tenant: Tenant, kind: str) -> Finding:
    paused = paused_connection(tenant, kind)
    if paused is not None:
        return Finding(kind, State.MISSING, "paused", paused.paused_reason or "Paused.", connection_id=paused.pk)
    return Finding(kind, State.MISSING, "not_connected", "No provider is connected.")


def _ask(tenant: Tenant, connection: Connection, before: Finding | None) -> Finding:
    """Ask the provider of a connection whether it answers."""
    kind = connection.kind
    facts = {"provider": connection.provider}
    if connection.provider == LOCAL and not tenant.sandbox:
        detail = "The local outbox reaches nobody: it counts in a sandbox alone."
        return Finding(kind, State.MISSING, "local_outbox", detail, facts, connection.pk)
    try:
        answer = open_provider(connection).probe()
    except (ProviderTrouble, UndecipherableSecret) as error:
        return _not_answering(connection, before, str(error), facts)
    if not answer.ok:
        return _not_answering(connection, before, answer.detail, facts)
    local = connection.provider == LOCAL
    detail = "Local outbox (sandbox): nobody receives these messages." if local else answer.detail
    return Finding(kind, State.READY, "", detail, facts, connection.pk)


def _not_answering(connection: Connection, before: Finding | None, detail: str, facts: dict[str, Any]) -> Finding:
    """A connection that was ready within the day is degraded, not gone: providers have bad minutes."""
    was_ready = before is not None and before.state == State.READY and before.connection_id == connection.pk
    state = State.DEGRADED if was_ready else State.MISSING
    return Finding(connection.kind, state, "not_answering", detail[:300], facts, connection.pk)


def _keep(tenant: Tenant, finding: Finding, *, now: datetime) -> None:
    CapabilityEvidence.objects.for_tenant(tenant).update_or_create(
        tenant=tenant,
        capability=finding.capability,
        defaults={
            "state": finding.state,
            "code": finding.code,
            "detail": finding.detail[:300],
            "facts": finding.facts,
            "connection_id": finding.connection_id,
            "checked_at": now,
        },
    )
