"""The console of tenants and brands. The tenant's own page is registered by activation, which can also make one."""

import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms import CharField, ModelForm
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from phonenumbers import SUPPORTED_REGIONS

from tenants.accounts.console import TenantAdmin, TenantForm, changes_of, tenant_of
from tenants.accounts.models import Brand, Tenant
from winback.console import branding
from winback.console.admin_base import ConsoleAdmin
from winback.console.columns import pill_column


class BusinessForm(ModelForm):  # type: ignore[type-arg]
    """What a business may change about itself."""

    def clean_timezone(self) -> str:
        name = str(self.cleaned_data["timezone"])
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValidationError("There is no such time zone: write it as America/Chicago.") from error
        return name


class BusinessAdmin(ConsoleAdmin):
    """Platform staff see every tenant; everybody else the one in which they work."""

    form = BusinessForm
    console_section = "Settings"
    console_icon = "building"
    console_order = 10
    console_name = "Businesses"
    list_display = ("name", "slug", "niche", "plan", pill_column("state", ordering="state"), "sandbox", "created_at")
    list_filter = ("state", "sandbox", "niche", "plan")
    list_select_related = ("niche", "plan")
    search_fields = ("name__istartswith", "slug__istartswith")
    search_help_text = "Name or slug"
    ordering = ("name", "pk")
    fieldsets = (
        (None, {"fields": ("name", "legal_name", "postal_address", "website")}),
        ("Where and when", {"fields": ("country", "region", "timezone", "currency")}),
        ("Plan", {"fields": ("slug", "niche", "plan", "state", "sandbox", "created_at")}),
    )
    platform_fields = ("country", "currency", "niche", "plan", "state")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        if self.site.permits(request, "platform"):
            return super().get_queryset(request)
        tenant: Tenant | None = getattr(request, "tenant", None)
        return super().get_queryset(request).filter(pk=tenant.pk if tenant is not None else None)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = ("slug", "sandbox", "created_at")
        return fixed if self.site.permits(request, "platform") else (*fixed, *self.platform_fields)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.site.permits(request, "view") or self.site.permits(request, "platform")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if self.site.permits(request, "platform"):
            return obj is None or obj == tenant_of(request)  # its rows, its audit: work in it to change it
        return self.site.permits(request, "brands.edit")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self.site.hooks.note(request, "tenant.changed", obj, {"changes": changes_of(form)})

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The audit log takes the place of Django's."""


_PLACE = re.compile(r"(?P<country>[A-Z]{2})(?:-[A-Z0-9]{1,3})?")


class BrandForm(TenantForm):
    """A brand's colour must be one, and be readable; the places where it follows nobody must be some."""

    not_followed_in = SimpleArrayField(
        CharField(),
        label="Follow nobody in",
        required=False,
        help_text="Countries and regions with commas between, whatever people there said: FR, US-CA, or EU for all.",
    )

    def clean_colour(self) -> str:
        text = str(self.cleaned_data["colour"])
        if branding.read_colour(text) is None:
            raise ValidationError("Write the colour as #0f766e.")
        return text if text.startswith("#") else f"#{text}"

    def clean_not_followed_in(self) -> list[str]:
        places = [place.strip().upper() for place in self.cleaned_data["not_followed_in"] if place.strip()]
        for place in places:
            found = _PLACE.fullmatch(place)
            if found is None or found["country"] not in {"EU", *SUPPORTED_REGIONS}:
                raise ValidationError(f"{place} is no place: write a country (FR), one of its regions (US-CA), or EU.")
        return list(dict.fromkeys(places))


@admin.register(Brand)
class BrandAdmin(TenantAdmin):
    """Who an e-mail is from, and what stands in its footer."""

    form = BrandForm
    add_permission = change_permission = "brands.edit"
    console_section = "Settings"
    console_icon = "tag"
    console_order = 20
    list_display = ("name", "code", "sender_email", "sms_name", "swatch", "is_default")
    ordering = ("-is_default", "name", "pk")
    readonly_fields = ("is_default",)
    search_fields = ("name__istartswith", "code__istartswith")
    fieldsets = (
        (None, {"fields": ("name", "code", "is_default")}),
        ("Under every e-mail", {"fields": ("legal_name", "postal_address", "privacy_url")}),
        ("Who it is from", {"fields": ("sender_name", "sender_email", "reply_to", "sms_name", "phone")}),
        ("Looks and links", {"fields": ("website", "booking_url", "colour", "logo_url")}),
        (
            "Counting",
            {
                "fields": ("tracks_clicks", "tracks_opens", "not_followed_in"),
                "description": "In the EU, the United Kingdom and Switzerland only of those who said yes to it, and "
                "nowhere of those who said no.",
            },
        ),
    )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:  # one brand is the default, and there is one from the beginning
            obj.is_default = not Brand.objects.for_tenant(tenant_of(request)).filter(is_default=True).exists()
        super().save_model(request, obj, form, change)

    @admin.display(description="Colour")
    def swatch(self, brand: Brand) -> SafeString:
        colour = branding.read_colour(brand.colour)
        drawn = branding.written(colour) if colour else "cccccc"
        return format_html(
            '<svg width="16" height="16" aria-hidden="true"><rect width="16" height="16" rx="4" fill="#{}"/></svg> {}',
            drawn,
            brand.colour,
        )
