"""The forms of suppressions, and of consent that staff record."""

from datetime import datetime
from typing import Any

from django import forms

from campaigns.audience import addresses
from campaigns.audience.consent import faults_of
from campaigns.audience.models import Channel, Consent, Suppression
from tenants.accounts.console import TenantForm

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
    field_order: tuple[str, ...] = ("address", "channel", "reason")

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


class ConsentForm(TenantForm):
    """What a person said, when, where and in which words, as somebody of the business can prove it."""

    purpose = forms.ChoiceField(
        label="What it is about",
        required=False,
        choices=[
            (Consent.MARKETING, "Messages to them"),
            (Consent.TRACKING, "Following which e-mails they open and which links they press"),
        ],
    )
    state = forms.ChoiceField(
        label="What they said",
        choices=[
            (str(Consent.State.GIVEN), "Yes, you may"),
            (str(Consent.State.WITHDRAWN), "No, not any more"),
            (str(Consent.State.SOFT_OPT_IN), "Nothing: they bought, and could refuse when they left their address"),
            (str(Consent.State.INQUIRED), "Nothing: they asked about something, and have not bought"),
        ],
        help_text="The last two allow e-mail for a while, in countries whose law knows them, and revive no earlier no. "
        "They allow no following.",
    )
    stated_at = forms.DateTimeField(
        label="When they said it",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    source = forms.CharField(
        label="Where they said it", max_length=300, help_text="Such as “paper form at the counter, Main Street”."
    )
    wording = forms.CharField(
        label="The words they agreed to",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Word for word, as they were on the form or as you read them out. A yes needs them.",
    )
    proven_by = forms.CharField(
        label="Evidence",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What could be shown to a court, and where it is kept: the signed form, the recorded call.",
    )
    now: datetime  # set by ConsentAdmin.get_form

    class Meta:
        model = Consent
        fields = ("contact", "purpose", "channel", "state", "stated_at", "source", "wording")

    def clean_purpose(self) -> str:
        return self.cleaned_data["purpose"] or Consent.MARKETING

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        contact, at = cleaned.get("contact"), cleaned.get("stated_at")
        if contact is not None and at is not None:
            told = {name: cleaned.get(name) or "" for name in ("channel", "state", "purpose", "wording")}
            for field, sentence in faults_of(contact, stated_at=at, now=self.now, **told):
                self.add_error(field, sentence)
        self.instance.evidence = {"note": cleaned.get("proven_by", "")}
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
