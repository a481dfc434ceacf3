"""The rejects file: the rows of a file that were not taken, each with its line and the reason, ready to be mended.

It has the file's own columns behind ``line`` and ``reason``, so that it can be imported again (with the same mapping)
once the rows are mended.
"""

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from campaigns.audience.reading import Row
from campaigns.audience.reading_text import REJECTS_COLUMNS
from winback.spreadsheets import harmless

Refused = tuple[int, str, Sequence[Row]]


def append(path: Path, header: Sequence[str], refused: Iterable[Refused], *, size: int) -> int:
    """Write refused records behind the first ``size`` bytes, which are all that is committed; returns the new size.

    What a killed import had written behind them is dropped, so that every row stands there once.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    columns = [name for name in header if name]
    # The rows are people's data: for the owner alone.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with open(descriptor, "r+", encoding="utf-8", newline="") as file:
        size = min(size, os.fstat(descriptor).st_size)
        file.truncate(size)
        file.seek(size)
        writer = csv.writer(file)
        if not size:
            writer.writerow([*REJECTS_COLUMNS, *map(harmless, columns)])
        for _, reason, rows in refused:
            for line, row in rows:
                writer.writerow([line, harmless(reason), *(harmless(row.get(name, "")) for name in columns)])
        file.flush()
        return file.tell()
