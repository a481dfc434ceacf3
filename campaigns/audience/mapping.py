"""A mapping says how to read a file that was not made for winback (docs/import.md)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from campaigns.audience.reading import BROKEN, Row, Table, UnreadableFile

_COMBINE = {"first", "last", "min", "max", "sum", "count", "join"}
_KEYS = {"columns", "skip_rows", "group_by", "ignore", "delimiter", "encoding"}
_CONDITIONS = {"equals", "in", "empty", "matches"}
# A record as it is imported, and the rows of the file that it was made of.
Record = tuple[int, dict[str, str], Sequence[Row]]


class InvalidMapping(ValueError):
    """The mapping cannot be used; the message names the key."""


@dataclass(frozen=True)
class FileMapping:
    """A mapping that was checked. ``skipped`` counts the rows that it left out on purpose."""

    columns: Mapping[str, Any]
    skip_rows: tuple[Mapping[str, Any], ...]
    group_by: tuple[str, ...]
    ignore: frozenset[str]
    delimiter: str | None
    encoding: str | None

    def apply(self, table: Table, skipped: list[int]) -> Iterator[Record]:
        """The rows as winback's columns; lines left out are appended to ``skipped``."""
        named = {name for form in self.columns.values() for name in _columns_of(form)} | set(self.group_by)
        named |= {str(condition["column"]).strip().lower() for condition in self.skip_rows}
        missing = sorted(named - set(table.header))
        if missing:
            raise UnreadableFile(
                f"The mapping names {', '.join(map(repr, missing))}, which the file does not have. "
                f"Its columns: {', '.join(name for name in table.header if name)}."
            )
        if self.group_by:
            yield from self._grouped(table.rows, skipped)
            return
        for line, row in table.rows:
            if self._is_skipped(row):
                skipped.append(line)
            else:
                yield line, self._mapped([row]), ((line, row),)

    def headings(self, written: Mapping[str, str]) -> dict[str, str]:
        """What the file calls each field that it has under another name; nothing for what is the same in every row."""
        found = {}
        for field, form in self.columns.items():
            names = _columns_of(form)
            if names != [field]:
                found[field] = "” and “".join(written.get(name, name) for name in names)
        return found

    def _grouped(self, rows: Iterable[Row], skipped: list[int]) -> Iterator[Record]:
        groups: dict[tuple[str, ...], list[Row]] = {}
        for line, row in rows:
            if BROKEN in row:
                yield line, row, ((line, row),)
            elif self._is_skipped(row):
                skipped.append(line)
            else:
                groups.setdefault(tuple(row.get(name, "") for name in self.group_by), []).append((line, row))
        for members in groups.values():
            yield members[0][0], self._mapped([row for _, row in members]), members

    def _is_skipped(self, row: Mapping[str, str]) -> bool:
        return BROKEN not in row and any(
            _meets(row.get(str(condition["column"]).strip().lower(), ""), condition) for condition in self.skip_rows
        )

    def _mapped(self, members: list[dict[str, str]]) -> dict[str, str]:
        if BROKEN in members[0]:
            return members[0]
        result: dict[str, str] = {}
        used: set[str] = set()
        problems = []
        for name, form in self.columns.items():
            used.update(_columns_of(form))
            try:
                result[name] = _combined([_value(form, row) for row in members], form)
            except ValueError as error:
                problems.append(f"{name}: {error}")
        for name in members[0]:
            if name not in used and name not in result and "*" not in self.ignore and name not in self.ignore:
                values = {row.get(name, "") for row in members}
                if len(values) == 1:
                    result[name] = values.pop()
        if problems:
            result[BROKEN] = "; ".join(problems)
        return result


