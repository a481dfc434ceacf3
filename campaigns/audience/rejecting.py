"""The rejects file: the rows of a file that were not taken, each with its line and the reason, ready to be mended.

It has the file's own columns behind ``line`` and ``reason``, so that it can be imported again (with the same mapping)
once the rows are mended.
"""

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from campaigns.audience.reading import Row
from campaigns.audience.reading_text import REJECTS_COLUMNS
from winback.spreadsheets import harmless

Refused = tuple[int, str, Sequence[Row]]


def append(path: Path, written: Mapping[str, str], refused: Iterable[Refused], *, size: int) -> int:
    """Write refused records behind the first ``size`` bytes, which are all that is committed; returns the new size.

    ``written``: the columns by name, as the file writes them. What a killed import had written behind them is dropped,
    so that every row stands there once.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # The rows are people's data: for the owner alone.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with open(descriptor, "r+", encoding="utf-8", newline="") as file:
        size = min(size, os.fstat(descriptor).st_size)
        file.truncate(size)
        file.seek(size)
        writer = csv.writer(file)
        if not size:
            writer.writerow([*REJECTS_COLUMNS, *map(harmless, written.values())])
        for _, reason, rows in refused:
            for line, row in rows:
                writer.writerow([line, harmless(reason), *(harmless(row.get(name, "")) for name in written)])
        file.flush()
        return file.tell()


Names = Callable[[Sequence[str]], bool]
"""Whether the cells of a row are about somebody."""


def naming(folder: Path, names: Names) -> list[dict[str, str]]:
    """The rows about somebody in every file here, each with its file and under its columns."""
    found = []
    for path, header, rows in _files(folder):
        found += [{"file": path.name} | dict(zip(header, row, strict=False)) for row in rows if names(row)]
    return found


def forget(folder: Path, names: Names, *, keep: bool = False) -> int:
    """Take the rows about somebody out of every file here; how many. ``keep``: they are only counted.

    An import that was killed goes on behind what is left: ``append`` never looks further than the file's end.
    """
    gone = 0
    for path, header, rows in _files(folder):
        left = [row for row in rows if not names(row)]
        gone += len(rows) - len(left)
        if keep or len(left) == len(rows):
            continue
        part = path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *left])
        os.replace(part, path)
    return gone


def _files(folder: Path) -> Iterator[tuple[Path, list[str], list[list[str]]]]:
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
        yield path, header, rows
