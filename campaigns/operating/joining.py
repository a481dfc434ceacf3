"""Two contacts that are one person: found, looked at side by side, and merged, with what was planned for the one that
goes ended at once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from campaigns.audience import addresses
from campaigns.audience.experiment_models import Assignment, DormancyEpisode
from campaigns.audience.merging import CannotMerge, merge
from campaigns.audience.models import Contact, ContactStat
from campaigns.operating.explaining import NoSuchContact
from campaigns.planning.ending import end_enrolments
from campaigns.planning.models import Enrolment
from tenants.accounts.models import Tenant
from winback.tenancy import acting_for


@dataclass(frozen=True)
class Side:
    """What there is of one of the two."""

    contact: Contact
    jobs: int
    lapses: int
    enrolments: int
    arm: str


@dataclass(frozen=True)
class Outlook:
    """What merging would do."""

    loser: Side
    winner: Side

    @property
    def across_arms(self) -> bool:
        """Whether one of the two is held out and the other is not: the results count the winner's side."""
        return bool(self.loser.arm and self.winner.arm and self.loser.arm != self.winner.arm)

    @property
    def arm(self) -> str:
        return self.winner.arm or self.loser.arm


def find_one(tenant: Tenant, text: str, *, besides: Contact | None = None) -> Contact:
    """The contact of this external id, e-mail address, phone number, or ``#`` with its number; never a guess.

    Raises NoSuchContact when there is none, or several: duplicates often share their address.
    """
    rows = Contact.objects.for_tenant(tenant)
    if besides is not None:
        rows = rows.exclude(pk=besides.pk)
    text = text.strip().replace("\x00", "")  # no text in PostgreSQL can have one
    number = text.removeprefix("#")
    if text.startswith("#") and number.isdecimal() and len(number) < 19:
        wanted = Q(pk=int(number))
    elif rows.filter(external_id=text).exists():
        wanted = Q(external_id=text)
    else:
        wanted = Q(pk__in=())
        for column, key in (
            ("email_key", addresses.email_key(text)),
            ("phone_key", addresses.phone_e164(text, tenant.country)),
        ):
            wanted |= Q(**{column: key, "state": Contact.State.ACTIVE}) if key else Q(pk__in=())
    found = list(rows.filter(wanted).order_by("pk")[:2])
    if not found:
        raise NoSuchContact(f"There is no {'other ' if besides else ''}contact {text!r}: give its external id, e-mail "
                            "address, phone number, or # and its number.")  # fmt: skip
    if len(found) > 1:
        raise NoSuchContact(f"Several contacts have {text!r}: name one by its external id, or by # and its number "
                            f"(#{found[0].pk}, #{found[1].pk} …).")  # fmt: skip
    one: Contact = found[0]
    return one


def outlook(loser: Contact, winner: Contact) -> Outlook:
    """Look before merging; raises CannotMerge as merging would. Inside an open scope."""
    if loser.pk == winner.pk:
        raise CannotMerge("Choose two different contacts of one tenant.")
    if loser.state != Contact.State.ACTIVE or winner.state != Contact.State.ACTIVE:
        raise CannotMerge("A contact that was erased, or merged before, cannot be merged.")
    return Outlook(_side(loser), _side(winner))


def _side(contact: Contact) -> Side:
    def rows(model: Any) -> Any:
        return model.objects.for_tenant(contact.tenant_id).filter(contact=contact)

    stat, assignment = rows(ContactStat).first(), rows(Assignment).first()
    return Side(
        contact,
        jobs=stat.job_count if stat is not None else 0,
        lapses=rows(DormancyEpisode).filter(state=DormancyEpisode.State.OPEN).count(),
        enrolments=rows(Enrolment).filter(state=Enrolment.State.ACTIVE).count(),
        arm=assignment.arm if assignment is not None else "",
    )


def join(loser: Contact, winner: Contact, *, now: datetime, actor: str) -> dict[str, Any]:
    """Make ``loser`` a part of ``winner``, and end what was planned for it; raises CannotMerge."""
    with acting_for(winner.tenant_id):
        done = merge(loser, winner, now=now, actor=actor)
        ended = end_enrolments(
            winner.tenant_id, contact_ids=[loser.pk], ended_by=Enrolment.EndedBy.EPISODE_CLOSED, now=now
        )
        winner.refresh_from_db()
    return {
        "loser": name_of(loser),
        "winner": name_of(winner),
        "jobs": done.jobs,
        "tags": done.tags,
        "episodes_closed": done.episodes_closed,
        "enrolments_ended": ended,
        "across_arms": done.across_arms,
    }


def name_of(contact: Contact) -> str:
    """What finds the contact again, and names nobody."""
    return contact.external_id or f"#{contact.pk}"
