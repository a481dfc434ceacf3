"""The forms of suppressions."""

from typing import Any

from django import forms

from campaigns.audience import addresses
from campaigns.audience.models import Channel, Suppression

REASONS = [
    ("asked_by_person", "The person asked for it"),
    ("complained", "They complained"),
    ("wrong_person", "The address is somebody else’s"),
    ("legal", "A legal reason"),
    ("staff", "Another reason of ours"),
]
CHANNELS = [
    (str(Suppression.ALL_CHANNELS), "All channels"),
    (str(Channel.EMAIL), "E-mail alone"),
    (str(Channel.SMS), "Text messages alone"),
]


class SuppressForm(forms.Form):
    """Over which channel, and why."""

    channel = forms.ChoiceField(choices=CHANNELS, widget=forms.RadioSelect, initial=Suppression.ALL_CHANNELS)
    reason = forms.ChoiceField(choices=REASONS, widget=forms.RadioSelect, initial="asked_by_person")


class SuppressAddressForm(SuppressForm):
    """An address that nobody of the contacts may have."""

    address = forms.CharField(
        max_length=254, help_text="An e-mail address or a phone number. It is kept as a digest that nobody can read."
    )
    field_order = ("address", "channel", "reason")

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country

    def clean_address(self) -> str:
        """The key of the address: what its digest is made from."""
        text = str(self.cleaned_data["address"])
        key = addresses.email_key(text) or addresses.phone_e164(text, self.country)
        if key is None:
            raise forms.ValidationError("This is no e-mail address and no phone number.")
        return key

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        key, channel = cleaned.get("address", ""), cleaned.get("channel")
        if key and channel in (Channel.EMAIL, Channel.SMS) and ("@" in key) != (channel == Channel.EMAIL):
            self.add_error("channel", "This address is not of this channel.")
        return cleaned


class LiftForm(forms.Form):
    """Why an address may be written to again."""

    note = forms.CharField(
        label="Reason",
        min_length=10,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Such as “asked at the counter on 3 March to get e-mail again”. It stays with your name.",
    )
