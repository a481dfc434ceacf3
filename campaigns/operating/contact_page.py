"""A contact's page: what happened, why it is or is not written to, what it agreed to; and stopping to write to it."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import BadRequest
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString

from campaigns.audience.admin import ContactAdmin
from campaigns.audience.experiment_models import Assignment
from campaigns.audience.forms import CHANNELS, REASONS, SuppressForm
from campaigns.audience.models import Consent, Contact, ContactTag, Suppression
from campaigns.compliance.caps_of_one import HOUSEHOLD
from campaigns.compliance.consent_basis import rules
from campaigns.operating import joining_page
from campaigns.operating.evidence_downloads import download
from campaigns.operating.explaining import explain
from campaigns.operating.privacy_page import PrivacyDeeds
from campaigns.operating.reasons import sentence
from campaigns.operating.remedies import remedy
from campaigns.operating.stopping import stop_writing
from campaigns.operating.timeline import timeline
from campaigns.planning.models import Message
from campaigns.tracking.thread_page import link_to_conversation
from tenants.accounts.console import tenant_of
from winback.console import formatting
from winback.console.columns import link_to
from winback.console.confirming import Confirmation
from winback.console.deeds import deed
from winback.console.formatting import words

MOST_AT_ONCE = 500
_BASES = {
    "given": "Rests on consent that the person gave",
    "consent_needed": "Needs consent",
    "withdrawn": "The person said no",
    "implied": "Rests on business done",
    "opt_out": "Allowed until the person says no",
}


@admin.register(Contact)
class ContactPageAdmin(PrivacyDeeds, ContactAdmin):
    """The list of audience with the page and the deeds that span the rooms."""

    page_select_related = ("tenant", "stat", "household")
    actions = ("suppress_selected", "merge_selected")
    change_form_template = "campaigns/contact.html"

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        tenant, now = tenant_of(request), timezone.now()
        before = self._before(request)
        told = explain(tenant, row, now=now)
        rows = {"tenant_id": tenant.pk, "contact": row}
        assignment = Assignment.objects.for_tenant(tenant).filter(contact=row).first()
        pills = [row.state] if row.state != Contact.State.ACTIVE else []
        pills += [f"dormant {row.cohort} months"] if row.cohort else []
        pills += [assignment.arm] if assignment is not None and assignment.arm == "held_out" else []
        return {
            "hide_form": True,
            "pills": pills,
            "facts": self._facts(row),
            "timeline": timeline(row, before=before),
            "is_older_page": before is not None,
            "zone": tenant.timezone,
            "dormant": bool(told.get("dormant")),
            "reasons": [sentence(code) for code in told.get("reasons") or []],
            "channels": [self._channel(row, name, answer) for name, answer in (told.get("writable") or {}).items()],
            "followed": told["following"]["allowed"],
            "not_followed": sentence(told["following"]["reason"]) if told["following"]["reason"] else "",
            "coming": self._coming(told.get("next"), tenant.timezone),
            "consents": [
                (one, _proof(one))
                for one in Consent.objects.filter(**rows).select_related("tenant").order_by("-pk")[:40]
            ],
            "suppressions": list(
                Suppression.objects.for_tenant(tenant)
                .filter(address_hmac__in=[each for each in (row.email_hmac, row.phone_hmac) if each], lifted_at=None)
                .order_by("-pk")[:6]
            ),
            "tags": list(ContactTag.objects.filter(**rows).order_by("name").values_list("name", flat=True)[:40]),
        }

    def _before(self, request: HttpRequest) -> datetime | None:
        text = request.GET.get("before", "")
        if not text:
            return None
        try:
            moment = parse_datetime(text.replace(" ", "+"))
        except ValueError as error:
            raise BadRequest("before is no moment.") from error
        if moment is None or timezone.is_naive(moment):
            raise BadRequest("before is no moment.")
        return moment

    def _facts(self, contact: Any) -> list[tuple[str, Any]]:
        stat = getattr(contact, "stat", None)
        last = jobs = ""
        if stat is not None and stat.job_count:
            jobs = (
                f"{formatting.number(stat.job_count)} · {formatting.money(stat.total_minor, contact.tenant.currency)}"
            )
        if stat is not None and stat.last_job_at:
            last = formatting.moment(stat.last_job_at, contact.tenant.timezone, with_time=False)
            last += f" · {stat.last_service}" if stat.last_service else ""
        place = ", ".join(each for each in (contact.address, contact.city, contact.region, contact.postal_code) if each)
        return [
            ("E-mail", contact.email),
            ("Phone", contact.phone),
            ("Address", place),
            ("Last job", last),
            ("Jobs", jobs or "None"),
            ("Messages", _messages(contact)),
            ("Conversation", link_to_conversation(contact)),
            ("ID", contact.external_id if contact.state != Contact.State.ERASED else ""),
            ("Household", link_to(contact.household)),
            ("Customer since", formatting.day(contact.acquired_on) if contact.acquired_on else ""),
        ]

    def _channel(self, contact: Any, name: str, answer: dict[str, Any]) -> dict[str, Any]:
        codes = [str(code) for code in answer.get("reasons") or []]
        return {
            "name": {"email": "E-mail", "sms": "Text message"}.get(name, words(name)),
            "allowed": bool(answer.get("allowed")),
            "reasons": [(sentence(code), remedy(code, contact, name)) for code in codes],
            "not_before": parse_datetime(answer["not_before"]) if answer.get("not_before") else None,
            "caps": [_cap(cap) for cap in answer.get("caps") or []],
            "basis": _BASES.get(str(answer.get("basis")), ""),
            "rule": next((rule.source for rule in rules() if rule.code == answer.get("rule")), ""),
            "until": parse_date(answer["lawful_until"]) if answer.get("lawful_until") else None,
        }

    def _coming(self, told: Any, zone: str) -> dict[str, Any] | None:
        if not isinstance(told, dict):
            return None
        at = parse_datetime(told["at"]) if isinstance(told.get("at"), str) else None
        what = told.get("what")
        if what == "scan":
            text = "The scan looks again"
        elif told.get("step") == "end":
            text = "The sequence ends"
        else:
            text = f"Message “{words(told.get('step'))}” by {'text' if told.get('channel') == 'sms' else 'e-mail'}"
        return {"text": text, "at": at, "why": sentence(told["reason"]) if told.get("reason") else ""}

    # -- stopping ----------------------------------------------------------------------------------------------------

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        stop = ["suppress", "merge"] if row.state == Contact.State.ACTIVE else []
        return [*stop, "evidence", *self.privacy_offered(row)]

    @deed("Export the evidence", permission="contacts.export", icon="shield")
    def evidence(self, request: HttpRequest, contact: Contact) -> HttpResponseBase | None:
        self.site.hooks.note(request, "evidence.exported", contact, {})
        return download(tenant_of(request), now=timezone.now(), contact=contact)

    @deed("Stop writing", permission="contacts.suppress", tone="danger", asks=True, icon="ban")
    def suppress(self, request: HttpRequest, contact: Contact) -> HttpResponseBase | None:
        form = SuppressForm(request.POST or None)
        if form.is_valid():
            changed = self._stop(request, [contact], form.cleaned_data["channel"], form.cleaned_data["reason"])
            if changed:
                self.message_user(request, f"{contact} is not written to any more.")
            else:
                self.message_user(request, f"{contact} was suppressed already.", messages.INFO)
            return None
        return self.site.ask(
            request,
            form,
            title=f"Stop writing to {contact}?",
            button="Stop writing",
            intro=[
                "It holds from now on, for messages that are planned too. Only a manager can lift it, with a reason."
            ],
            back=self.page_of(contact),
        )

    @deed("Merge", permission="contacts.edit", asks=True, icon="people")
    def merge(self, request: HttpRequest, contact: Contact) -> HttpResponseBase | None:
        return joining_page.ask_and_join(self, request, contact)

    @admin.action(description="Merge two that are one person", permissions=["edit"])
    def merge_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase | None:
        return joining_page.page_for_two(self, request, list(queryset[:3]))

    def has_edit_permission(self, request: HttpRequest) -> bool:
        return self.site.permits(request, "contacts.edit")

    @admin.action(description="Stop writing to them", permissions=["suppress"])
    def suppress_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase | None:
        """Asks on a page of its own, which names how many they are and shows some of them."""
        chosen = list(queryset[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            self.message_user(request, f"Choose at most {MOST_AT_ONCE} contacts at once.", messages.ERROR)
            return None
        channel = request.POST.get("channel", Suppression.ALL_CHANNELS)
        reason = request.POST.get("reason", "staff")
        if channel not in dict(CHANNELS) or reason not in dict(REASONS):
            raise BadRequest("There is no such channel or reason.")
        count = f"{len(chosen)} contact{'' if len(chosen) == 1 else 's'}"
        asked = self.site.confirm(
            request,
            Confirmation(
                title=f"Stop writing to {count}?",
                button=f"Stop writing to {count}",
                sentences=[
                    "No e-mail and no text leaves to them any more, also of what is planned, and their sequences end.",
                    "Only a manager can lift it, one by one, with a reason.",
                ],
                samples=[str(contact) for contact in chosen[:5]] + (["…"] if len(chosen) > 5 else []),
                back=self.list_url(),
                hidden=self.asked_again(request, "suppress_selected") | {"channel": channel, "reason": reason},
            ),
        )
        if asked is not None:
            return asked
        changed = self._stop(request, chosen, channel, reason)
        self.message_user(request, f"{changed} of {count} newly suppressed.")
        return HttpResponseRedirect(request.get_full_path())

    def has_suppress_permission(self, request: HttpRequest) -> bool:
        return self.site.permits(request, "contacts.suppress")

    def _stop(self, request: HttpRequest, contacts: list[Contact], channel: str, reason: str) -> int:
        stopped = stop_writing(
            tenant_of(request),
            contacts,
            channel=channel,
            reason=reason,
            now=timezone.now(),
            actor=self.site.hooks.actor(request),
        )
        self.site.hooks.changed(request)
        return stopped


def _cap(cap: dict[str, Any]) -> dict[str, Any]:
    """A cap in words, and until when it is full."""
    span = f"{cap['hours'] // 24} days" if cap["hours"] % 24 == 0 and cap["hours"] > 24 else f"{cap['hours']} hours"
    by_law = cap["rule"] != HOUSEHOLD
    name = "Cap of the law" if by_law else "Household’s cap"
    unsure = "" if cap["place_known"] else ", kept because the state is not known"
    return {
        "text": f"{name}: {cap['touches']} of {cap['most']} in {span}{unsure}",
        "source": cap["source"] if by_law else "",
        "full_until": parse_datetime(cap["full_until"]) if cap["full_until"] else None,
    }


def _proof(consent: Consent) -> list[tuple[str, str]]:
    """What could be shown of it: purpose, who recorded it and when, and each piece of evidence."""
    zone = consent.tenant.timezone
    shown = [("For", words(consent.purpose)), ("Recorded by", consent.recorded_by)]
    shown.append(("Recorded", formatting.moment(consent.recorded_at, zone)))
    return [pair for pair in shown if pair[1]] + [(words(name), str(value)) for name, value in consent.evidence.items()]


def _messages(contact: Any) -> SafeString | str:
    """How many there are and how many of them were sent, with the way to them; empty where there are none."""
    rows = Message.objects.for_tenant(contact.tenant_id).filter(contact_id=contact.pk)
    told = rows.aggregate(all=Count("pk"), sent=Count("handed_over_at"))
    if not told["all"]:
        return ""
    url = f"{reverse('admin:campaigns_message_changelist')}?contact__id__exact={contact.pk}"
    return format_html('<a href="{}">{}, {} of them sent</a>', url, told["all"], told["sent"] or "none")
