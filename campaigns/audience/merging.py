"""Two rows that are one person become one: what it bought, what it said and what forbids go to the one that stays.

Nothing is lost to the person's disadvantage: a no of either is a no of both; a yes is handed on only together with the
address that it was said for. The other row stays, closed, so that files which still name it find the one that stays.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection
from django.db.models import Q

from campaigns.audience import stats
from campaigns.audience.consent import latest_decision, record_consent
from campaigns.audience.experiment_models import Assignment, DormancyEpisode
from campaigns.audience.models import Channel, Consent, Contact, ContactTag, Job, Suppression
from campaigns.audience.suppressing import suppress
from campaigns.audience.tagging import MANAGED, RESTRICTED
from tenants.accounts.models import Tenant
from tenants.journal import audit
from tenants.journal.recording import record
from winback.providers.reasons import ADDRESS_IS_DEAD
from winback.tenancy import acting_for

# What says something about an address and nothing about the person.
_ABOUT_THE_ADDRESS = {"bounced", *ADDRESS_IS_DEAD}
# Columns that belong together: taken over only where the one that stays has none of them.
_EMAIL = ("email", "email_key", "email_hmac")
_PHONE = ("phone", "phone_key", "phone_hmac")
_TOGETHER = (
    _EMAIL,
    _PHONE,
    ("first_name", "last_name", "name_key"),
    ("company",),
    ("address", "city", "region", "postal_code", "country", "timezone", "timezones", "address_key"),
    ("acquisition_channel",),
)
_ALWAYS = {"country", "timezone", "timezones"}  # every contact has them, so they say nothing about the rest


class CannotMerge(ValueError):
    """These two cannot become one; the message says why."""


@dataclass(frozen=True)
class Merge:
    """What a merge moved; ``across_arms``: the two were on different sides of the experiment."""

    jobs: int
    tags: int
    episodes_closed: int
    across_arms: bool


def merge(loser: Contact, winner: Contact, *, now: datetime, actor: str) -> Merge:
    """Make ``loser`` a part of ``winner``. What is planned for the loser ends with its lapse, at the next planning."""
    with acting_for(winner.tenant_id):
        tenant = winner.tenant
        locked = Contact.objects.for_tenant(tenant).select_for_update().order_by("pk")
        rows = {row.pk: row for row in locked.filter(pk__in=[loser.pk, winner.pk])}
        if len(rows) != 2:
            raise CannotMerge("Choose two different contacts of one tenant.")
        if any(row.state != Contact.State.ACTIVE for row in rows.values()):
            raise CannotMerge("A contact that was erased, or merged before, cannot be merged.")
        loser, winner = rows[loser.pk], rows[winner.pk]
        taken = _take_over(loser, winner, now=now)
        _hand_on_consent(loser, winner, taken, now=now, actor=actor)
        _hand_on_tracking(loser, winner, taken, now=now, actor=actor)
        _hand_on_suppressions(tenant, loser, winner, now=now)
        done = Merge(
            jobs=Job.objects.for_tenant(tenant).filter(contact=loser).update(contact=winner, updated_at=now),
            tags=_hand_on_tags(tenant, loser, winner),
            episodes_closed=_close_lapse(tenant, loser, now=now),
            across_arms=_settle_arms(tenant, loser, winner),
        )
        Contact.objects.for_tenant(tenant).filter(merged_into=loser).update(merged_into=winner, updated_at=now)
        loser.state, loser.merged_into, loser.updated_at = Contact.State.MERGED, winner, now
        loser.save(update_fields=["state", "merged_into", "updated_at"])
        with connection.cursor() as cursor:
            stats.recompute_contacts(cursor, tenant.pk, [loser.pk, winner.pk])
        data = {"loser": loser.pk, "jobs": done.jobs, "across_arms": done.across_arms}
        record("contact.merged", tenant_id=tenant.pk, now=now, contact_id=winner.pk, subject=winner, data=data)
        audit.append(tenant.pk, actor=actor, action="contact.merged", now=now, subject=winner, data=data)
    return done


def _take_over(loser: Contact, winner: Contact, *, now: datetime) -> set[str]:
    """Fill what the winner does not have; returns the fields that came from the loser."""
    taken = {
        field
        for group in _TOGETHER
        if not any(getattr(winner, field) for field in group if field not in _ALWAYS)
        and any(getattr(loser, field) for field in group if field not in _ALWAYS)
        for field in group
    }
    for field in taken:
        setattr(winner, field, getattr(loser, field))
    acquired = [day for day in (winner.acquired_on, loser.acquired_on) if day is not None]
    winner.acquired_on = min(acquired, default=None)
    winner.attributes = loser.attributes | winner.attributes
    winner.updated_at = now
    winner.save(update_fields=[*sorted(taken), "acquired_on", "attributes", "updated_at"])
    return taken


def _hand_on_consent(loser: Contact, winner: Contact, taken: set[str], *, now: datetime, actor: str) -> None:
    for channel, field, key in ((Channel.EMAIL, "email", "email_key"), (Channel.SMS, "phone", "phone_key")):
        theirs, ours = (latest_decision(each, channel, now=now) for each in (loser, winner))
        same_address = field in taken or getattr(loser, key) == getattr(winner, key) is not None
        if same_address:
            for ground in _grounds(loser, winner, channel):
                _say_again(ground, winner, now=now, actor=actor)
        if theirs is None:
            continue
        if theirs.state == Consent.State.GIVEN:
            hands_on = ours is None and same_address
        else:
            hands_on = ours is None or (ours.state == Consent.State.GIVEN and not _said_later(ours, theirs))
        if hands_on:
            _say_again(theirs, winner, now=now, actor=actor)


def _hand_on_tracking(loser: Contact, winner: Contact, taken: set[str], *, now: datetime, actor: str) -> None:
    """Whoever said that they do not want to be followed is not, whenever and for whichever row they said it."""
    theirs, ours = (latest_decision(each, Channel.EMAIL, Consent.TRACKING, now=now) for each in (loser, winner))
    if theirs is None:
        return
    if theirs.state == Consent.State.WITHDRAWN:
        hands_on = ours is None or ours.state != Consent.State.WITHDRAWN
    else:
        hands_on = ours is None and ("email" in taken or loser.email_key == winner.email_key is not None)
    if hands_on:
        _say_again(theirs, winner, now=now, actor=actor)


def _say_again(fact: Consent, winner: Contact, *, now: datetime, actor: str) -> None:
    record_consent(
        winner,
        fact.channel,
        fact.state,
        stated_at=fact.stated_at,
        source=fact.source,
        wording=fact.wording,
        evidence={**fact.evidence, "merged_from": fact.contact_id, "recorded_by": fact.recorded_by},
        purpose=fact.purpose,
        now=now,
        actor=actor,
    )


def _grounds(loser: Contact, winner: Contact, channel: str) -> list[Consent]:
    """The soft opt-ins and inquiries of the loser that the winner does not have already, in their order."""
    facts = Consent.objects.for_tenant(winner.tenant_id).filter(
        channel=channel, purpose=Consent.MARKETING, state__in=[Consent.State.SOFT_OPT_IN, Consent.State.INQUIRED]
    )
    known = set(facts.filter(contact=winner).values_list("state", "stated_at"))
    return [fact for fact in facts.filter(contact=loser).order_by("id") if (fact.state, fact.stated_at) not in known]


def _said_later(one: Consent, other: Consent) -> bool:
    """Whether one is known to have been said after the other: what has no date may be as late as it was recorded."""
    earliest = datetime.min.replace(tzinfo=UTC)
    return (one.stated_at or earliest) > (other.stated_at or other.recorded_at)


def _hand_on_suppressions(tenant: Tenant, loser: Contact, winner: Contact, *, now: datetime) -> None:
    digests = [digest for digest in (loser.email_hmac, loser.phone_hmac) if digest]
    in_force = Suppression.objects.for_tenant(tenant).filter(address_hmac__in=digests, lifted_at=None)
    for suppression in in_force.exclude(reason__in=_ABOUT_THE_ADDRESS).select_related("brand"):
        suppress(
            tenant,
            channel=suppression.channel,
            contact=winner,
            reason=suppression.reason,
            source="merge",
            brand=suppression.brand,
            now=now,
        )


def _hand_on_tags(tenant: Tenant, loser: Contact, winner: Contact) -> int:
    """The operator's tags go over, the longer-lived of two equal ones; the managed ones end with the row."""
    tags = ContactTag.objects.for_tenant(tenant).filter(contact=loser)
    moved = 0
    # A restriction is the person's own, whatever the row.
    for tag in tags.filter(~Q(name__startswith=MANAGED) | Q(name=RESTRICTED)):
        kept, made = ContactTag.objects.get_or_create(
            tenant=tenant,
            contact=winner,
            name=tag.name,
            defaults={"source": tag.source, "added_at": tag.added_at, "expires_at": tag.expires_at},
        )
        moved += made
        if not made and kept.expires_at is not None and (tag.expires_at is None or tag.expires_at > kept.expires_at):
            kept.expires_at = tag.expires_at
            kept.save(update_fields=["expires_at"])
    tags.delete()
    return moved


