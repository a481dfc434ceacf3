"""The form of an offer: money as people write it, and what an offer must have before a message may make it."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms

from campaigns.planning.models import Offer
from tenants.accounts.console import TenantForm
from winback.money import exponent


class OfferForm(TenantForm):
    """``value`` and ``cost`` are typed as money and kept in the smallest unit."""

    value = forms.DecimalField(
        label="Value", required=False, min_value=0, max_digits=12, decimal_places=2, help_text="For “amount off”."
    )
    cost = forms.DecimalField(
        label="Cost of one redemption",
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=2,
        help_text="What one redemption costs you. The return on it is reckoned with this.",
    )
    today: date  # set by OfferAdmin.get_form

    class Meta:
        model = Offer
        fields = ("code", "name", "kind", "percent", "coupon", "expires_on", "terms")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("value", "cost"):
            kept = getattr(self.instance, f"{name}_minor")
            if name in self.fields:
                self.fields[name].label = f"{self.fields[name].label} ({self.tenant.currency})"
                if kept:
                    self.initial[name] = Decimal(kept).scaleb(-exponent(self.tenant.currency))
        if "terms" in self.fields:
            self.fields["terms"].required = True
            self.fields["terms"].widget.attrs["rows"] = 4
        if "expires_on" in self.fields:
            self.fields["expires_on"].widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def clean_expires_on(self) -> date | None:
        day: date | None = self.cleaned_data["expires_on"]
        if day is not None and day < self.today and "expires_on" in self.changed_data:
            raise forms.ValidationError("This day has passed: give a later one.")
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind, percent, value = cleaned.get("kind"), cleaned.get("percent"), cleaned.get("value")
        if kind == Offer.Kind.PERCENT and not (percent and 0 < percent <= 100):
            self.add_error("percent", "Say how many per cent, up to 100.")
        if kind == Offer.Kind.AMOUNT and not value:
            self.add_error("value", "Say how much is taken off.")
        for name in ("value", "cost"):
            amount = cleaned.get(name)
            if amount is not None and amount.scaleb(exponent(self.tenant.currency)) % 1:
                self.add_error(name, f"{self.tenant.currency} has no such small amounts.")
        return cleaned

    def save(self, commit: bool = True) -> Any:
        places = exponent(self.tenant.currency)
        value, cost = self.cleaned_data.get("value"), self.cleaned_data.get("cost")
        self.instance.value_minor = int(value.scaleb(places)) if value is not None else None
        self.instance.cost_minor = int(cost.scaleb(places)) if cost is not None else 0
        return super().save(commit)
