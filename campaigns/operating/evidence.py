"""Proof of who was written to, and why that was allowed: everything on file about one contact or one campaign.

For a lawyer or a regulator: each line is one fact with its time. Verdicts carry the guard, its version and what it
saw; messages the digest of their words. Nothing is interpreted here.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q

from campaigns.audience.models import Consent, Contact, Suppression
from campaigns.compliance import consent_basis, legal_caps
from campaigns.planning.models import Campaign, Enrolment, Message
from campaigns.tracking.models import Interaction
from catalog.reading import read_dated, read_quiet_hours
from tenants.accounts.models import Tenant
from winback.spreadsheets import harmless
from winback.tenancy import acting_for

BATCH = 200
FORMATS = ("jsonl", "csv")
COLUMNS = (
    "kind", "at", "contact", "message", "channel", "what", "allowed", "reason", "version", "rule", "source",
    "content_sha256", "details",
)  # fmt: skip

Line = dict[str, Any]


def lines(
    tenant: Tenant, *, now: datetime, contact: Contact | None = None, campaign: Campaign | None = None
) -> Iterator[Line]:
    """Every line, people in the order in which they came. Opens a scope for each batch of them, and may be streamed."""
    if (contact is None) == (campaign is None):
        raise ValueError("Evidence is of one contact or of one campaign.")
    about = {"contact": contact.external_id or str(contact.pk)} if contact is not None else {}
    if campaign is not None:
        about = {"campaign": campaign.code}
    yield {"kind": "export", "at": now, "what": "winback evidence", "details": {"tenant": tenant.slug} | about}
    yield from _rules()
    last = 0
    while True:
        with acting_for(tenant.pk):
            people = _people(tenant, contact, campaign, after=last)
            batch = list(_batch(tenant, people, campaign)) if people else []
        if not people:
            return
        yield from batch
        last = people[-1].pk


def written(rows: Iterable[Line], file_format: str) -> Iterator[str]:
    """The lines as text: JSON lines, or CSV whose cells no spreadsheet runs."""
    if file_format == "jsonl":
        for row in rows:
            yield json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False) + "\n"
        return
    yield _csv(COLUMNS)
    for row in rows:
        yield _csv([_cell(row.get(column)) for column in COLUMNS])


def _csv(cells: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        value = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    return harmless(str(value))


def _rules() -> Iterator[Line]:
    """The dated rules themselves, with their sources, so that a rule's code in a verdict can be looked up."""
    for rule in consent_basis.rules():
        details = {
            "countries": list(rule.countries), "basis": rule.basis, "months": rule.months,
            "inquiry_months": rule.inquiry_months, "soft_opt_in_months": rule.soft_opt_in_months,
            "valid_from": rule.valid_from, "valid_to": rule.valid_to,
        }  # fmt: skip
        yield {
            "kind": "rule", "channel": rule.channel, "what": "consent", "rule": rule.code, "source": rule.source,
            "details": details,
        }  # fmt: skip
    for cap in legal_caps.rules():
        yield {
            "kind": "rule", "channel": cap.channel, "what": "frequency_cap", "rule": cap.code, "source": cap.source,
            "details": {
                "country": cap.country, "region": cap.region, "most": cap.most, "hours": cap.hours,
                "valid_from": cap.valid_from, "valid_to": cap.valid_to,
            },
        }  # fmt: skip
    for entry in read_quiet_hours():
        known = dict(entry.content)
        yield {
            "kind": "rule", "channel": known.pop("channel"), "what": "quiet_hours", "rule": known.pop("code"),
            "source": known.pop("source"), "details": known,
        }  # fmt: skip
    for name, what, channel in (("tracking_rules", "following", "email"), ("word_lists", "word_list", "")):
        for entry in read_dated(name):
            known = dict(entry.content)
            yield {
                "kind": "rule", "channel": channel, "what": what, "rule": known.pop("code"),
                "source": known.pop("source"), "details": known,
            }  # fmt: skip


def _people(tenant: Tenant, contact: Contact | None, campaign: Campaign | None, *, after: int) -> list[Contact]:
    rows = Contact.objects.for_tenant(tenant).filter(pk__gt=after)
    if contact is not None:
        rows = rows.filter(Q(pk=contact.pk) | Q(merged_into=contact))  # who was written to before they were merged
    else:
        rows = rows.filter(pk__in=Enrolment.objects.for_tenant(tenant).filter(campaign=campaign).values("contact_id"))
    return list(rows.order_by("pk")[:BATCH])


