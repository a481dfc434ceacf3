"""How a reason names a field to a person: by its label, and by what the file itself calls the column."""

import re
from collections.abc import Mapping

from campaigns.audience.columns import LABELS


def in_words(reason: str, kind: str, headings: Mapping[str, str]) -> str:
    """The reason, in which each of these fields has its label and its heading in the file, if it is said.

    A field that is not among them keeps its name: that is then what its column is called.
    """
    if not headings:
        return reason
    # Names such as “email” and “address” are words of sentences too: they are fields before a colon and in a list.
    is_list = reason.startswith("needs ")
    names = "|".join(sorted(headings, key=len, reverse=True))
    joined = "|".join(sorted((name for name in headings if "_" in name), key=len, reverse=True)) or "(?!)"
    anywhere = names if is_list else joined
    fields = re.compile(rf"(?:^|(?<=; ))({names})(?=: )|(?<![\w'“\"@./-])({anywhere})(?![\w'”\"@-])")
    return fields.sub(lambda found: _called(found[1] or found[2], kind, headings), reason)


def _called(field: str, kind: str, headings: Mapping[str, str]) -> str:
    label = LABELS[kind].get(field, field).partition(" (")[0]
    return f"{label} (“{headings[field]}”)" if headings[field] else label
