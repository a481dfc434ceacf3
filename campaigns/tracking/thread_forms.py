"""What staff fill in about a conversation."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from tenants.access.models import User
from winback.providers.sms.segments import LONGEST


class ReplyForm(forms.Form):
    """An answer. The key makes a double click one text."""

    text = forms.CharField(
        max_length=LONGEST,
        label="Your reply",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="No offers here: it is an answer, not advertising.",
        error_messages={"required": "Write something first."},
    )
    key = forms.UUIDField(widget=forms.HiddenInput())


class AssignForm(forms.Form):
    """Who answers."""

    user: Any = forms.ModelChoiceField(
        queryset=User.objects.none(), required=False, label="Who", empty_label="Nobody in particular"
    )

    def __init__(self, *args: Any, team: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["user"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = team
