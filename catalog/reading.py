"""Reading catalog/data: the files as plain dictionaries, each with its checksum. No database here."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).resolve().parent / "data"
_RENDER = re.compile(r"""\{%-?\s*render\s+["']([\w.-]+)["']\s*-?%\}""")
_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)
DATED = ("consent_rules", "frequency_caps", "reply_keywords", "reputation_rules", "tracking_rules", "word_lists")
"""Lists of dated rows that stand in a file of their own and are read from it."""

PART = re.compile(r"<([a-z_]+)>")
"""In an expression of reply_wordings.yaml: a part of that file that is put there."""

_AROUND = ("checksum", "valid_from", "valid_to", "source")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")


@dataclass(frozen=True)
class Problem:
    """What is wrong with the catalog's content, and where."""

    file: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.path + ': ' if self.path else ''}{self.message}"


class CatalogError(RuntimeError):
    """The catalog's content is not valid, so nothing of it was loaded: mend the files named here."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Entry:
    """One piece of content as it stands in its file."""

    file: str
    content: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.content["code"])

    @property
    def checksum(self) -> str:
        return hashlib.sha256(json.dumps(self.content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """YAML reads dates as dates; content is JSON."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def read_yaml(path: Path, data: Path) -> Any:
    try:
        return _plain(yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise CatalogError([Problem(str(path.relative_to(data)), "", f"not YAML: {error}")]) from error


def read_entries(kind: str, data: Path = DATA) -> list[Entry]:
    """The entries of a folder of YAML files, such as ``niches``, each named as its code."""
    entries = []
    for path in sorted((data / kind).glob("*.yaml")):
        file = f"{kind}/{path.name}"
        content = read_yaml(path, data)
        if not isinstance(content, dict) or content.get("code") != path.stem:
            raise CatalogError([Problem(file, "code", f"must be {path.stem!r}, as the file is called")])
        entries.append(Entry(file, content))
    return entries


def _expand(text: str, file: str, data: Path, depth: int = 0) -> str:
    """The text with every ``{% render "partial" %}`` replaced, so that a stored version is whole."""

    def partial(found: re.Match[str]) -> str:
        path = data / "partials" / found.group(1)
        if depth > 3 or not path.is_file():
            raise CatalogError([Problem(file, "", f"there is no partial {found.group(1)!r}")])
        return _expand(path.read_text(encoding="utf-8").strip(), file, data, depth + 1)

    return _RENDER.sub(partial, text)


def _front_matter(text: str, file: str) -> tuple[dict[str, Any], str]:
    found = _FRONT_MATTER.match(text)
    if found is None:
        raise CatalogError([Problem(file, "", "must begin with front matter between two lines of ---")])
    head = yaml.load(found.group(1), yaml.CSafeLoader)
    if not isinstance(head, dict):
        raise CatalogError([Problem(file, "", "front matter must hold keys")])
    return head, text[found.end() :]


def read_templates(data: Path = DATA) -> list[Entry]:
    """The message templates, whole: e-mail bodies within the layout, text parts with the footer."""
    entries = []
    for path in sorted((data / "templates").glob("*.email.mjml")):
        file = f"templates/{path.name}"
        head, body = _front_matter(path.read_text(encoding="utf-8"), file)
        text_path = path.with_name(path.name.replace(".email.mjml", ".email.txt"))
        if not text_path.is_file():
            raise CatalogError([Problem(file, "", f"has no text part {text_path.name}")])
        layout = (data / "partials" / "layout.mjml").read_text(encoding="utf-8")
        footer = (data / "partials" / "footer.txt").read_text(encoding="utf-8").strip()
        preheader = _expand(str(head.get("preheader", "")), file, data)
        mjml = layout.replace("<!--PREHEADER-->", preheader).replace("<!--CONTENT-->", body.rstrip())
        content = {
            "code": path.name.removesuffix(".email.mjml"),
            "channel": "email",
            "name": str(head.get("name", "")),
            "subject": _expand(str(head.get("subject", "")), file, data),
            "preheader": preheader,
            "mjml": _expand(mjml, file, data),
            "text": _expand(text_path.read_text(encoding="utf-8").strip(), file, data) + "\n\n" + footer + "\n",
        }
        entries.append(Entry(file, content))
    for path in sorted((data / "templates").glob("*.sms.txt")):
        file = f"templates/{path.name}"
        head, body = _front_matter(path.read_text(encoding="utf-8"), file)
        content = {
            "code": path.name.removesuffix(".sms.txt"),
            "channel": "sms",
            "name": str(head.get("name", "")),
            "subject": "",
            "preheader": "",
            "mjml": "",
            "text": _expand(body.strip(), file, data),
        }
        entries.append(Entry(file, content))
    return entries


def read_quiet_hours(data: Path = DATA) -> list[Entry]:
    """The rules of quiet_hours.yaml as they are written: windows by weekday or span of weekdays."""
    return [
        Entry("quiet_hours.yaml", rule if isinstance(rule, dict) else {"code": str(rule)})
        for rule in read_yaml(data / "quiet_hours.yaml", data)
    ]


def read_dated(name: str, data: Path = DATA) -> list[Entry]:
    """The rows of a file of dated rows, such as ``consent_rules``."""
    file = f"{name}.yaml"
    rows = read_yaml(data / file, data)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "code" in row for row in rows):
        raise CatalogError([Problem(file, "", "must be a list of rows, each with a code")])
    return [Entry(file, row) for row in rows]


def read_wordings(data: Path = DATA) -> Entry:
    """The expressions of reply_wordings.yaml."""
    content = read_yaml(data / "reply_wordings.yaml", data)
    if not isinstance(content, dict):
        raise CatalogError([Problem("reply_wordings.yaml", "", "must hold keys")])
    return Entry("reply_wordings.yaml", content)


def words_checksum(content: dict[str, Any]) -> str:
    """Of a list of words and its version, but not of its dates and source: a version’s words never change."""
    words = {name: value for name, value in content.items() if name not in _AROUND}
    return hashlib.sha256(json.dumps(words, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]


def windows(rule: dict[str, Any]) -> Iterator[tuple[int, str | None, str | None]]:
    """Each weekday of a rule (7: a public holiday) with its opening and closing time, both None where it is closed."""
    for days, window in rule["windows"].items():
        first, _, last = days.partition("-")
        opens, closes = (None, None) if window == "closed" else window.split("-")
        for weekday in range(_WEEKDAYS.index(first), _WEEKDAYS.index(last or first) + 1):
            yield weekday, opens, closes
