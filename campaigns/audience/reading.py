"""Reading the files that people really have: encodings, delimiters, spreadsheets; rows as text by column name."""

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

MOST_COLUMNS = 500
csv.field_size_limit(1_000_000)


class UnreadableFile(ValueError):
    """The file cannot be read at all; the message says why, where, and how to mend it."""


Row = tuple[int, dict[str, str]]


def read(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> Iterator[Row]:
    """Each row with the line it ends on, as text by column; column names are trimmed and lower case."""
    if not path.is_file():
        raise UnreadableFile(f"There is no file {path}.")
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        yield from _read_workbook(path)
        return
    with _opened(path, encoding) as (text, start):
        yield from _read_text(text, delimiter or _delimiter(start), path)


def _read_text(text: IO[str], delimiter: str, path: Path) -> Iterator[Row]:
    lines = (line.replace("\0", "") for line in text)
    reader = csv.reader(lines, delimiter=delimiter, strict=False)
    try:
        header = _header(next(reader, []), path)
        for values in reader:
            if values and any(values):
                yield reader.line_num, _row(header, values)
    except csv.Error as error:
        raise UnreadableFile(f"{path.name}, line {reader.line_num}: {error}.") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{path.name} is not {error.encoding.upper()}: the byte 0x{error.object[error.start]:02x} after line "
            f"{reader.line_num} is no text in it. Save the file as “CSV UTF-8”, or name its encoding in a mapping."
        ) from error


def _row(header: list[str], values: list[str]) -> dict[str, str]:
    row = {name: value.strip() for name, value in zip(header, values, strict=False) if name}
    if len(values) > len(header) and any(values[len(header) :]):
        row["\0extra"] = "more values than columns"
    return row


def _header(values: list[str], path: Path) -> list[str]:
    names = [value.strip().lower() for value in values]
    if not any(names):
        raise UnreadableFile(f"{path.name} has no header row: the first line must name the columns.")
    if names[0].startswith(("<!doctype", "<html", "<?xml", "pk\x03\x04", "%pdf")):
        raise UnreadableFile(f"{path.name} is not a CSV file: it begins like {names[0][:12]!r}. Export it as CSV.")
    if len(names) > MOST_COLUMNS:
        raise UnreadableFile(f"{path.name} has {len(names)} columns; at most {MOST_COLUMNS} are read.")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise UnreadableFile(f"{path.name} has the column {', '.join(twice)} twice: rename one of them.")
    return names


@contextmanager
def _opened(path: Path, encoding: str | None) -> Iterator[tuple[IO[str], str]]:
    """The file as text, with its first characters."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rb") as probe:
        try:
            first = probe.read(65_536)
        except (OSError, EOFError) as error:
            raise UnreadableFile(f"{path.name} cannot be unpacked: {error}.") from error
    chosen = encoding or _encoding(first)
    with opener(path, "rb") as raw:
        text = io.TextIOWrapper(raw, encoding=chosen, newline="")
        yield text, first.decode(chosen, "replace")


def _encoding(first: bytes) -> str:
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(first) >= 4 and first[1:2] == b"\0" and first[3:4] == b"\0":
        return "utf-16-le"
    return "utf-8-sig"


def _delimiter(start: str) -> str:
    """The delimiter that the header line uses most, outside quotes."""
    line = start.lstrip("\ufeff").split("\n", 1)[0]
    bare = "".join(part for number, part in enumerate(line.split('"')) if number % 2 == 0)
    return max((",", ";", "\t"), key=bare.count)


def _read_workbook(path: Path) -> Iterator[Row]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, OSError, KeyError, ValueError) as error:
        raise UnreadableFile(f"{path.name} is not a workbook that can be read: {error}.") from error
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        header = _header([_cell(value) for value in next(rows, ())], path)
        for number, values in enumerate(rows, start=2):
            cells = [_cell(value) for value in values]
            if any(cells):
                yield number, _row(header, cells)
    finally:
        book.close()


def _cell(value: object) -> str:
    """A cell as it would stand in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if callable(isoformat) else str(value)
