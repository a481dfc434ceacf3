"""The forms of an endpoint and of a replay."""

from datetime import datetime
from typing import Any

from django import forms

from tenants.webhooks.endpoints import EndpointRefused, Wanted
from tenants.webhooks.kinds import KINDS


class EndpointForm(forms.Form):
    """Where to call, and of what."""

    url = forms.CharField(
        label="URL", max_length=500, help_text="Begins with https://. It is called from this server by POST."
    )
    description = forms.CharField(max_length=200, required=False, help_text="To tell two endpoints apart.")
    kinds = forms.MultipleChoiceField(
        label="Tell it of",
        choices=[(kind.code, f"{kind.code}: {kind.says}") for kind in KINDS.values()],
        widget=forms.CheckboxSelectMultiple,
    )
    personal = forms.BooleanField(
        label="Send names, e-mail addresses and phone numbers, too",
        required=False,
        help_text="Otherwise only your own number of the customer (external id) goes along.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.wanted.checked()
            except EndpointRefused as error:
                self.add_error(error.field, str(error))
        return cleaned

    @property
    def wanted(self) -> Wanted:
        return Wanted(**{name: self.cleaned_data[name] for name in ("url", "kinds", "description", "personal")})


class RotateForm(forms.Form):
    """Whether the old secret may go on for a day."""

    at_once = forms.BooleanField(
        label="The old secret has leaked: end it at once",
        required=False,
        help_text="Otherwise both sign for 24 hours, so that nothing is lost while you change it at the other side.",
    )


class ReplayForm(forms.Form):
    """What to send again."""

    _WIDGET = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    since = forms.DateTimeField(label="What happened from", widget=_WIDGET)
    until = forms.DateTimeField(label="until", widget=_WIDGET)
    arrived_too = forms.BooleanField(
        label="Also what has arrived already", required=False, help_text="It has the same webhook-id as before."
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if isinstance(since, datetime) and isinstance(until, datetime) and until <= since:
            self.add_error("until", "The period must end after it begins.")
        return cleaned
