"""Forgetting people: each room empties its own tables, in one transaction, and a dated proof stays that names nobody.

What is on its way at that moment cannot be called back. Its row stays with its sender, and ``finish`` empties it once
what became of it is recorded.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import OperationalError
from psycopg.errors import DeadlockDetected

from campaigns.audience import forgetting as audience
from campaigns.audience import rejecting
from campaigns.audience.experiment_models import Assignment
from campaigns.audience.models import Contact, Job
from campaigns.audience.people import People, people_of
from campaigns.compliance import forgetting as compliance
from campaigns.operating import elsewhere, hosts
from campaigns.operating.erasure_models import Erasure
from campaigns.operating.exporting import rejects_folder
from campaigns.planning import forgetting as planning
from campaigns.planning.models import Enrolment
from campaigns.tracking import applying, naming
from campaigns.tracking import forgetting as tracking
from tenants.access import forgetting as access
from tenants.accounts.models import Tenant
from tenants.journal import audit
from tenants.journal import forgetting as journal
from tenants.journal.recording import record_each
from tenants.webhooks import forgetting as webhooks
from winback.tenancy import acting_for, acting_for_all

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 500
"""People in one transaction: more are erased batch by batch."""
MOST_ATTEMPTS = 3


class CannotErase(ValueError):
    """Nobody can be erased by this; the message says why."""


def erase(tenant: Tenant, contacts: Sequence[Contact], *, now: datetime, actor: str, dry_run: bool = False) -> Erasure:
    """Forget these people, with every row that was merged into theirs. Opens its own scope; raises CannotErase.

    ``dry_run``: no file is removed, and the caller rolls back. Whoever was erased before is left alone.
    """
    _apply_what_waits(tenant, now=now)
    attempts = 0
    while True:
        attempts += 1
        try:
            return _erase(tenant, contacts, now=now, actor=actor, dry_run=dry_run)
        except OperationalError as error:
            # Whatever else works at the same people took them in another order: it goes on, and we begin again.
            if attempts == MOST_ATTEMPTS or not isinstance(error.__cause__, DeadlockDetected):
                raise


def _erase(tenant: Tenant, contacts: Sequence[Contact], *, now: datetime, actor: str, dry_run: bool) -> Erasure:
    with acting_for(tenant.pk):
        audience.begin(tenant)
        tracking.begin(tenant.pk)
        people = people_of(tenant, contacts, locked=True)
        if not people.rows or all(row.state == Contact.State.ERASED for row in people.rows):
            raise CannotErase("This person was erased already: the proof of it is under Erasures.")
        if len(people.survivors) > MOST_AT_ONCE:
            raise CannotErase(f"At most {MOST_AT_ONCE} people at once: erase the others after them.")
        people = tracking.known_by(people)
        people = people.known_by(digests=planning.digests_of(tenant.pk, people.ids))
        proof = Erasure(
            tenant=tenant, contacts=people.ids, people=len(people.survivors), asked_by=actor[:200], erased_at=now,
            kept=_kept(people), elsewhere=elsewhere.of(tenant, people),
        )  # fmt: skip
        proof.kept["digests"] = len(people.digests)
        audience.suppress(people, now=now)
        _forget(people, proof, now=now, dry_run=dry_run)
        proof.save()
        record_each("contact.erased", people.survivors, tenant_id=tenant.pk, now=now)
        only = people.survivors[0] if len(people.survivors) == 1 else None
        data = {"erasure": proof.pk, "contacts": people.ids}
        audit.append(tenant.pk, actor=actor, action="contact.erased", now=now, subject=only, data=data)
    return proof


def _apply_what_waits(tenant: Tenant, *, now: datetime) -> None:
    """What they have said already counts, and its words go with the others. Whatever cannot be applied is covered."""
    try:
        applying.apply(tenant, now=now, ask=False)
    except OperationalError:
        logger.warning("Reports of tenant %s wait behind a sender: they are covered instead.", tenant.pk)


def _kept(people: People) -> dict[str, Any]:
    """What stays under a number, so that sums and the experiment are what they were."""
    return {
        name: model.objects.for_tenant(people.tenant).filter(contact__in=people.ids).count()
        for name, model in (("jobs", Job), ("assignments", Assignment), ("enrolments", Enrolment))
    }


def _forget(people: People, proof: Erasure, *, now: datetime, dry_run: bool) -> None:
    tenant, ids = people.tenant, people.ids
    texts = tracking.texts_of(people)
    moved = audience.move_out(people, now=now)
    if moved:
        planning.move_out(tenant.pk, moved)
    planned = planning.forget(tenant.pk, ids, now=now)
    leaving = planned.leaving + tracking.leaving(people)
    domains = sorted({row.email_key.rpartition("@")[2] for row in people.rows if row.email_key})
    removed = {"campaigns_message": planned.messages, "campaigns_enrolment": planned.enrolments}
    removed |= compliance.forget(tenant.pk, ids, domains)
    removed |= tracking.forget(people, now=now)
    removed |= webhooks.forget(tenant.pk, ids)
    removed |= journal.forget(tenant.pk, ids, people.words, people.patterns)
    removed |= access.forget(tenant.pk, people.words)
    about_them = naming.names(people)  # before their numbers are gone
    removed |= audience.forget(people, now=now)
    # At the end: what a transaction rolls back, a file does not.
    removed["files"] = hosts.remove_files(tenant, ids, [] if leaving else texts, keep=dry_run)
    removed["rejected_rows"] = rejecting.forget(rejects_folder(tenant), about_them, keep=dry_run)
    removed["campaigns_household"] += len(moved)
    proof.removed = {name: number for name, number in removed.items() if number}
    proof.kept |= {"texts": texts} if texts else {}
    proof.kept |= {"leaving": leaving} if leaving else {}
    proof.state = Erasure.State.FINISHING if leaving else Erasure.State.DONE
    proof.finished_at = None if leaving else now
    if not leaving and not dry_run:
        proof.hosts = {str(hosts.this_host(now=now).key): now.isoformat()}


def finish(tenant: Tenant, *, now: datetime) -> int:
    """Empty what was on its way when its recipient was erased, once it has arrived or not; how many are finished."""
    done = 0
    with acting_for(tenant.pk):
        rows = Erasure.objects.for_tenant(tenant).filter(state=Erasure.State.FINISHING)
        for proof in rows.select_for_update().order_by("pk"):
            texts: list[int] = proof.kept.get("texts", [])
            planned = planning.forget(tenant.pk, proof.contacts, now=now)
            left = planned.leaving + tracking.forget_texts(tenant.pk, texts)
            files = hosts.remove_files(tenant, proof.contacts, [] if left else texts)
            proof.removed["files"] = proof.removed.get("files", 0) + files
            if not left:
                proof.state, proof.finished_at = Erasure.State.DONE, now
                proof.kept.pop("leaving", None)
                done += 1
            proof.save()
    return done


def tenants_finishing() -> list[int]:
    """The tenants with an erasing that is not finished, in one look over all of them. Opens its own scope."""
    with acting_for_all("look for erasings to finish"):
        rows = Erasure.objects.filter(state=Erasure.State.FINISHING)
        return list(rows.order_by("tenant_id").values_list("tenant_id", flat=True).distinct())
