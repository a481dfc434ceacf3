"""The rights of a person on its contact's page: everything exported, processing restricted, everything erased."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html_join

from campaigns.audience.models import Contact
from campaigns.compliance.forgetting import DOMAIN_TABLES
from campaigns.operating import erasing, exporting, hosts, restricting
from campaigns.operating.elsewhere import WHAT_TO_DO
from campaigns.operating.erasure_models import Erasure, Host
from campaigns.operating.holdings import HOLDINGS
from tenants.accounts.console import HistoryAdmin, nothing_yet, tenant_of
from winback.console import formatting
from winback.console.admin_base import ConsoleAdmin
from winback.console.columns import link_to, pill_column
from winback.console.components import Check
from winback.console.confirming import Confirmation
from winback.console.deeds import deed

_BESIDES = {"files": ("Files of the local outbox", "removed"), "rejected_rows": ("Rejected rows", "removed")}
_KEPT = {
    "jobs": "Jobs, with day, amount and state",
    "assignments": "Sides of the experiment",
    "enrolments": "Enrolments",
    "digests": "Addresses as keyed digests, so that no import brings them back",
}


class GroundForm(forms.Form):
    """Why the processing is restricted."""

    ground = forms.ChoiceField(label="Why", choices=list(restricting.GROUNDS.items()), widget=forms.RadioSelect)


class NoteForm(forms.Form):
    """Why the restriction ends."""

    note = forms.CharField(
        label="Why, and when the person was told",
        min_length=restricting.SHORTEST_NOTE,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="The person must be told before (art. 18(3) GDPR). It stays in the journal with the contact.",
    )


class PrivacyDeeds(ConsoleAdmin):
    """What a contact's page offers besides; mixed into its admin."""

    def privacy_offered(self, contact: Contact) -> list[str]:
        if contact.state == Contact.State.ERASED:
            return ["proof"]
        if contact.state != Contact.State.ACTIVE:
            return ["export_data"]
        free = "lift_restriction" if restricting.is_restricted(contact) else "restrict"
        return ["export_data", free, "erase"]

    @deed("Export data", permission="contacts.export", icon="download")
    def export_data(self, request: HttpRequest, contact: Contact) -> HttpResponseBase | None:
        now = timezone.now()
        self.site.hooks.note(request, "contact.exported", contact, {})
        answer = HttpResponse(
            exporting.written(exporting.export(tenant_of(request), contact, now=now)), content_type="application/json"
        )
        answer["Content-Disposition"] = f'attachment; filename="contact-{contact.pk}-{now:%Y-%m-%d}.json"'
        answer["Cache-Control"] = "no-store"
        return answer

    @deed("Restrict", permission="contacts.suppress", asks=True, icon="ban")
    def restrict(self, request: HttpRequest, contact: Contact) -> HttpResponseBase | None:
        form = GroundForm(request.POST or None)
        if form.is_valid():
            actor = self.site.hooks.actor(request)
            restricting.restrict(contact, ground=form.cleaned_data["ground"], now=timezone.now(), actor=actor)
            self.site.hooks.changed(request)
            self.message_user(request, f"{contact} is kept, and otherwise left alone.")
            return None
        return self.site.ask(
            request, form, title=f"Restrict the processing of {contact}?", button="Restrict",
            intro=["Nothing is scanned, planned or sent for this person until a manager lifts it. What is planned "
                   "ends, what is on file stays."],
            back=self.page_of(contact),
        )  # fmt: skip

    @deed("Lift the restriction", permission="suppressions.lift", asks=True)
    def lift_restriction(self, request: HttpRequest, contact: Contact) -> HttpResponseBase | None:
        form = NoteForm(request.POST or None)
        if form.is_valid():
            actor = self.site.hooks.actor(request)
            restricting.lift(contact, note=form.cleaned_data["note"], now=timezone.now(), actor=actor)
            self.site.hooks.changed(request)
            self.message_user(request, f"{contact} may be processed again: the next scan looks.")
            return None
        return self.site.ask(
            request, form, title=f"Lift the restriction of {contact}?", button="Lift the restriction",
            back=self.page_of(contact),
        )  # fmt: skip

    @deed("Erase…", permission="contacts.erase", tone="danger", asks=True, icon="shield")
    def erase(self, request: HttpRequest, contact: Contact) -> HttpResponseBase | None:
        page = self.site.confirm(request, self._asked(contact))
        if page is not None:
            return page
        try:
            proof = erasing.erase(
                tenant_of(request), [contact], now=timezone.now(), actor=self.site.hooks.actor(request)
            )
        except erasing.CannotErase as error:
            self.message_user(request, str(error), messages.ERROR)
            return None
        self.site.hooks.changed(request)
        self.message_user(request, "The person is erased. This is the proof: see below what else is to be done.")
        return HttpResponseRedirect(f"/console/campaigns/erasure/{proof.pk}/change/")

    def _asked(self, contact: Contact) -> Confirmation:
        return Confirmation(
            title=f"Erase {contact}?",
            button="Erase this person",
            typed=str(contact),
            back=self.page_of(contact),
            sentences=[
                "Names, addresses, numbers, words, messages and conversations are removed everywhere here. Amounts and "
                "days of jobs stay under a number, so that results do not change.",
                "The addresses are kept as digests that nobody can read, so that no import brings the person back. "
                "It cannot be taken back.",
            ],
            checks=[
                Check("warn", "Export the data first, if the person asked for it", "Afterwards there is nothing left."),
                Check(
                    "warn",
                    "Not all copies are here",
                    "Providers, backups and your own systems have some. The proof lists what to do about each.",
                ),
            ],
        )

    @deed("Proof of erasing", permission="view", icon="shield", asks=True)
    def proof(self, request: HttpRequest, contact: Contact) -> HttpResponseBase | None:
        rows = Erasure.objects.for_tenant(tenant_of(request)).filter(contacts__contains=[contact.pk])
        found = rows.order_by("pk").first()
        return HttpResponseRedirect(f"/console/campaigns/erasure/{found.pk}/change/") if found is not None else None


