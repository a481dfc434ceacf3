"""The forms of the team and of API keys."""

from datetime import date

from django import forms
from django.core.exceptions import ValidationError

from tenants.access.models import Membership
from tenants.access.permissions import SCOPES

_ROLES = {
    Membership.Role.ANALYST: "Analyst: looks at everything, changes nothing",
    Membership.Role.OPERATOR: "Operator: imports, suppresses, pauses, answers bookings",
    Membership.Role.MANAGER: "Manager: besides, launches, edits offers and brands, activates modules",
    Membership.Role.OWNER: "Owner: besides, the team, connections, keys and the audit log",
}
ROLE_CHOICES = [(str(role), text) for role, text in _ROLES.items()]


class MemberForm(forms.Form):
    """Who is to be added, and as what."""

    email = forms.EmailField(label="E-mail address", max_length=150)
    role = forms.ChoiceField(choices=ROLE_CHOICES, initial=Membership.Role.OPERATOR, widget=forms.RadioSelect)


class RoleForm(forms.Form):
    """Another role."""

    role = forms.ChoiceField(choices=ROLE_CHOICES, widget=forms.RadioSelect)


class KeyForm(forms.Form):
    """What a new key is for."""

    name = forms.CharField(max_length=120, help_text="What will use it, such as “Website sync”.")
    scopes = forms.MultipleChoiceField(
        label="May be used to",
        choices=[(code, text) for code, text in SCOPES.items()],
        initial=list(SCOPES),
        widget=forms.CheckboxSelectMultiple,
    )
    expires_on = forms.DateField(
        label="Ends on", required=False, widget=forms.DateInput(attrs={"type": "date"}), help_text="Empty: never."
    )

    def __init__(self, *args: object, today: date, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.today = today

    def clean_expires_on(self) -> date | None:
        day: date | None = self.cleaned_data["expires_on"]
        if day is not None and day <= self.today:
            raise ValidationError("This day has passed.")
        return day
