"""What the public pages ask: as little as possible, and nothing that would stop an opt-out."""

from datetime import date

from django import forms


class BookingForm(forms.Form):
    """A wish for a visit."""

    TIMES = [("", "Any time"), ("morning", "Morning"), ("afternoon", "Afternoon"), ("evening", "Early evening")]

    service = forms.CharField(max_length=200, required=False, label="What can we do for you?")
    preferred_on = forms.DateField(
        required=False, label="Which day suits you?", widget=forms.DateInput(attrs={"type": "date"})
    )
    preferred_time = forms.ChoiceField(choices=TIMES, required=False, label="When on that day?")
    name = forms.CharField(max_length=200, label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"}))
    phone = forms.CharField(
        max_length=40,
        required=False,
        label="Phone",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    email = forms.EmailField(
        required=False, label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    note = forms.CharField(
        required=False, max_length=2000, label="Anything we should know?", widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: object, today: date, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.today = today
        self.fields["preferred_on"].widget.attrs["min"] = today.isoformat()

    def clean_preferred_on(self) -> date | None:
        day: date | None = self.cleaned_data["preferred_on"]
        if day is not None and day < self.today:
            raise forms.ValidationError("Please choose today or a later day.")
        return day

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if not cleaned.get("phone") and not cleaned.get("email"):
            raise forms.ValidationError("Please leave a phone number or an e-mail, so that we can confirm your visit.")
        return cleaned
