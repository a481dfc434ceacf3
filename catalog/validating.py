"""The whole catalog checked before any of it is loaded: schemas, references between files, and every template."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError

from catalog import reading
from catalog.linting import lint_template
from catalog.reading import DATA, PART, CatalogError, Entry, Problem


@dataclass(frozen=True)
class Content:
    """Everything in catalog/data."""

    modules: list[Entry]
    niches: list[Entry]
    plans: list[Entry]
    guards: list[Entry]
    workflows: list[Entry]
    templates: list[Entry]
    quiet_hours: list[Entry]
    dated: dict[str, list[Entry]]
    """The lists that are read from their files, not from tables, by the name of the file."""
    wordings: Entry
    """How people ask for a stop in their own words."""


def read(data: Path = DATA) -> Content:
    """The content as it is written; raises CatalogError where a file cannot even be read."""
    return Content(
        modules=reading.read_entries("modules", data),
        niches=reading.read_entries("niches", data),
        plans=reading.read_entries("plans", data),
        guards=reading.read_entries("guards", data),
        workflows=reading.read_entries("workflows", data),
        templates=reading.read_templates(data),
        quiet_hours=reading.read_quiet_hours(data),
        dated={name: reading.read_dated(name, data) for name in reading.DATED},
        wordings=reading.read_wordings(data),
    )


@cache
def _validator(kind: str) -> Draft202012Validator:
    schema = json.loads((DATA / "schema" / f"{kind}.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=FormatChecker())


def _against_schema(kind: str, entries: list[Entry]) -> Iterator[Problem]:
    for entry in entries:
        for error in _validator(kind).iter_errors(entry.content):
            yield Problem(entry.file, error.json_path.removeprefix("$").removeprefix("."), error.message)


def _unknown(entry: Entry, path: str, names: list[str], known: set[str]) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            yield Problem(entry.file, path, f"there is no {name!r}")


def _references(content: Content) -> Iterator[Problem]:
    niches = {entry.code for entry in content.niches}
    guards = {entry.code for entry in content.guards}
    workflows = {entry.code for entry in content.workflows}
    templates = {f"{entry.code} by {entry.content['channel']}" for entry in content.templates}
    for module in content.modules:
        yield from _unknown(module, "recommended_niches", module.content["recommended_niches"], niches)
        yield from _unknown(module, "guards", module.content["guards"], guards)
        yield from _unknown(module, "workflow", [module.content["workflow"]], workflows)
    for workflow in content.workflows:
        days = [step["day"] for step in workflow.content["steps"]]
        if days != sorted(days):
            yield Problem(workflow.file, "steps", "days must not go back")
        codes = [step["code"] for step in workflow.content["steps"]]
        if len(set(codes)) != len(codes):
            yield Problem(workflow.file, "steps", "two steps share a code")
        for number, step in enumerate(workflow.content["steps"]):
            channels = [channel for channel in (step["channel"], step["fallback"]) if channel]
            wanted = [f"{step['template']} by {channel}" for channel in channels]
            yield from _unknown(workflow, f"steps[{number}].template", wanted, templates)


def _settings_schemas(modules: list[Entry]) -> Iterator[Problem]:
    """Each module's settings are a JSON Schema whose defaults it accepts itself."""
    for module in modules:
        schema: dict[str, Any] = module.content["settings"]
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            yield Problem(module.file, f"settings{error.json_path.removeprefix('$')}", error.message)
            continue
        defaults = {name: field["default"] for name, field in schema["properties"].items()}
        for fault in Draft202012Validator(schema).iter_errors(defaults):
            yield Problem(module.file, f"settings{fault.json_path.removeprefix('$')}", f"default: {fault.message}")


def _dates_and_codes(entries: list[Entry]) -> Iterator[Problem]:
    """No two rows of one code are valid on the same day, and none ends before it begins."""
    spans: dict[str, list[tuple[str, str]]] = {}
    for entry in entries:
        first, last = str(entry.content.get("valid_from", "")), str(entry.content.get("valid_to", "9999-12-31"))
        if last < first:
            yield Problem(entry.file, f"{entry.code}.valid_to", "is before valid_from")
        if any(first <= other[1] and other[0] <= last for other in spans.setdefault(entry.code, [])):
            yield Problem(entry.file, entry.code, "two rows of this code are valid on one day")
        spans[entry.code].append((first, last))


def _word_lists(entries: list[Entry]) -> Iterator[Problem]:
    """Every list that is asked for is there, and the patterns of one list go together."""
    schema: Any = _validator("word_lists").schema
    known: list[str] = schema["properties"]["list"]["enum"]
    for name in sorted(set(known) - {entry.content["list"] for entry in entries}):
        yield Problem("word_lists.yaml", name, "no row of this list")
    for name in known:
        patterns = [
            pattern
            for entry in entries
            if entry.content["list"] == name
            for pattern in entry.content.get("patterns", ())
        ]
        try:
            re.compile("|".join(patterns))
        except re.error as error:
            yield Problem("word_lists.yaml", name, f"patterns: {error}")


def _wordings(entry: Entry) -> Iterator[Problem]:
    """Every expression can be compiled once its parts stand in it."""
    parts: dict[str, str] = entry.content["parts"]
    groups = {name: value for name, value in entry.content.items() if isinstance(value, list)}
    groups |= {f"{kind}.{name}": value for kind in ("stop", "unclear") for name, value in entry.content[kind].items()}
    for name, expressions in groups.items():
        for number, expression in enumerate(expressions):
            path = f"{name}[{number}]"
            yield from _unknown(entry, path, PART.findall(expression), set(parts))
            try:
                re.compile(PART.sub(lambda found: parts.get(found.group(1), ""), expression))
            except re.error as error:
                yield Problem(entry.file, path, str(error))


def _versions(entries: list[Entry]) -> Iterator[Problem]:
    """Nobody changes the words of a version: verdicts name it, and must mean what was asked then."""
    for entry in entries:
        version = entry.content["version"]
        if entry.content["checksum"] != reading.words_checksum(entry.content):
            following = reading.words_checksum(entry.content | {"version": version + 1})
            told = f"the words are not those of version {version}: write version: {version + 1}, checksum: {following}"
            yield Problem(entry.file, str(entry.content.get("code", "")), told)


def problems(content: Content, *, on: date) -> list[Problem]:
    """Everything that is wrong with the content on a day; references only once the shapes are right."""
    found = [
        *_against_schema("module", content.modules),
        *_against_schema("niche", content.niches),
        *_against_schema("plan", content.plans),
        *_against_schema("guard", content.guards),
        *_against_schema("workflow", content.workflows),
        *_against_schema("quiet_hours", content.quiet_hours),
    ]
    for name, entries in content.dated.items():
        found += [*_against_schema(name, entries), *_dates_and_codes(entries)]
    found += _against_schema("reply_wordings", [content.wordings])
    if not found:
        found = [*_word_lists(content.dated["word_lists"]), *_wordings(content.wordings)]
        found += _versions([*content.dated["word_lists"], content.wordings])
    for template in content.templates:
        found += [Problem(template.file, field, message) for field, message in lint_template(template.content, on=on)]
    if not found:
        found = [*_references(content), *_settings_schemas(content.modules)]
    return found


def check(content: Content, *, on: date) -> None:
    """Raise CatalogError with every problem, each with its file and path."""
    found = problems(content, on=on)
    if found:
        raise CatalogError(found)
