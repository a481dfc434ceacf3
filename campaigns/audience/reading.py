"""Opening the files that people really have: packed or not, any encoding and delimiter, spreadsheets."""

import codecs
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from openpyxl import load_workbook

from campaigns.audience.reading_text import BROKEN, Header, Row, UnreadableFile, header_of, row_of, text_rows

__all__ = ["BROKEN", "Row", "Table", "UnreadableFile", "count_rows", "opened", "other_encoding"]

MOST_UNPACKED = 2 << 30
_MOST_DECODED = 64 << 20  # of a packed file, only to find out its encoding
_GZIP, _ZIP, _OLE = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_NOT_CSV = re.compile(rb"\s*(<!doctype|<html|<\?xml|<table|%pdf|\{)", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """A file that was opened: the names of its columns, trimmed and lower case, and its rows with their lines.

    ``written``: the names as the file writes them.
    """

    header: list[str]
    rows: Iterator[Row]
    written: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def opened(
    path: Path, *, encoding: str | None = None, delimiter: str | None = None, only: frozenset[str] | None = None
) -> Iterator[Table]:
    """The file as a table; raises UnreadableFile, then or while its rows are read.

    ``only`` these columns are wanted (a workbook gives them all).
    """
    if not path.is_file():
        raise UnreadableFile(f"There is no file {path}.")
    try:
        with _bytes(path) as probe:
            first = probe.read(65_536)
        _refuse_other_formats(first, path)
        if first.startswith(_ZIP):
            with _workbook(path) as table:
                yield table
            return
        chosen = _known_encoding(encoding) if encoding else _encoding(first)
        with _bytes(path) as raw:
            text: IO[str] = io.TextIOWrapper(raw, encoding=chosen, newline="")
            rows = text_rows(text, delimiter or _delimiter(first.decode(chosen, "replace")), path.name, only)
            yield _table(rows)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path.name} cannot be unpacked: {error}.") from error


def _table(rows: Iterator[Any]) -> Table:
    """Of what is read first the header is made, the rest are the rows."""
    header: Header = next(rows)
    return Table(header.names, cast("Iterator[Row]", rows), header.written)


def other_encoding(path: Path) -> str:
    """Which encoding a file that is not what it seems to be is probably in; empty where it can be read as it stands.

    Bytes do not tell one of a dozen from another: a person is to look whether the names are right.
    """
    with _bytes(path) as raw:
        first = raw.read(65_536)
    if first.startswith(_ZIP) or _decodes(path, _encoding(first)):
        return ""
    return "cp1252" if _decodes(path, "cp1252") else "mac_roman"  # which has a letter for every byte


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with _bytes(path) as raw:
        try:
            for _ in range(_MOST_DECODED >> 20):
                part = raw.read(1 << 20)
                decoder.decode(part, final=not part)
                if not part:
                    break
        except UnicodeDecodeError:
            return False
    return True


def count_rows(path: Path) -> int:
    """About how many rows there are below the header, for a bar that says how far an import has come."""
    with _bytes(path) as raw:
        if not raw.read(4).startswith(_ZIP):
            raw.seek(0)
            return max(sum(part.count(b"\n") for part in iter(lambda: raw.read(1 << 20), b"")) - 1, 0)
    with path.open("rb") as file:
        book = load_workbook(file, read_only=True)
        try:
            sheet: Any = book.worksheets[0]
            last = sheet.max_row or 0
            if last < 2:  # not said, or wrongly
                sheet.reset_dimensions()
                last = sum(1 for _ in sheet.iter_rows())
            return max(last - 1, 0)
        finally:
            book.close()


def _bytes(path: Path) -> IO[bytes]:
    """What is in the file, unpacked."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return cast("IO[bytes]", gzip.open(path, "rb") if packed else path.open("rb"))


def _refuse_other_formats(first: bytes, path: Path) -> None:
    if first.startswith(_OLE):
        raise UnreadableFile(f"{path.name} is an old or encrypted Excel file: save it as .xlsx or as CSV.")
    looks_like = _NOT_CSV.match(first.removeprefix(b"\xef\xbb\xbf"))
    if looks_like:
        word = looks_like.group(1).decode()
        raise UnreadableFile(f"{path.name} is not a CSV file: it begins with {word!r}. Export it as CSV.")


def _known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise UnreadableFile(f"The mapping's encoding {name!r} is not known.") from error


def _encoding(first: bytes) -> str:
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(first) >= 4 and first[0] and first[2] and first[1:2] == first[3:4] == b"\0":
        return "utf-16-le"
    if len(first) >= 4 and first[1] and first[3] and first[0:1] == first[2:3] == b"\0":
        return "utf-16-be"
    return "utf-8-sig"


def _delimiter(start: str) -> str:
    """The delimiter that the header line uses most, outside quotes."""
    line = next((line for line in re.split(r"[\r\n]", start.lstrip("\ufeff")) if line.strip()), "")
    stated = re.fullmatch(r"sep=(.)", line.strip('"'))
    if stated:  # as Excel writes it
        return stated.group(1)
    bare = "".join(part for number, part in enumerate(line.split('"')) if number % 2 == 0)
    return max((",", ";", "\t"), key=bare.count)


@contextmanager
def _workbook(path: Path) -> Iterator[Table]:
    """The first sheet of a workbook, its cells as they would stand in a CSV file."""
    with path.open("rb") as file:  # not by its name, which need not say what it is
        try:
            with zipfile.ZipFile(file) as archive:
                unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > MOST_UNPACKED:
                raise UnreadableFile(f"{path.name} would unpack to {unpacked >> 20:,} MB: export it as CSV.")
            book = load_workbook(file, read_only=True, data_only=True)
        except UnreadableFile:
            raise
        except Exception as error:  # of a broken workbook openpyxl raises nearly anything
            raise UnreadableFile(f"{path.name} is not a workbook that can be read: {error}.") from error
        try:
            rows = _sheet_rows(book, path.name)
            yield _table(rows)
        finally:
            book.close()


def _sheet_rows(book: Any, name: str) -> Iterator[Any]:
    header: list[str] = []
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what some programs write there is wrong, and openpyxl would read no further
        for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            cells = [_cell(value) for value in values]
            if not any(cells):
                continue
            if header:
                yield number, row_of(header, cells + [""] * (len(header) - len(cells)))
            else:
                found = header_of(cells, name)
                header = found.names
                yield found
    except UnreadableFile:
        raise
    except Exception as error:
        raise UnreadableFile(f"{name} is not a workbook that can be read: {error}.") from error
    if not header:
        header_of([], name)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        # Excel keeps fifteen digits; what follows them is noise of the binary number.
        return str(int(value)) if value.is_integer() else f"{value:.15g}"
    isoformat = getattr(value, "isoformat", None)
    if callable(isoformat):
        # A date is kept as its midnight.
        return str(isoformat()).removesuffix("T00:00:00")
    return str(value).replace("\0", "")
