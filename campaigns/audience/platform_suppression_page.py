"""The operator's list in the console: for the staff of the platform alone."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone

from campaigns.audience import addresses
from campaigns.audience.forms import LiftForm, SuppressAddressForm
from campaigns.audience.platform_models import PlatformSuppression
from campaigns.audience.platform_suppressing import lift_everywhere, suppress_everywhere
from tenants.accounts.console import nothing_yet
from winback.console.admin_base import ReadOnlyAdmin
from winback.console.deeds import deed
from winback.console.formatting import words
from winback.console.templatetags.console import pill

PLATFORM = "platform"


class SuppressEverywhereForm(SuppressAddressForm):
    """An address, and why nobody may write to it."""

    reason = forms.ChoiceField(
        choices=[("legal", "A court or an authority said so"), ("spam_trap", "A spam trap"), ("abuse", "Abuse")],
        widget=forms.RadioSelect,
        initial="legal",
    )
    note = forms.CharField(min_length=10, max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    field_order = ("address", "channel", "reason", "note")


@admin.register(PlatformSuppression)
class PlatformSuppressionAdmin(ReadOnlyAdmin):
    """Addresses that no business here may write to."""

    console_section = "Operations"
    console_icon = "ban"
    console_order = 60
    console_name = "Platform suppressions"
    console_empty = nothing_yet("No address is closed to every business", "Such as a spam trap.", icon="ban")
    list_display = ("reason_text", "channel", "occurred_at", "added_by", "force")
    list_filter = ("channel", ("lifted_at", admin.EmptyFieldListFilter))
    search_fields = ("address_hmac",)
    search_help_text = "A whole e-mail address or phone number"
    ordering = ("-pk",)
    fields = (
        "reason_text", "channel", "note", "occurred_at", "added_by", "force", "lifted_at", "lifted_by", "lifted_note",
    )  # fmt: skip
    readonly_fields = ("reason_text", "force")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.site.permits(request, PLATFORM)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        key = addresses.email_key(search_term) or addresses.phone_e164(search_term, "US")
        return queryset.filter(address_hmac=addresses.address_hmac(key)) if key else queryset.none(), False

    @admin.display(description="Reason")
    def reason_text(self, row: PlatformSuppression) -> str:
        return words(row.reason)

    @admin.display(description="In force")
    def force(self, row: PlatformSuppression) -> str:
        return pill("lifted", "plain") if row.lifted_at is not None else pill("in force", "bad")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.site.require(request, PLATFORM)
        form = SuppressEverywhereForm(request.POST or None, country="US")
        if form.is_valid():
            said = form.cleaned_data
            made = suppress_everywhere(
                said["address"],
                channel=said["channel"],
                reason=said["reason"],
                note=said["note"],
                actor=self.site.hooks.actor(request),
                now=timezone.now(),
            )
            if made:
                self.message_user(request, "No business writes to this address any more.")
            else:
                self.message_user(request, "This address was on the list already.", messages.INFO)
            return HttpResponseRedirect(self.list_url())
        return self.site.ask(
            request, form, title="Close an address to every business", button="Close it", back=self.list_url()
        )

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return [] if row.lifted_at is not None else ["lift"]

    @deed("Lift", permission=PLATFORM, tone="danger", asks=True)
    def lift(self, request: HttpRequest, row: PlatformSuppression) -> HttpResponseBase | None:
        form = LiftForm(request.POST or None)
        if form.is_valid():
            actor = self.site.hooks.actor(request)
            lift_everywhere(row, note=form.cleaned_data["note"], actor=actor, now=timezone.now())
            self.message_user(request, "It is off the list. What a business itself has suppressed stays so.")
            return None
        return self.site.ask(
            request, form, title="Take this address off the list?", button="Take it off", back=self.page_of(row)
        )
