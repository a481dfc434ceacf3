"""The files that the local outbox of this host keeps of messages to people who are erased."""

from collections.abc import Iterable
from pathlib import Path


def remove_files(folder: Path, references: Iterable[str], *, keep: bool = False) -> int:
    """Remove the messages with these references, also those that left twice (``…~2``); how many files there were.

    ``keep``: they are only counted.
    """
    if not folder.is_dir():
        return 0
    gone = 0
    for reference in references:
        for path in [*folder.glob(f"{reference}.*"), *folder.glob(f"{reference}~*")]:
            if not keep:
                path.unlink(missing_ok=True)
            gone += 1
    return gone
