"""Rows of one file that mean the same record: the last that is valid wins, wherever in the file the others stand.

Within a batch a dictionary tells. A file of several batches is gone through once beforehand, in a memory that does not
grow with the file; else a file that has a record twice, far apart, would write it back and forth at every import.
"""

from collections.abc import Callable, Iterable

from campaigns.audience.mapping import Record

_BITS = 1 << 28  # 32 MB; of a million different rows less than one looks as if it had come before
_MASK = _BITS - 1


def last_lines(
    keys: Callable[[], Iterable[Record]],
    records: Callable[[], Iterable[Record]],
    rough_key: Callable[[dict[str, str]], str],
    key: Callable[[dict[str, str]], str | None],
) -> dict[str, int]:
    """For each record that a file has more than once, the line of its last valid row.

    ``keys`` gives the records with no more than ``rough_key`` needs, which is quick and the same for rows that mean the
    same; ``key`` reads the whole row, and is None where the row is rejected.
    """
    repeated = _repeated(hash(rough_key(row)) for _, row, _ in keys())
    last: dict[str, int] = {}
    if repeated:
        for line, row, _ in records():
            if hash(rough_key(row)) in repeated:
                name = key(row)
                if name is not None:
                    last[name] = line
    return last


def _repeated(hashes: Iterable[int]) -> set[int]:
    """Those that come up more than once (and, rarely, one that does not): a Bloom filter with three marks each."""
    seen = bytearray(_BITS >> 3)
    repeated = set()
    for value in hashes:
        known = True
        for place in (value & _MASK, (value >> 18) & _MASK, (value >> 36) & _MASK):
            bit = 1 << (place & 7)
            if not seen[place >> 3] & bit:
                seen[place >> 3] |= bit
                known = False
        if known:
            repeated.add(value)
    return repeated
