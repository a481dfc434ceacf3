"""CSV as it is really written: broken rows are told apart from their neighbours, whatever their quotes say."""

import csv
from collections import deque
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from winback.spreadsheets import as_meant

MOST_COLUMNS = 500
MOST_CHARACTERS = 1_000_000  # of a line, and of a value
MOST_LINES = 1_000  # of one row: more than that is a quote that nobody closed
csv.field_size_limit(MOST_CHARACTERS)

Row = tuple[int, dict[str, str]]
# Under this name a row carries the reason why it cannot be read; no column can be called so.
BROKEN = "\0broken"
# What a rejects file has before the file's own columns.
REJECTS_COLUMNS = ["line", "reason"]
_OPEN_QUOTE = "a quote is opened and not closed, or a delimiter stands outside quotes"


class Header(NamedTuple):
    """The columns of a file: their names, trimmed and lower case, and how the file itself writes each."""

    names: list[str]
    written: dict[str, str]


class UnreadableFile(ValueError):
    """The file cannot be read at all; the message says why, where, and how to mend it."""


class _NeverClosed(Exception):
    """A row that runs on and on."""


class _Lines:
    """The file's lines for csv.reader; those that a broken row swallowed can be given back."""

    def __init__(self, text: IO[str], name: str) -> None:
        self.text, self.name = text, name
        self.row: list[str] = []
        self.returned: deque[str] = deque()
        self.number = 0
        self.ended = False
        self.apostrophe = False  # whether one stands in the row: few rows have one, so the others are spared the look

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.returned:
            line = self.returned.popleft()
        else:
            line = self.text.readline(MOST_CHARACTERS + 1)
            if not line:
                self.ended = True
                raise StopIteration
            if len(line) > MOST_CHARACTERS:
                raise UnreadableFile(
                    f"{self.name}: line {self.number + 1} has over {MOST_CHARACTERS:,} characters. Is it a CSV file?"
                )
            if "\0" in line:
                line = line.replace("\0", "")
        if "'" in line:
            self.apostrophe = True
        self.number += 1
        self.row.append(line)
        if len(self.row) > MOST_LINES:
            raise _NeverClosed
        return line

    def give_back_all_but_first(self) -> str:
        self.returned.extendleft(reversed(self.row[1:]))
        self.number -= len(self.row) - 1
        self.ended = False
        return self.row[0]


def text_rows(text: IO[str], delimiter: str, name: str, only: frozenset[str] | None = None) -> Iterator[Any]:
    """First the header, then each row with the line that it ends on, as text by column."""
    lines = _Lines(text, name)
    try:
        yield from _rows(lines, delimiter, name, only)
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{name} is not {error.encoding.upper()}: the byte 0x{error.object[error.start]:02x} some lines after "
            f"line {lines.number} is no text in it. Save the file as “CSV UTF-8”, or name its encoding in a mapping."
        ) from error


def _rows(lines: _Lines, delimiter: str, name: str, only: frozenset[str] | None) -> Iterator[Any]:
    header: list[str] = []
    wanted: list[tuple[int, str]] | None = None
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        lines.row, lines.apostrophe = [], False
        broken = False
        try:
            values = next(reader)
        except StopIteration:
            break
        except (csv.Error, _NeverClosed):
            broken, values = True, []
        # The file ended within a row; or a row of several lines has not as many values as there are columns.
        broken = broken or (lines.ended and bool(lines.row))
        if header and len(lines.row) > 1 and len(values) != len(header):
            broken = broken or all(_count(line, delimiter) == len(header) for line in lines.row[1:])
        if broken:
            if not header:
                raise UnreadableFile(f"{name}, line 1: {_OPEN_QUOTE}, in the row that should name the columns.")
            first = lines.give_back_all_but_first()
            yield lines.number, {header[0]: first.strip(), BROKEN: _OPEN_QUOTE}
            reader = csv.reader(lines, delimiter=delimiter)
        elif header:
            if any(values):
                row = row_of(header, values, as_exported=lines.apostrophe, only=wanted)
                if len(lines.row) > 1 and len(values) < len(header):
                    row[BROKEN] = _OPEN_QUOTE
                yield lines.number, row
        elif any(values) and not (len(values) <= 2 and values[0].lower().startswith("sep=")):
            found = header_of(values, name)
            header = found.names
            wanted = None if only is None else [(place, each) for place, each in enumerate(header) if each in only]
            yield found
    if not header:
        header_of([], name)


def _count(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 0


def row_of(
    header: list[str],
    values: list[str],
    *,
    as_exported: bool = False,
    only: list[tuple[int, str]] | None = None,
) -> dict[str, str]:
    """The values by column, trimmed; too many of them make the row a broken one."""
    if only is None:
        row = dict(zip(header, map(str.strip, values), strict=False))
        row.pop("", None)
    else:
        row = {name: values[place].strip() for place, name in only if place < len(values)}
    if as_exported:
        row = {name: as_meant(value) for name, value in row.items()}
    if len(values) > len(header) and any(values[len(header) :]):
        row[BROKEN] = "has more values than the header has columns (an unquoted delimiter?)"
    return row


def header_of(values: list[str], name: str) -> Header:
    """The names of the columns; raises UnreadableFile when they are none."""
    written = [as_meant(value.strip()) for value in values]
    names = [value.lower() for value in written]
    while names and not names[-1]:
        names.pop()
    if names[:2] == REJECTS_COLUMNS:  # a rejects file that was mended: what it says about the rows is no part of them
        names[:2] = ["", ""]
    if not any(names):
        raise UnreadableFile(f"{name} has no header row: the first line must name the columns.")
    if len(names) > MOST_COLUMNS:
        raise UnreadableFile(f"{name} has {len(names)} columns; at most {MOST_COLUMNS} are read.")
    twice = sorted({column for column in names if column and names.count(column) > 1})
    if twice:
        raise UnreadableFile(f"{name} has the column {', '.join(twice)} twice: rename one of them.")
    return Header(names, {column: as_written for column, as_written in zip(names, written, strict=False) if column})