def _batch(tenant: Tenant, people: Sequence[Contact], campaign: Campaign | None) -> Iterator[Line]:
    names = {contact.pk: contact.external_id or str(contact.pk) for contact in people}
    for contact in people:
        yield {
            "kind": "contact", "at": contact.created_at, "contact": names[contact.pk], "what": contact.state,
            "details": {
                "email": contact.email, "phone": contact.phone, "country": contact.country, "region": contact.region,
                "timezone": contact.timezone, "possible_timezones": contact.timezones,
            },
        }  # fmt: skip
    yield from _consents(tenant, names)
    yield from _suppressions(tenant, people, names)
    yield from _messages(tenant, names, campaign)


def _consents(tenant: Tenant, names: Mapping[int, str]) -> Iterator[Line]:
    for row in Consent.objects.for_tenant(tenant).filter(contact_id__in=names).order_by("contact_id", "pk"):
        yield {
            "kind": "consent", "at": row.stated_at, "contact": names[row.contact_id], "channel": row.channel,
            "what": row.state, "source": row.source,
            "details": {
                "purpose": row.purpose, "wording": row.wording, "evidence": row.evidence,
                "recorded_at": row.recorded_at, "recorded_by": row.recorded_by, "consent": row.pk,
            },
        }  # fmt: skip


def _suppressions(tenant: Tenant, people: Sequence[Contact], names: Mapping[int, str]) -> Iterator[Line]:
    """In force and lifted: of each address that they have now, and what was entered for them."""
    owners: dict[str, list[int]] = {}  # a household may have one address
    for contact in people:
        for digest in {contact.email_hmac, contact.phone_hmac} - {None, ""}:
            owners.setdefault(str(digest), []).append(contact.pk)
    rows = Suppression.objects.for_tenant(tenant)
    found = rows.filter(address_hmac__in=owners) | rows.filter(contact_id__in=names)
    for row in found.select_related("brand").order_by("pk"):
        for owner in owners.get(row.address_hmac) or [row.contact_id or 0]:
            yield {
                "kind": "suppression", "at": row.occurred_at, "contact": names.get(owner, ""),
                "channel": row.channel, "what": "in force" if row.lifted_at is None else "lifted",
                "reason": row.reason, "source": row.source,
                "details": {
                    "scope": row.brand.name if row.brand else "every brand", "suppression": row.pk,
                    "lifted_at": row.lifted_at, "lifted_by": row.lifted_by, "lifted_note": row.lifted_note,
                },
            }  # fmt: skip


def _messages(tenant: Tenant, names: Mapping[int, str], campaign: Campaign | None) -> Iterator[Line]:
    rows = Message.objects.for_tenant(tenant).filter(contact_id__in=names)
    if campaign is not None:
        rows = rows.filter(campaign=campaign)
    came_back: dict[int, list[Interaction]] = {}
    found = list(rows.select_related("campaign", "variant__template").order_by("contact_id", "pk"))
    for back in Interaction.objects.for_tenant(tenant).filter(message__in=found).order_by("occurred_at", "pk"):
        came_back.setdefault(back.message_id or 0, []).append(back)
    for row in found:
        own: Line = {"contact": names[row.contact_id], "message": row.pk, "channel": row.channel}
        template = row.variant.template if row.variant is not None else None
        yield own | {
            "kind": "message", "at": row.handed_over_at or row.settled_at or row.planned_at, "what": row.state,
            "reason": row.reason, "content_sha256": row.content_sha256,
            "details": {
                "campaign": row.campaign.code, "step": row.step_code, "arm": row.arm, "subject": row.subject,
                "template": str(template) if template is not None else None, "planned_at": row.planned_at,
                "due_at": row.due_at, "handed_over_at": row.handed_over_at, "provider_id": row.provider_id,
                "segments": row.segments, "attempts": row.attempts, "error": row.error,
            },
        }  # fmt: skip
        for verdict in row.verdicts if isinstance(row.verdicts, list) else []:
            facts = verdict.get("facts") or {}
            yield own | {
                "kind": "verdict", "at": verdict.get("at"), "channel": verdict.get("channel", row.channel),
                "what": verdict.get("guard"), "allowed": verdict.get("allowed"), "reason": verdict.get("reason", ""),
                "version": verdict.get("version"), "rule": facts.get("rule", ""),
                "details": {"asked": verdict.get("when"), "facts": facts, "lists": verdict.get("lists") or {}},
            }  # fmt: skip
        for back in came_back.get(row.pk, []):
            yield own | {"kind": "came_back", "at": back.occurred_at, "what": back.kind, "details": back.data}
