"""Why a contact is or is not dormant, enrolled, and writable over each channel, and what comes next for it."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Case, IntegerField, When

from campaigns.audience import addresses
from campaigns.audience.experiment_models import Assignment, DormancyEpisode
from campaigns.audience.models import Channel, Contact, ContactStat
from campaigns.compliance import following
from campaigns.compliance.asking import Asking, asking_of_tenant
from campaigns.compliance.caps_of_one import Cap, caps_of
from campaigns.compliance.guards import judged
from campaigns.compliance.quiet_hours import Hours
from campaigns.operating.restricting import is_restricted
from campaigns.planning.models import Campaign, Enrolment, Message, Step
from tenants.accounts.models import Brand, Tenant

_PHONE = re.compile(r"[+(]?\d[\d ().-]{5,}\d")

ASK = f"""
WITH asked AS (
    SELECT way.place AS ref, way.place, %(contact)s::bigint AS contact_id, way.channel, %(brand)s::bigint AS brand_id,
           %(lapsed_from)s::timestamptz AS lapsed_from
      FROM unnest(%(asked_channels)s::text[]) WITH ORDINALITY AS way(channel, place)
)
SELECT j.channel, j.refusal, j.verdicts, j.country, j.region, j.timezones FROM ({judged("ask")}) j ORDER BY j.place
"""

_ASKED = {"given": "consent_needed"}


class NoSuchContact(LookupError):
    """Nobody of this tenant has that external id, e-mail or phone."""


def find_contact(tenant: Tenant, text: str) -> Contact:
    """The contact with this external id, e-mail address or phone number; raises NoSuchContact.

    Of several at one address whoever was not merged into another: what is said of a merged row is said of nobody.
    """
    text = text.strip()
    if "\x00" in text:  # no text in PostgreSQL can have one
        raise NoSuchContact("There is no such contact: this is no external id, e-mail address or phone number.")
    active_first = Case(When(state=Contact.State.ACTIVE, then=0), default=1, output_field=IntegerField())
    rows = Contact.objects.for_tenant(tenant).order_by(active_first, "id")
    email = addresses.email_key(text)
    phone = addresses.phone_e164(text, tenant.country) if _PHONE.fullmatch(text) else None
    for wanted in ({"external_id": text}, {"email_key": email}, {"phone_key": phone}):
        if all(wanted.values()):
            found: Contact | None = rows.filter(**wanted).first()
            if found is not None:
                return found
    raise NoSuchContact(f"There is no contact {text!r}: give its external id, e-mail address or phone number.")


def explain(tenant: Tenant, contact: Contact, *, now: datetime) -> dict[str, Any]:
    """The answer of contract.md §3: ``dormant``, ``writable`` by channel, ``next`` and ``reasons``, with their facts.

    Inside an open scope. Nothing is changed: the guards are asked as the claim would ask them now.
    """
    episode = (
        DormancyEpisode.objects.for_tenant(tenant).filter(contact=contact, state=DormancyEpisode.State.OPEN).first()
    )
    stat = ContactStat.objects.for_tenant(tenant).filter(contact=contact).first()
    enrolment = (
        Enrolment.objects.for_tenant(tenant)
        .filter(contact=contact)
        .select_related("campaign")
        .order_by("-enrolled_at", "-id")
        .first()
    )
    asking = asking_of_tenant(tenant, now=now)
    lapsed_from = episode.lapsed_from if episode is not None else (stat.last_job_at if stat is not None else None)
    writable = _writable(asking, contact, lapsed_from)
    return {
        "contact": contact.external_id or str(contact.pk),
        "dormant": episode is not None,
        "reasons": ["restricted"] if is_restricted(contact) else _reasons(stat, episode, enrolment, asking),
        "writable": writable,
        "following": _following(tenant, contact, asking.campaign.brand, now=now),
        "next": _next(tenant, enrolment, stat),
        "episode": _episode_facts(episode),
        "enrolment": _enrolment_facts(tenant, contact, enrolment),
        "last_job_at": _written(stat.last_job_at if stat is not None else None),
    }


def _writable(asking: Asking, contact: Contact, lapsed_from: datetime | None) -> dict[str, Any]:
    hours = Hours.load(asking.now)
    values = asking.parameters() | {
        "contact": contact.pk,
        "lapsed_from": lapsed_from,
        "asked_channels": list(Channel.values),
    }
    with connection.cursor() as cursor:
        cursor.execute(ASK, values)
        rows = cursor.fetchall()
    caps = caps_of(asking, contact.household_id, [(row[0], row[3], row[4]) for row in rows])
    answer: dict[str, Any] = {}
    for channel, refusal, written, country, region, zones in rows:
        verdicts = json.loads(written)
        opens = hours.next_allowed(
            channel,
            country,
            region,
            tuple(zones or ()),
            asking.now,
            courteous=asking.courteous_email,
            otherwise=(asking.tenant.timezone,),
        )
        refused = [verdict["reason"] for verdict in verdicts if not verdict["allowed"]]
        answer[channel] = {
            "allowed": refusal is None,
            "reasons": refused,
            "not_before": _written(opens) if refusal is None and opens is not None and opens > asking.now else None,
            "household_cap_reached_since": _reached_since(caps[channel][0]),
            "caps": [cap.as_dict() for cap in caps[channel]],
            **_permission(verdicts),
            "verdicts": verdicts,
        }
    return answer


def _reached_since(household: Cap) -> str | None:
    until = household.full_until
    return _written(until - timedelta(hours=household.hours) if until is not None else None)


def _following(tenant: Tenant, contact: Contact, brand: Brand, *, now: datetime) -> dict[str, Any]:
    """Whether it is counted what the contact opens and presses; if not, why, and by which rule of the law."""
    found = following.of_contact(tenant, contact, brand, now=now)
    return {"allowed": found.allowed, "reason": found.reason or None, "rule": found.rule or None}


def _permission(verdicts: list[dict[str, Any]]) -> dict[str, Any]:
    """On what it rests, by which rule, and the last day of it where it has one and has not been taken back."""
    facts = {verdict["guard"]: verdict["facts"] for verdict in verdicts}
    consent = facts.get("consent", {})
    ends = [facts[guard]["lawful_until"] for guard in ("consent", "silence") if "lawful_until" in facts.get(guard, {})]
    return {
        "basis": consent.get("state") or _ASKED.get(str(consent.get("basis")), consent.get("basis")),
        "rule": consent.get("rule"),
        "lawful_until": min(ends, default=None),
    }


def _reasons(
    stat: ContactStat | None, episode: DormancyEpisode | None, enrolment: Enrolment | None, asking: Asking
) -> list[str]:
    """Why it is not dormant; or, if it is, why it is not being written to."""
    if episode is None:
        if stat is None or (stat.next_scan_at is not None and stat.next_scan_at <= asking.now):
            return ["not_scanned_yet"]
        return [stat.not_open_reason or "no_open_episode"]
    if enrolment is None or enrolment.episode_id != episode.pk:
        if not Campaign.objects.for_tenant(asking.tenant).filter(state=Campaign.State.RUNNING).exists():
            return ["no_campaign"]
        return ["enrolled_recently" if _bars_another(enrolment, asking) else "waits_for_enrolment"]
    if enrolment.state == Enrolment.State.ENDED:
        return [f"enrolment_ended_{enrolment.ended_by}"]
    return ["held_out"] if enrolment.arm == "held_out" else []


def _bars_another(enrolment: Enrolment | None, asking: Asking) -> bool:
    """Whether the enrolment of an earlier lapse keeps the contact from the next, as enrolling has it."""
    if enrolment is None or enrolment.state == Enrolment.State.ACTIVE:
        return enrolment is not None
    return bool(enrolment.enrolled_at > asking.not_enrolled_since)


def _next(tenant: Tenant, enrolment: Enrolment | None, stat: ContactStat | None) -> dict[str, Any] | None:
    """What comes next, and when: a message, a step, or the scan that looks again."""
    if enrolment is not None and enrolment.state == Enrolment.State.ACTIVE:
        waiting = (
            Message.objects.for_tenant(tenant)
            .filter(enrolment=enrolment, state__in=[Message.State.PLANNED, Message.State.POSTPONED])
            .order_by("due_at")
            .first()
        )
        if waiting is not None:
            return {
                "what": "message",
                "step": waiting.step_code,
                "channel": waiting.channel,
                "at": _written(waiting.due_at),
                "reason": waiting.reason,
            }
        step = (
            Step.objects.for_tenant(tenant)
            .filter(
                campaign=enrolment.campaign,
                workflow_version=enrolment.workflow_version,
                position=enrolment.position,
            )
            .first()
        )
        what = {"step": step.code, "channel": step.channel} if step is not None else {"step": "end"}
        return {"what": "step", "at": _written(enrolment.next_action_at)} | what
    if stat is not None and stat.next_scan_at is not None:
        return {"what": "scan", "at": _written(stat.next_scan_at)}
    return None


def _episode_facts(episode: DormancyEpisode | None) -> dict[str, Any] | None:
    if episode is None:
        return None
    return {
        "cohort_months": episode.cohort_months,
        "lapsed_from": _written(episode.lapsed_from),
        "opened_at": _written(episode.opened_at),
    }


def _enrolment_facts(tenant: Tenant, contact: Contact, enrolment: Enrolment | None) -> dict[str, Any] | None:
    arm = Assignment.objects.for_tenant(tenant).filter(contact=contact).values_list("arm", flat=True).first()
    if enrolment is None:
        return {"arm": arm} if arm else None
    return {
        "arm": enrolment.arm,
        "campaign": enrolment.campaign.code,
        "state": enrolment.state,
        "ended_by": enrolment.ended_by,
        "enrolled_at": _written(enrolment.enrolled_at),
        "position": enrolment.position,
    }


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
