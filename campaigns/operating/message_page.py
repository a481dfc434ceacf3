"""A message's page: what it says, what became of it, and what every guard answered, for those sent and those not."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString

from campaigns.compliance.consent_basis import rules as consent_rules
from campaigns.operating.outbox_reading import words_of
from campaigns.operating.reasons import sentence
from campaigns.operating.remedies import remedy
from campaigns.planning.admin import MessageAdmin
from campaigns.planning.models import Message
from campaigns.tracking.models import Interaction
from campaigns.tracking.thread_page import link_to_conversation
from catalog.models import Guard
from winback.console import formatting
from winback.console.columns import link_to
from winback.console.components import TimelineEntry, Tone
from winback.console.deeds import deed
from winback.console.formatting import words
from winback.console.security import message_preview

_WHEN = {"plan": "When it was planned", "claim": "Before it left", "send": "On its words", "ask": "Asked"}
_GUARDS = {
    "contact_active": "The contact is active",
    "came_back": "It has not come back meanwhile",
    "booked": "Nothing is booked ahead",
    "do_not_contact": "No do-not-contact tag",
    "suppression": "The address is not suppressed",
    "channel_on": "The channel is switched on",
    "address": "There is an address",
    "recipient_domain": "The address’s domain takes mail",
    "address_kind": "The address is a person’s",
    "consent": "There is permission",
    "silence": "Not silent for too long",
    "sunset": "Not unanswered too often",
    "quiet_hours": "Outside quiet hours",
    "frequency_cap": "The household’s cap has room",
    "ramp": "The mailbox provider may get more today",
    "module_active": "The module is active",
}
_TONES: dict[str, Tone] = {
    "bounced": "bad", "complained": "bad", "unsubscribed": "bad", "delivered": "good", "clicked": "good",
    "replied": "good", "booked": "good",
}  # fmt: skip
_CERTAINTY = {
    "kept": "The very message, as it stands in the local outbox.",
    "same": "Rendered again, and the same to the last character: its digest is the one that was kept.",
    "today": "As it would read today.",
}


@admin.register(Message)
class MessagePageAdmin(MessageAdmin):
    """The list of planning with the page that spans the rooms."""

    change_form_template = "campaigns/message.html"
    page_select_related = (
        "tenant", "contact", "campaign__activation", "enrolment", "step", "offer", "connection", "variant__template",
    )  # fmt: skip

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        said = words_of(row, now=timezone.now())
        return {
            "hide_form": True,
            "heading": f"{self.label(row)} to {row.contact}",
            "pills": [row.state, row.arm],
            "facts": self._facts(row),
            "notes": self._notes(row),
            "remedy": remedy(row.reason, row.contact, row.channel, row.campaign.activation) if row.reason else None,
            "said": said,
            "certainty": _CERTAINTY[said.certainty] if said is not None else "",
            "preview_url": self.deed_url("preview", row) if said is not None and said.html else "",
            "verdict_groups": _by_channel(self._verdicts(row)),
            "course": self._course(row),
            "zone": row.tenant.timezone,
        }

    def _notes(self, message: Message) -> list[dict[str, str]]:
        notes = []
        if message.reason or message.error:
            why = sentence(message.reason) if message.reason else ""
            tone = "bad" if message.state in ("failed", "bounced", "complained") else "warn"
            notes.append({"tone": tone, "text": f"{why} {message.error}".strip(), "law": _law_of(message)})
        if message.state == Message.State.GHOST:
            notes.append(
                {"tone": "info", "text": "Held out: it went through every step and guard, and was never sent."}
            )
        if message.state == Message.State.UNKNOWN:
            text = (
                "Nobody knows whether it left: it counts as sent and is never sent again by itself. "
                "A report of the provider settles it, or a week without one."
            )
            notes.append({"tone": "warn", "text": text})
        return notes

    def _facts(self, message: Message) -> list[tuple[str, Any]]:
        template = message.variant.template if message.variant is not None else None
        return [
            ("To", link_to(message.contact)),
            ("Campaign", link_to(message.campaign)),
            ("Step", f"{words(message.step_code)} (day {message.step.day})"),
            ("Channel", words(message.channel)),
            ("Words", link_to(template)),
            ("Offer", link_to(message.offer)),
            ("Left through", link_to(message.connection)),
            ("Cost", formatting.money(message.cost_minor, message.tenant.currency) if message.cost_minor else ""),
            ("Provider’s ID", message.provider_id),
            ("Enrolment", link_to(message.enrolment)),
            ("Conversation", link_to_conversation(message.contact)),
        ]

    def _verdicts(self, message: Message) -> list[dict[str, Any]]:
        """Each guard’s last answer: it is asked when planning, in the claim, and of a fallback’s channel too."""
        known = {guard.code: guard for guard in Guard.objects.all()}
        last: dict[tuple[str, str], dict[str, Any]] = {}
        for told in message.verdicts if isinstance(message.verdicts, list) else []:
            code, channel = str(told.get("guard", "")), str(told.get("channel", ""))
            guard = known.get(code)
            facts = told.get("facts") if isinstance(told.get("facts"), dict) else {}
            last.pop((code, channel), None)  # the last answer stands last
            last[code, channel] = {
                "other": words(channel) if channel not in ("", message.channel) else "",
                "name": guard.name if guard is not None else _GUARDS.get(code, words(code)),
                "asks": str(guard.content.get("asks", "")) if guard is not None else "",
                "allowed": bool(told.get("allowed")),
                "reason": sentence(told["reason"]) if told.get("reason") else "",
                "facts": [(words(name), _fact(name, value, message.tenant.timezone)) for name, value in facts.items()],
                "lists": _lists(told.get("lists")),
                "when": _WHEN.get(str(told.get("when", "")), words(told.get("when"))),
                "at": parse_datetime(told["at"]) if isinstance(told.get("at"), str) else None,
                "version": told.get("version"),
            }
        return sorted(last.values(), key=lambda one: (bool(one["other"]), one["allowed"]))

    def _course(self, message: Message) -> list[TimelineEntry]:
        entries = [TimelineEntry(message.planned_at, "Planned", tone="info")]
        if message.due_at != message.first_due_at:
            entries.append(TimelineEntry(message.first_due_at, "First due", words(message.reason)))
        if message.handed_over_at is not None:
            entries.append(TimelineEntry(message.handed_over_at, "Handed over", tone="good"))
        else:
            waiting = message.state in (Message.State.PLANNED, Message.State.POSTPONED)
            entries.append(TimelineEntry(message.due_at, "Due", planned=waiting, tone="info"))
        rows = Interaction.objects.for_tenant(message.tenant_id).filter(contact_id=message.contact_id, message=message)
        told = list(rows.order_by("-occurred_at")[:30])
        entries += [
            TimelineEntry(row.occurred_at, row.get_kind_display(), tone=_TONES.get(row.kind, "plain")) for row in told
        ]
        known = message.state == Message.State.HANDED_OVER or message.state in {row.kind for row in told}
        if message.settled_at is not None and not known:
            entries.append(TimelineEntry(message.settled_at, message.get_state_display()))
        return sorted(entries, key=lambda entry: entry.at)

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return []

    @deed("Preview", permission="view", asks=True)
    def preview(self, request: HttpRequest, message: Message) -> HttpResponseBase | None:
        """The HTML alone, with a policy of its own, for the sandboxed frame of the page."""
        said = words_of(message, now=timezone.now())
        html = said.html if said is not None else ""
        return message_preview(lambda: HttpResponse(html))()


def _lists(known: Any) -> str:
    """The lists of words that it was judged by, each with its version."""
    rows = known.items() if isinstance(known, dict) else ()
    return ", ".join(f"{words(code).lower()} (version {version})" for code, version in rows)


def _by_channel(verdicts: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Its own channel first, without a heading; then each that was tried instead."""
    others = dict.fromkeys(one["other"] for one in verdicts)
    return [(other, [one for one in verdicts if one["other"] == other]) for other in sorted(others)]


def _law(code: object) -> str:
    """Where a rule of consent is written; empty for any other rule."""
    return next((rule.source for rule in consent_rules() if rule.code == code), "")


def _law_of(message: Message) -> str:
    """The law behind the guard that said no, where one is named."""
    for told in reversed(message.verdicts if isinstance(message.verdicts, list) else []):
        facts = told.get("facts")
        if told.get("reason") == message.reason and isinstance(facts, dict) and _law(facts.get("rule")):
            return _law(facts["rule"])
    return ""


def _fact(name: str, value: Any, zone: str) -> str | SafeString:
    if name == "rule" and _law(value):
        return _law(value)
    if name == "consent" and isinstance(value, int):
        return format_html('<a href="{}">{}</a>', reverse("admin:campaigns_consent_change", args=[value]), "See it")
    if isinstance(value, dict):
        return _lists(value)
    moment = parse_datetime(value) if isinstance(value, str) and value[:4].isdigit() and "T" in value else None
    return formatting.moment(moment, zone) if moment is not None else str(value).replace("_", " ")
