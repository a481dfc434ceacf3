"""The form of a connection, drawn from the fields that its provider names. Secrets go in and never come out."""

from collections.abc import Mapping
from typing import Any

from django import forms

from winback.providers.account import ProviderAccount
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


class ConnectionForm(forms.Form):
    """Label, the provider's own fields, and what a message costs."""

    def __init__(
        self,
        *args: Any,
        provider: type[ProviderAccount],
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

    @property
    def credentials(self) -> dict[str, str]:
        """What is secret: what was typed, else what was kept."""
        secret = {field.name for field in self.provider.fields if field.secret}
        given = {name: str(self.cleaned_data.get(name) or "") for name in secret}
        return {**(self.kept or {}), **{name: value for name, value in given.items() if value}}

    @property
    def options(self) -> dict[str, Any]:
        """What is not."""
        plain = {field.name: self.cleaned_data.get(field.name) for field in self.provider.fields if not field.secret}
        found = self.other | {name: value for name, value in plain.items() if value}
        found.pop("price_minor", None)
        price = self.cleaned_data.get("price_minor")
        limits = {name: self.cleaned_data.get(name) for name, _, _ in _LIMITS}
        found = {name: value for name, value in found.items() if name not in limits}
        return found | ({"price_minor": price} if price else {}) | {k: v for k, v in limits.items() if v}

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
