"""The form in which somebody says what the columns of a file are: our guess is chosen, and what cannot be is told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms

from campaigns.audience import columns, naming, uploading
from campaigns.audience.models import ImportBatch
from tenants.accounts.models import Tenant
from tenants.journal.models import Task

KEEP, LEAVE_OUT = "", "-"
_MONTH_FIRST = frozenset({"US", "PH", "FM", "MH", "PW"})
_ORDERS = [("day", "Day, month, year: 25.12.2026"), ("month", "Month, day, year: 12/25/2026")]
_ENCODINGS = [
    ("cp1252", "Western European (Windows)"),
    ("cp1250", "Central European (Windows)"),
    ("cp1251", "Cyrillic (Windows)"),
    ("cp1253", "Greek (Windows)"),
    ("cp1254", "Turkish (Windows)"),
    ("mac_roman", "Western European (Macintosh)"),
    ("shift_jis", "Japanese (Shift-JIS)"),
    ("gb18030", "Chinese (GB 18030)"),
    ("utf-8", "UTF-8"),
]
_LINES = [("sum", "One job each: their amounts are added up"), ("last", "The same job told again: the last row counts")]
_SHOWN = 3


class ColumnsForm(forms.Form):
    """A field for each column of the file, and what else its values leave open."""

    def __init__(
        self, data: Mapping[str, Any] | None, *, task: Task, before: ImportBatch | None, now: datetime
    ) -> None:
        """``before``: an import in which somebody has said it of the same columns."""
        super().__init__(data)
        told = task.arguments
        self.task, self.before, self.now = task, before, now
        self.tenant: Tenant = task.tenant
        self.kind: str = told["kind"]
        self.header: Sequence[str] = told["content"]["header"]
        self.written: Mapping[str, str] = told["content"].get("written", {})
        self.samples: Mapping[str, Sequence[str]] = told["content"]["samples"]
        self.labels = columns.LABELS[self.kind]
        self.repeated: Mapping[str, str] = told["content"]["repeated"]
        self.guessed = columns.guess(self.kind, self.header, self.samples, self.repeated)
        chosen = _chosen_before(before.mapping) if before is not None else self.guessed
        for number, name in enumerate(self.header):
            self.fields[f"column_{number}"] = forms.ChoiceField(
                label=self._heading(name),
                required=False,
                choices=self._choices(name),
                initial=chosen.get(name, KEEP),
                help_text=" · ".join(self.samples[name][:_SHOWN]) or "Empty in the first rows.",
            )
        open_dates = [name for name in self.header if columns.is_open(self.samples[name])]
        if open_dates:
            self.fields["order"] = forms.ChoiceField(
                label=f"Dates such as {self.samples[open_dates[0]][0]} are",
                choices=_ORDERS,
                initial=(_order_before(before.mapping) if before is not None else "")
                or ("month" if self.tenant.country in _MONTH_FIRST else "day"),
            )
        number_in = next(
            (name for number, name in enumerate(self.header) if self._said(number, chosen) == "external_id"), ""
        )
        if self.kind == "jobs" and number_in in self.repeated:
            self.fields["lines"] = forms.ChoiceField(
                label=f"Several rows have the number {self.repeated[number_in]}, they are",
                choices=_LINES,
                initial="last" if before is not None and not before.mapping.get("group_by") else "sum",
                error_messages={"required": "Some numbers stand in several rows: say what that means."},
            )
        self.encoding: str = told["content"]["encoding"]
        if self.encoding:
            self.fields["encoding"] = forms.ChoiceField(
                label="It is written in",
                choices=_ENCODINGS,
                initial=self.encoding,
                help_text="The file is not UTF-8. Look whether accents and umlauts are right; if not, choose another.",
            )
        if data is not None and "anyway" in data:
            self._offer_anyway()

    def _heading(self, name: str) -> str:
        """A column as the file calls it, by our name for it."""
        return self.written.get(name, name)

    def _offer_anyway(self) -> None:
        self.fields["anyway"] = forms.BooleanField(label="Import it all the same", required=False)

    def _said(self, number: int, chosen: Mapping[str, str]) -> str:
        """The field of a column: as it was sent, else as it is chosen when the page is shown."""
        sent = self.data.get(f"column_{number}") if self.is_bound else None
        return str(sent) if sent is not None else chosen.get(self.header[number], KEEP)

    def _choices(self, column: str) -> list[tuple[str, Any]]:
        """A column that has the name of a field is that field, or another, or left out: kept it would be that field."""
        keep = [] if column in self.labels else [(KEEP, "Something else: keep it with the row")]
        fields = [(field, label) for field, label in self.labels.items()]
        if "full_name" in self.labels:
            both = (columns.NAME_AND_NUMBER, "Full name, used in their jobs too")
            fields.insert(fields.index(("full_name", self.labels["full_name"])) + 1, both)
        return [*keep, ("Is", fields), (LEAVE_OUT, "Leave it out")]

    @property
    def columns(self) -> list[forms.BoundField]:
        return [self[f"column_{number}"] for number in range(len(self.header))]

    @property
    def others(self) -> list[forms.BoundField]:
        return [self[name] for name in ("order", "lines", "encoding", "anyway") if name in self.fields]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors or cleaned.get("encoding", self.encoding) != self.encoding:
            return cleaned  # in another encoding everything is to be looked at anew
        chosen = {name: cleaned[f"column_{number}"] for number, name in enumerate(self.header)}
        chosen |= {name: LEAVE_OUT for name, field in chosen.items() if field == KEEP and name in self.labels}
        meant: dict[str, str] = {}
        for number, (name, said) in enumerate(chosen.items()):
            for field in said.split():
                if field in meant:
                    text = f"“{self._heading(meant[field])}” is {self.labels[field]} already: choose one of the two."
                    self.add_error(f"column_{number}", text)
                elif field != LEAVE_OUT:
                    meant[field] = name
        for needed in uploading.kind_of(self.kind).needs:
            if not needed & meant.keys():
                words = [f"“{label}”" for field, label in self.labels.items() if field in needed]
                self.add_error(None, f"No column is {' or '.join(words)} yet: choose which one it is.")
        mapping = self._mapping(chosen, meant)
        if not self.errors and not cleaned.get("anyway"):
            self._try(mapping, meant)
        cleaned["mapping"] = mapping
        return cleaned

    def _mapping(self, chosen: Mapping[str, str], meant: Mapping[str, str]) -> dict[str, Any]:
        """What was said, as campaigns/audience/mapping.py reads it; empty where the file says all of it itself."""
        forms_of: dict[str, Any] = {}
        for field, name in meant.items():
            try:
                forms_of[field] = self._form_of(field, name)
            except columns.UnreadDates as error:
                self.add_error(f"column_{self.header.index(name)}", str(error))
        ignored = [self._heading(name) for name, field in chosen.items() if field == LEAVE_OUT]
        adds_up = self.cleaned_data.get("lines") == "sum"
        as_named = all(isinstance(form, str) and form.lower() == field for field, form in forms_of.items())
        plain = not ignored and not self.encoding and not adds_up and as_named
        if plain and self.before is None and meant == {field: name for name, field in self.guessed.items()}:
            return {}
        said: dict[str, Any] = {"columns": forms_of, "ignore": ignored}
        if adds_up:
            said |= {
                "group_by": [self._heading(meant["external_id"])],
                "columns": {f: _of_many(f, form) for f, form in forms_of.items()},
            }
        if self.encoding:
            said["encoding"] = self.encoding
        return said

    def _form_of(self, field: str, name: str) -> Any:
        heading = self._heading(name)
        if field in columns.DATES:
            written = columns.date_format(self.samples[name], day_first=self.cleaned_data.get("order") != "month")
            return {"column": heading, "format": written} if written else heading
        words = columns.yes_and_no(self.samples[name]) if field in columns.CONSENTS else {}
        return {"column": heading, "values": words} if words else heading

    def _try(self, mapping: Mapping[str, Any], meant: Mapping[str, str]) -> None:
        """Read the first rows as the import will; where none of them is taken, say why at its column."""
        refused = uploading.try_rows(self.task, mapping, now=self.now)
        if not refused:
            return
        reason, _ = Counter(refused).most_common(1)[0]
        field = reason.partition(":")[0]
        place = f"column_{self.header.index(meant[field])}" if field in meant else None
        headings = {each: self._heading(meant[each]) if each in meant else "" for each in self.labels}
        if place:
            headings[field] = ""  # it stands there already
        told = naming.in_words(reason, self.kind, headings)
        self.add_error(place, f"None of the first rows would be taken. {told[:1].upper()}{told[1:]}.")
        self._offer_anyway()


def _of_many(field: str, form: Any) -> Any:
    """How the values of several rows become one: amounts are added up, services named one after another."""
    combine = {"amount": "sum", "service": "join", "completed_at": "min"}.get(field)
    told = form if isinstance(form, dict) else {"column": form}
    return told | {"combine": combine} if combine else form


def _chosen_before(mapping: Mapping[str, Any]) -> dict[str, str]:
    """The field of each column as it was said before."""
    said = {field: form["column"] if isinstance(form, dict) else form for field, form in mapping["columns"].items()}
    chosen: dict[str, str] = {}
    for field, column in sorted(said.items()):  # in the order of NAME_AND_NUMBER
        name = str(column).lower()
        chosen[name] = f"{chosen[name]} {field}" if name in chosen else field
    return chosen | dict.fromkeys((str(column).lower() for column in mapping.get("ignore", [])), LEAVE_OUT)


def _order_before(mapping: Mapping[str, Any]) -> str:
    """Whether the day or the month came first in dates, as it was said before; empty where nothing was."""
    for form in mapping["columns"].values():
        written = form.get("format", "") if isinstance(form, dict) else ""
        if "%d" in written and "%m" in written:
            return "day" if written.index("%d") < written.index("%m") else "month"
    return ""
