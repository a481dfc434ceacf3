"""Restricting the processing of a person (GDPR art. 18): kept, and otherwise left alone until a manager lifts it.

It is a managed tag that every scan, plan and claim obeys whatever the settings say: no lapse is opened or moved,
nothing is enrolled, planned or sent. What is planned ends; what was done stays, and business is still recorded.
"""

from datetime import datetime

from campaigns.audience import stats
from campaigns.audience.models import Contact, ContactStat, ContactTag
from campaigns.audience.tagging import RESTRICTED, clear_managed, set_managed
from campaigns.planning.ending import end_enrolments
from campaigns.planning.models import Enrolment
from tenants.journal import audit
from tenants.journal.recording import record
from winback.tenancy import acting_for

GROUNDS = {
    "accuracy_contested": "They say that what is on file is wrong, and it is being looked into",
    "unlawful": "It was kept without permission, and they do not want it erased",
    "claims": "It is not needed any more, but they need it for a legal claim",
    "objection": "They have objected, and it is being looked into",
}
"""Article 18(1)(a) to (d)."""
SHORTEST_NOTE = 10


class NotRestricted(ValueError):
    """This contact's processing cannot be restricted, or is not to be freed by this; the message says why."""


def is_restricted(contact: Contact) -> bool:
    return bool(ContactTag.objects.for_tenant(contact.tenant_id).filter(contact=contact, name=RESTRICTED).exists())


def restrict(contact: Contact, *, ground: str, now: datetime, actor: str) -> bool:
    """Restrict it at once; whether that is new. Raises NotRestricted."""
    if ground not in GROUNDS:
        raise NotRestricted(f"The ground is one of {', '.join(GROUNDS)}.")
    with acting_for(contact.tenant_id):
        if not Contact.objects.for_tenant(contact.tenant_id).filter(pk=contact.pk, state="active").exists():
            raise NotRestricted("This contact was erased, or merged into another: there is nothing to restrict.")
        made = bool(set_managed(contact.tenant_id, RESTRICTED, [contact.pk], now=now, source=ground))
        end_enrolments(contact.tenant_id, contact_ids=[contact.pk], ended_by=Enrolment.EndedBy.DO_NOT_CONTACT, now=now)
        _look_again(contact)
        if made:
            _note(contact, "contact.restricted", {"reason": ground}, now=now, actor=actor)
    return made


def lift(contact: Contact, *, note: str, now: datetime, actor: str) -> bool:
    """Let it be processed again; whether it was restricted. The note stays in its history. Raises NotRestricted."""
    if len(note.strip()) < SHORTEST_NOTE:
        raise NotRestricted("Say why the restriction is lifted, and that the person was told before (art. 18(3)).")
    with acting_for(contact.tenant_id):
        lifted = bool(clear_managed(contact.tenant_id, [contact.pk], [RESTRICTED], now=now))
        _look_again(contact)
        if lifted:
            _note(contact, "contact.restriction_lifted", {"note": note.strip()[:2000]}, now=now, actor=actor)
    return lifted


def _look_again(contact: Contact) -> None:
    ContactStat.objects.for_tenant(contact.tenant_id).filter(contact=contact).update(next_scan_at=stats.DIRTY)


def _note(contact: Contact, kind: str, data: dict[str, str], *, now: datetime, actor: str) -> None:
    """The words stand in the journal, which an erasing can empty; the audit holds who and when."""
    record(kind, tenant_id=contact.tenant_id, now=now, contact_id=contact.pk, subject=contact, data=data)
    audit.append(contact.tenant_id, actor=actor, action=kind, now=now, subject=contact)