@admin.register(Erasure)
class ErasureAdmin(HistoryAdmin):
    """Who was forgotten, as a dated record that names nobody."""

    console_section = "Audience"
    console_icon = "shield"
    console_order = 95
    console_name = "Erasures"
    console_many = "erasures"
    console_empty = nothing_yet(
        "Nobody was erased", "“Erase…” on a contact’s page forgets a person and leaves its proof here.", icon="shield"
    )
    change_form_template = "campaigns/erasure.html"
    list_display = ("__str__", "people", pill_column("state"), "erased_at", "finished_at")
    sortable_by = ("erased_at",)
    ordering = ("-erased_at", "-pk")
    list_filter = ("state",)
    fields = ("state", "people", "asked_by", "erased_at", "finished_at")

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        rows = Contact.objects.for_tenant(row.tenant_id).filter(pk__in=row.contacts).order_by("pk")
        zone = row.tenant.timezone
        finishing = row.state == Erasure.State.FINISHING
        return {
            "hide_form": True,
            "pills": [row.state],
            "notes": [{"tone": "warn", "text": FINISHING}] if finishing else [],
            "facts": [
                ("Erased", formatting.moment(row.erased_at, zone)),
                ("Finished", formatting.moment(row.finished_at, zone) if row.finished_at else ""),
                ("Asked by", row.asked_by),
                ("People", formatting.number(row.people)),
                ("Emptied contacts", format_html_join(", ", "{}", ((link_to(one),) for one in rows[:20]))),
            ],
            "removed": removed(row),
            "kept": [(words, row.kept[name]) for name, words in _KEPT.items() if row.kept.get(name)],
            "elsewhere": [(one["name"], WHAT_TO_DO[one["what"]]) for one in row.elsewhere],
            "files": hosts.gone_through(row),
            "hosts": self._named(request, row),
            "zone": zone,
        }

    def _named(self, request: HttpRequest, row: Erasure) -> list[tuple[Host, datetime | None]]:
        """The hosts of the platform are named to its own people alone."""
        if not self.site.permits(request, "platform"):
            return []
        return [(host, parse_datetime(at) if at else None) for host, at in hosts.told(row)]


FINISHING = (
    "A message was on its way when this person was erased. What its provider answers is emptied within some minutes."
)


def removed(row: Erasure) -> list[tuple[str, int, str]]:
    """Each table in words, how many rows, and what became of them."""
    known = {holding.table: (holding.label, holding.fate) for holding in HOLDINGS}
    known["campaigns_inboxitem"] = ("Reports of providers", "emptied")
    known |= dict.fromkeys(DOMAIN_TABLES, ("Domains of e-mail addresses", "removed"))
    known |= _BESIDES
    order = list(known)
    found = sorted(row.removed.items(), key=lambda one: order.index(one[0]) if one[0] in known else len(order))
    return [(*known.get(table, (table, "emptied")), number) for table, number in found]
