"""The form of a connection, drawn from the fields that its provider names. Secrets go in and never come out."""

from collections.abc import Mapping
from typing import Any

from django import forms

from tenants.accounts.models import Brand, Tenant
from tenants.connections import limits
from tenants.connections.connecting import LOCAL
from winback.providers.account import ProviderAccount
from winback.providers.email.base import EmailProvider
from winback.providers.errors import ProviderMisconfigured

_SECRET = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})

_LIMITS = (
    ("per_second", "Messages a second", "At most so many leave, all workers together; of a text, each segment counts."),
    (
        "per_day",
        "Messages a day",
        "At most so many in any 24 hours; begin with a few hundred.",
    ),
)


class BrandChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """The brands of one business, or all of them."""

    def __init__(self, tenant: Tenant, **kwargs: Any) -> None:
        rows = Brand.objects.for_tenant(tenant).order_by("-is_default", "name", "pk")
        super().__init__(
            rows,
            required=False,
            label="Brand",
            empty_label="All brands",
            help_text="A brand’s own connection comes before those of all brands, and carries no other’s messages.",
            **kwargs,
        )


class DomainLimits(forms.CharField):
    """``domain_limits`` as lines of text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="Messages a second to one mailbox provider",
            required=False,
            widget=forms.Textarea(attrs={"rows": 3, "placeholder": "gmail.com 20", "spellcheck": "false"}),
            help_text="One a line: a domain, which stands for its whole provider, and a number; 0 is no limit, "
            f"the word “{limits.NO_LIMITS}” alone none at all. Without a line of yours: {limits.usual()}.",
            **kwargs,
        )

    def clean(self, value: Any) -> Any:
        try:
            return limits.read_domain_limits(super().clean(value))
        except limits.LimitsInvalid as error:
            raise forms.ValidationError(str(error)) from error


class ConnectionForm(forms.Form):
    """Label, the provider's own fields, whose messages it carries, what one costs, and how fast they may leave."""

    def __init__(
        self,
        *args: Any,
        provider: type[ProviderAccount],
        tenant: Tenant,
        brand: Brand | None = None,
        label: str = "",
        options: Mapping[str, Any] | None = None,
        kept: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """``kept``: the credentials that stay where a secret is left empty; None for a new connection."""
        super().__init__(*args, **kwargs)
        self.provider = provider
        self.kept = kept
        known = dict(options or {})
        self.other = {name: value for name, value in known.items() if name not in {f.name for f in provider.fields}}
        if kept is None:
            self.fields["label"] = forms.CharField(
                max_length=120, initial=label or provider.label, help_text="To tell two connections apart."
            )
        for field in provider.fields:
            self.fields[field.name] = _form_field(
                field, known.get(field.name), keeps=bool(kept and kept.get(field.name))
            )
        if Brand.objects.for_tenant(tenant).count() > 1 or brand is not None:
            self.fields["brand"] = BrandChoice(tenant, initial=brand.pk if brand is not None else None)
        self.fields["price_minor"] = forms.IntegerField(
            label="Price of a message",
            required=False,
            min_value=0,
            initial=known.get("price_minor"),
            help_text="In the smallest unit of your currency: for an e-mail, or for a segment of a text.",
        )
        for name, text, help_text in _LIMITS:
            self.fields[name] = forms.FloatField(
                label=text, required=False, min_value=0, initial=known.get(name), help_text=help_text
            )
        if issubclass(provider, EmailProvider) and provider.code != LOCAL:
            self.fields["domain_limits"] = DomainLimits(initial=limits.written(known.get("domain_limits")))
            self.fields["known_sender"] = forms.BooleanField(
                label="Mailbox providers know this sender",
                required=False,
                initial=known.get("slow_start") is False,
                help_text="It has been writing to many people lately. Else each recipients’ domain gets 200 e-mails on "
                "its first day, and twice as many after each day that went well.",
            )

    @property
    def credentials(self) -> dict[str, str]:
        """What is secret: what was typed, else what was kept."""
        return {**(self.kept or {}), **self.given}

    @property
    def given(self) -> dict[str, str]:
        """What is secret and was typed."""
        secret = {field.name for field in self.provider.fields if field.secret}
        typed = {name: str(self.cleaned_data.get(name) or "") for name in secret}
        return {name: value for name, value in typed.items() if value}

    @property
    def options(self) -> dict[str, Any]:
        """What is not."""
        plain = {field.name: self.cleaned_data.get(field.name) for field in self.provider.fields if not field.secret}
        found = self.other | {name: value for name, value in plain.items() if value}
        found.pop("price_minor", None)
        price = self.cleaned_data.get("price_minor")
        paces = {name: self.cleaned_data.get(name) for name, _, _ in _LIMITS}
        found = {name: value for name, value in found.items() if name not in {*paces, "domain_limits", "slow_start"}}
        if self.cleaned_data.get("domain_limits") is not None:
            found["domain_limits"] = self.cleaned_data["domain_limits"]
        if self.cleaned_data.get("known_sender"):
            found["slow_start"] = False
        return found | ({"price_minor": price} if price else {}) | {k: v for k, v in paces.items() if v}

    @property
    def brand(self) -> Brand | None:
        """For which brand alone it is; None for all."""
        chosen: Brand | None = self.cleaned_data.get("brand")
        return chosen

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.provider(self.credentials, self.options).check_told()
            except ProviderMisconfigured as error:
                raise forms.ValidationError(str(error)) from error
        return cleaned


def _form_field(field: Any, value: Any, *, keeps: bool) -> forms.Field:
    required = field.required and not keeps
    if field.choices:
        return forms.ChoiceField(
            label=field.label,
            required=required,
            choices=[(choice, choice) for choice in field.choices],
            initial=value or field.default,
            help_text=field.help,
        )
    if field.secret:
        note = "One is kept. Leave empty to keep it." if keeps else "Kept encrypted, never shown again."
        return forms.CharField(
            label=field.label,
            required=required,
            widget=_SECRET,
            help_text=f"{field.help} {note}".strip(),
            max_length=4000,
        )
    return forms.CharField(
        label=field.label, required=required, initial=value or field.default, help_text=field.help, max_length=500
    )