def _close_lapse(tenant: Tenant, loser: Contact, *, now: datetime) -> int:
    lapses = DormancyEpisode.objects.for_tenant(tenant).filter(contact=loser, state=DormancyEpisode.State.OPEN)
    closed = 0
    for lapse in lapses.select_for_update():
        closed += lapses.filter(pk=lapse.pk).update(
            state=DormancyEpisode.State.CLOSED, closed_at=now, closed_by=DormancyEpisode.ClosedBy.MERGED
        )
        record(
            "episode.closed",
            tenant_id=tenant.pk,
            now=now,
            contact_id=loser.pk,
            subject=lapse,
            data={"episode": lapse.pk, "cohort": lapse.cohort_months, "by": DormancyEpisode.ClosedBy.MERGED},
        )
    return closed


def _settle_arms(tenant: Tenant, loser: Contact, winner: Contact) -> bool:
    """One person, one arm: the winner's, or else the loser's; two different ones are flagged on both rows."""
    arms = Assignment.objects.for_tenant(tenant)
    theirs, ours = arms.filter(contact=loser).first(), arms.filter(contact=winner).first()
    if theirs is None:
        return False
    if ours is None:
        Assignment.objects.create(
            tenant=tenant,
            contact=winner,
            household_key=theirs.household_key,
            share=theirs.share,
            arm=theirs.arm,
            drawn_at=theirs.drawn_at,
            merged_across_arms=theirs.merged_across_arms,
        )
        return False
    if ours.arm == theirs.arm:
        return False
    arms.filter(contact__in=[loser, winner]).update(merged_across_arms=True)
    return True
