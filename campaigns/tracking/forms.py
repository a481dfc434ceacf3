"""What the booking page asks: as little as possible. What is on record is not shown: links are passed on."""

from collections.abc import Mapping
from datetime import date

from django import forms


def end_of_phone(number: str) -> str:
    """Enough for its owner to know it by: “the number ending in 82”."""
    return f"the number ending in {number[-2:]}" if len(number) > 4 else ""


def end_of_email(address: str) -> str:
    """Enough for its owner to know it by: “a…@example.com”."""
    local, at, domain = address.rpartition("@")
    return f"{local[0]}…@{domain}" if at and local else ""


class BookingForm(forms.Form):
    """A wish for a visit."""

    TIMES = [("", "Any time"), ("morning", "Morning"), ("afternoon", "Afternoon"), ("evening", "Early evening")]

    service = forms.CharField(max_length=200, required=False, label="What can we do for you?")
    preferred_on = forms.DateField(
        required=False, label="Which day suits you?", widget=forms.DateInput(attrs={"type": "date"})
    )
    preferred_time = forms.ChoiceField(choices=TIMES, required=False, label="When on that day?")
    name = forms.CharField(
        max_length=200,
        label="Your name",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Please tell us your name."},
    )
    phone = forms.CharField(
        max_length=40,
        required=False,
        label="Phone",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    email = forms.EmailField(required=False, label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    note = forms.CharField(
        required=False, max_length=2000, label="Anything we should know?", widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: object, today: date, known: Mapping[str, str], **kwargs: object) -> None:
        """``known``: the ends of the phone number and e-mail on record; the page shows no more than those."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.today = today
        self.known = known
        self.fields["preferred_on"].widget.attrs["min"] = today.isoformat()
        for name, end in known.items():
            self.fields[name].help_text = f"Leave it empty if {end} is still right." if end else ""

    def clean_preferred_on(self) -> date | None:
        day: date | None = self.cleaned_data["preferred_on"]
        if day is not None and day < self.today:
            raise forms.ValidationError("Please choose today or a later day.")
        return day

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if not any(cleaned.get(name) or self.known.get(name) or name in self.errors for name in ("phone", "email")):
            raise forms.ValidationError("Please leave a phone number or an e-mail, so that we can confirm your visit.")
        return cleaned
