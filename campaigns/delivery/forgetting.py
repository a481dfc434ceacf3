"""The files that the local outbox of this host keeps of messages to people who are erased."""

import re
from collections.abc import Iterable
from pathlib import Path


def remove_files(folder: Path, references: Iterable[str], *, keep: bool = False) -> int:
    """Remove the messages with these references, also those that left twice (``…~2``); how many files there were.

    ``keep``: they are only counted.
    """
    theirs = set(references)
    if not theirs or not folder.is_dir():
        return 0
    found = [path for path in folder.iterdir() if re.split(r"[.~]", path.name, maxsplit=1)[0] in theirs]
    for path in found if not keep else ():
        path.unlink(missing_ok=True)
    return len(found)