def read_mapping(content: Any, kind: str) -> FileMapping:
    """Check a mapping's JSON; ``kind`` picks ``contacts`` or ``jobs`` from a file that holds both."""
    if isinstance(content, dict) and kind in content and "columns" not in content:
        content = content[kind]
    if not isinstance(content, dict) or not isinstance(content.get("columns"), dict):
        raise InvalidMapping(f'The mapping has no "columns" for {kind}.')
    unknown = set(content) - _KEYS
    if unknown:
        raise InvalidMapping(f"The mapping has the unknown key {', '.join(sorted(unknown))}.")
    for name, form in content["columns"].items():
        if isinstance(form, dict):
            combine = form.get("combine", "first")
            if combine not in _COMBINE:
                raise InvalidMapping(f"columns.{name}.combine: {combine!r} is none of {', '.join(sorted(_COMBINE))}.")
            if not {"column", "columns", "constant"} & set(form):
                raise InvalidMapping(f"columns.{name}: say column, columns or constant.")
        elif not isinstance(form, str):
            raise InvalidMapping(f"columns.{name}: give a column's name or an object.")
    for condition in content.get("skip_rows", []):
        if not isinstance(condition, dict) or "column" not in condition:
            raise InvalidMapping("skip_rows: every condition names a column.")
        if len(_CONDITIONS & set(condition)) != 1:
            raise InvalidMapping(f"skip_rows: give a condition one of {', '.join(sorted(_CONDITIONS))}.")
        if "matches" in condition:
            try:
                re.compile(str(condition["matches"]))
            except re.error as error:
                raise InvalidMapping(
                    f"skip_rows: {condition['matches']!r} is no regular expression: {error}."
                ) from error
    return FileMapping(
        columns={name.lower(): form for name, form in content["columns"].items()},
        skip_rows=tuple(content.get("skip_rows", [])),
        group_by=tuple(str(name).strip().lower() for name in content.get("group_by", [])),
        ignore=frozenset(str(name).strip().lower() for name in content.get("ignore", [])),
        delimiter=content.get("delimiter"),
        encoding=content.get("encoding"),
    )


def _columns_of(form: Any) -> list[str]:
    if isinstance(form, str):
        return [form.strip().lower()]
    names = form.get("columns") or ([form["column"]] if "column" in form else [])
    return [str(name).strip().lower() for name in names]


def _value(form: Any, row: Mapping[str, str]) -> str:
    if isinstance(form, str):
        return row.get(form.strip().lower(), "")
    if "constant" in form:
        value = str(form["constant"])
    else:
        parts = [row.get(name, "") for name in _columns_of(form)]
        value = str(form.get("join", " ")).join(part for part in parts if part)
    value = value or str(form.get("default", ""))
    words = form.get("values")
    if words and value:
        folded = {str(key).strip().lower(): str(word) for key, word in words.items()}
        if value.lower() not in folded and "*" not in folded:
            raise ValueError(f"the word {value!r} is not in the mapping")
        value = folded.get(value.lower(), folded.get("*", ""))
    if form.get("format") and value:
        moment = datetime.strptime(value, form["format"])
        timed = any(code in form["format"] for code in ("%H", "%I", "%M", "%S", "%T", "%X", "%c"))
        value = moment.isoformat() if timed else moment.date().isoformat()
    return value


def _combined(values: list[str], form: Any) -> str:
    present = [value for value in values if value]
    combine = form.get("combine", "first") if isinstance(form, dict) else "first"
    if combine == "count":
        return str(len(present))
    if not present:
        return ""
    if combine == "sum":
        try:
            return str(sum((Decimal(value) for value in present), Decimal(0)))
        except InvalidOperation as error:
            raise ValueError("an amount of the group cannot be read") from error
    if combine == "join":
        return ", ".join(dict.fromkeys(present))
    if combine in {"min", "max"}:
        best = min if combine == "min" else max
        try:
            return best(present, key=Decimal)
        except InvalidOperation:  # no numbers: dates, which sort as text
            return best(present)
    return present[-1] if combine == "last" else present[0]


def _meets(value: str, condition: Mapping[str, Any]) -> bool:
    folded = value.strip().lower()
    if "equals" in condition:
        return folded == str(condition["equals"]).strip().lower()
    if "in" in condition:
        return folded in {str(word).strip().lower() for word in condition["in"]}
    if "empty" in condition:
        return (folded == "") == bool(condition["empty"])
    if "matches" in condition:
        return re.fullmatch(str(condition["matches"]), value.strip(), re.IGNORECASE) is not None
    return False
