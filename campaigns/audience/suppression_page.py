"""The console of suppressions: addresses that may not be written to, added by staff, lifted with a reason."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone

from campaigns.audience import addresses, suppressing
from campaigns.audience.forms import LiftForm, SuppressAddressForm
from campaigns.audience.models import Contact, Suppression
from tenants.accounts.console import HistoryAdmin, nothing_yet, tenant_of
from winback.console.columns import link_to
from winback.console.deeds import deed
from winback.console.formatting import words
from winback.console.templatetags.console import pill


@admin.register(Suppression)
class SuppressionAdmin(HistoryAdmin):
    """Addresses that may not be written to. They are kept as digests and outlive the contact."""

    console_section = "Audience"
    console_icon = "ban"
    console_order = 60
    console_empty = nothing_yet("Nobody is suppressed", "Whoever unsubscribes or complains is listed here.", icon="ban")
    add_permission = "contacts.suppress"
    list_display = ("reason_text", "channel", "whose", "brand", "source", "occurred_at", "force")
    list_select_related = ("brand",)
    list_filter = ("channel", ("lifted_at", admin.EmptyFieldListFilter), "brand")
    linked_by = ("contact_id",)
    sortable_by = ()
    search_fields = ("address_hmac",)
    search_help_text = "A whole e-mail address or phone number"
    fields = (
        "reason_text", "channel", "brand", "whose", "source", "occurred_at", "force", "lifted_at", "lifter",
        "lifted_note",
    )  # fmt: skip
    readonly_fields = ("reason_text", "whose", "force", "lifter")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        key = addresses.email_key(search_term) or addresses.phone_e164(search_term, tenant_of(request).country)
        return queryset.filter(address_hmac=addresses.address_hmac(key)) if key else queryset.none(), False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        shown = super().get_changelist_instance(request)
        known = Contact.objects.for_tenant(tenant_of(request)).in_bulk(
            {row.contact_id for row in shown.result_list} - {None}
        )
        for row in shown.result_list:
            row.known_contact = known.get(row.contact_id)
        return shown

    @admin.display(description="Reason")
    def reason_text(self, suppression: Suppression) -> str:
        return words(suppression.reason)

    @admin.display(description="Whose")
    def whose(self, suppression: Any) -> Any:
        if not hasattr(suppression, "known_contact"):
            rows = Contact.objects.for_tenant(suppression.tenant_id)
            suppression.known_contact = rows.filter(pk=suppression.contact_id).first()
        return link_to(suppression.known_contact)

    @admin.display(description="In force")
    def force(self, suppression: Suppression) -> str:
        return pill("lifted", "plain") if suppression.lifted_at is not None else pill("in force", "bad")

    @admin.display(description="Lifted by")
    def lifter(self, suppression: Suppression) -> str:
        return suppression.lifted_by or "–"

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.site.require(request, "contacts.suppress")
        tenant = tenant_of(request)
        form = SuppressAddressForm(request.POST or None, country=tenant.country)
        if form.is_valid():
            actor = self.site.hooks.actor(request)
            made = suppressing.suppress(
                tenant,
                channel=form.cleaned_data["channel"],
                address_hmac=addresses.address_hmac(form.cleaned_data["address"]),
                reason=form.cleaned_data["reason"],
                source=f"console, {actor}",
                now=timezone.now(),
            )
            if made:
                data = {"channel": form.cleaned_data["channel"], "reason": form.cleaned_data["reason"]}
                self.site.hooks.note(request, "suppression.added", None, data)
                self.message_user(request, "This address is not written to any more.")
            else:
                self.message_user(request, "This address was suppressed already.", messages.INFO)
            return HttpResponseRedirect(self.list_url())
        return self.site.ask(request, form, title="Suppress an address", button="Suppress", back=self.list_url())

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return [] if row.lifted_at is not None else ["lift"]

    @deed("Lift", permission="suppressions.lift", tone="danger", asks=True)
    def lift(self, request: HttpRequest, suppression: Suppression) -> HttpResponseBase | None:
        form = LiftForm(request.POST or None)
        if form.is_valid():
            try:
                lifted = suppressing.lift(
                    suppression,
                    note=form.cleaned_data["note"],
                    actor=self.site.hooks.actor(request),
                    now=timezone.now(),
                )
            except suppressing.NotLifted as error:
                form.add_error("note", str(error))
            else:
                if lifted:
                    self.site.hooks.note(request, "suppression.lifted", suppression, {})
                    self.message_user(request, "The suppression is lifted: this address may be written to again.")
                return None
        return self.site.ask(
            request,
            form,
            title="Lift this suppression?",
            button="Lift the suppression",
            intro=["Writing to somebody who said no can be against the law. Lift it only when the person asked for it, "
                   "or when the address was suppressed by mistake."],
            back=self.page_of(suppression),
        )  # fmt: skip
