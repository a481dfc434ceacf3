"""Cells that a spreadsheet shows as text and does not run: written with an apostrophe before, read without it."""

import re

# What a spreadsheet takes for the beginning of a formula; an apostrophe before it may be ours already.
_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")


def harmless(text: str) -> str:
    """The cell as it is exported; ``as_meant(harmless(text)) == text`` for every text."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def as_meant(text: str) -> str:
    """The cell as it was before ``harmless``, or before a spreadsheet's own apostrophe."""
    return text[1:] if text[:1] == "'" and _DANGEROUS.match(text) else text
