"""The form of a new tenant."""

from typing import Any

from django import forms

from catalog.models import Niche, Plan


class NewTenantForm(forms.Form):
    """What create_tenant wants to know."""

    name = forms.CharField(max_length=200)
    slug = forms.SlugField(max_length=50, help_text="Short, for addresses and commands: letters, digits and -.")
    niche = forms.ModelChoiceField(Niche.objects.order_by("name"), label="Kind of business")
    plan = forms.ModelChoiceField(Plan.objects.order_by("position", "code"))
    country = forms.CharField(max_length=2, initial="US", help_text="ISO 3166 code, such as US.")
    region = forms.CharField(max_length=16, required=False, help_text="State or province, such as TX.")
    timezone = forms.CharField(max_length=64, initial="America/Chicago")
    address = forms.CharField(
        label="Postal address",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Under every e-mail.",
    )
    owner_email = forms.EmailField(label="Owner’s e-mail address")
    sandbox = forms.BooleanField(label="Sandbox: messages go to the local outbox, nobody receives them", required=False)

    @property
    def values(self) -> dict[str, Any]:
        """The arguments of create_tenant."""
        cleaned = dict(self.cleaned_data)
        return cleaned | {"niche": cleaned["niche"].code, "plan": cleaned["plan"].code}
