"""A module's settings as a form, drawn from its JSON Schema, so that a new setting needs no new page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms

from tenants.accounts.models import Tenant
from winback.console.formatting import words

Choices = Callable[[Tenant], Sequence[tuple[str, str]]]
_ORDER = (
    "dormant_cohorts_months", "channels", "offer", "holdout_share", "attribution_window_days", "daily_enrolment_cap",
    "frequency_cap_touches", "frequency_cap_days", "email_courteous_hours", "sms_plain_letters",
    "exclude_do_not_contact", "do_not_contact_tags", "reenrol_after_days", "give_up_after_months",
    "marketing_after_months_of_silence", "sunset_after_messages",
)  # fmt: skip

CHOICES: dict[str, Choices] = {}
"""What may be chosen for a setting that names a row of another app, filled by that app: the offer's codes."""


class ListField(forms.CharField):
    """Several values, one a line, or with commas between where they are numbers."""

    def __init__(self, *, numbers: bool, **options: Any) -> None:
        self.numbers = numbers
        widget = forms.TextInput() if numbers else forms.Textarea(attrs={"rows": 6})
        super().__init__(widget=widget, **options)

    def prepare_value(self, value: Any) -> Any:
        return (", " if self.numbers else "\n").join(map(str, value)) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        parts = [part.strip() for line in text.splitlines() for part in (line.split(",") if self.numbers else [line])]
        found = [part for part in parts if part]
        if not self.numbers:
            return found
        try:
            return [int(part) for part in found]
        except ValueError as error:
            raise forms.ValidationError("Write whole numbers with commas between: 6, 9, 12.") from error


def in_order(schema: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The settings as people think of them (the database keeps the schema without its order); new ones at the end."""
    place = {name: number for number, name in enumerate(_ORDER)}
    return sorted(schema["properties"].items(), key=lambda pair: (place.get(pair[0], len(place)), pair[0]))


def written(name: str, setting: Mapping[str, Any], value: Any) -> str:
    """A setting's value as people read it."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if value is None:
        return "None" if name in CHOICES else "By default"
    if isinstance(value, list):
        return ", ".join(words(each) if name == "channels" else str(each) for each in value) or "–"
    if setting.get("maximum", 100) <= 1:
        return f"{value * 100:g} %"
    return str(value)


def settings_form(schema: Mapping[str, Any], tenant: Tenant) -> type[forms.Form]:
    """A form class with one field for each setting of the schema."""
    fields = {name: _field(name, setting, tenant) for name, setting in in_order(schema)}
    return type("SettingsForm", (forms.Form,), fields)


def given(form: forms.Form) -> dict[str, Any]:
    """The settings as the schema wants them: what was left empty is null."""
    return {name: None if value == "" else value for name, value in form.cleaned_data.items()}


def show_faults(form: forms.Form, faults: Sequence[Mapping[str, str]]) -> None:
    """Each fault beside its field: ``settings.offer`` and ``settings.channels[0]`` name them."""
    for fault in faults:
        name = fault["path"].partition(".")[2].partition("[")[0].partition(".")[0]
        form.add_error(name if name in form.fields else None, fault["message"])


def _field(name: str, setting: Mapping[str, Any], tenant: Tenant) -> forms.Field:
    kinds = setting.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    common: dict[str, Any] = {
        "label": setting.get("title", name),
        "help_text": setting.get("description", ""),
        "required": "null" not in kinds and "boolean" not in kinds,
    }
    if name in CHOICES:
        return forms.ChoiceField(choices=[("", "None"), *CHOICES[name](tenant)], **common)
    if "boolean" in kinds:
        return forms.BooleanField(**common)
    if "array" in kinds:
        return _several(setting, common)
    limits: dict[str, Any] = {"min_value": setting.get("minimum"), "max_value": setting.get("maximum")}
    if "integer" in kinds:
        return forms.IntegerField(**common, **limits)
    if "number" in kinds:
        return forms.FloatField(**common, **limits, widget=forms.NumberInput(attrs={"step": "0.01"}))
    return forms.CharField(max_length=setting.get("maxLength", 500), **common)


def _several(setting: Mapping[str, Any], common: dict[str, Any]) -> forms.Field:
    items = setting.get("items", {})
    common["required"] = bool(setting.get("minItems"))
    if "enum" in items:
        names = {"email": "E-mail", "sms": "Text messages"}
        choices = [(each, names.get(each, each)) for each in items["enum"]]
        return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **common)
    numbers = items.get("type") == "integer"
    note = "Whole numbers, with commas between." if numbers else "One a line."
    common["help_text"] = f"{common['help_text']} {note}".strip()
    return ListField(numbers=numbers, **common)
