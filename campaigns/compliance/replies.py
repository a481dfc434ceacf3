"""What a person means who texts back: a stop in any disguise, a question, a wrong number. Pure: text in, meaning out.

First what stands alone is compared with the keywords of catalog/data/reply_keywords.yaml; then the person's own words
are read (replies_wording.py). What may be a stop and may be something else is UNCLEAR: a person decides, and meanwhile
nothing is sent.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

from campaigns.compliance import replies_wording as wording
from campaigns.compliance.replies_reading import Reading, letters_of, read, squeezed
from catalog.reading import DATA, read_yaml


class Meaning(StrEnum):
    """What is to be done about a text."""

    OPT_OUT = "opt_out"
    START = "start"
    HELP = "help"
    WRONG_NUMBER = "wrong_number"
    UNCLEAR = "unclear"
    OTHER = "other"


@dataclass(frozen=True)
class Understood:
    """How a text was understood, and by which rule: the evidence that stays with it."""

    meaning: Meaning
    rule: str


@lru_cache(maxsize=8)
def _keywords(day: date) -> dict[str, tuple[str, str]]:
    """Meaning and rule by the letters of each keyword in force, doubled letters written once."""
    rows: list[dict[str, Any]] = read_yaml(DATA / "reply_keywords.yaml", DATA)
    return {
        squeezed(letters_of(word)): (row["meaning"], row["code"])
        for row in reversed(rows)
        if date.fromisoformat(row["valid_from"]) <= day
        and (not row.get("valid_to") or day <= date.fromisoformat(row["valid_to"]))
        for word in row["words"]
    }


# Said in a sentence of their own beside others, these alone are plain; “cancel” or “end” may be about a visit.
_PLAIN_ALONE = frozenset(map(squeezed, ("stop", "stopall", "unsubscribe", "optout", "revoke", "arret", "unsub")))


def understand(text: str, *, on: date, opted_out: bool = False) -> Understood:
    """What a text means. ``opted_out``: the number had said stop, so that YES can take it back."""
    reading = read(text)
    if reading.is_reaction:
        return Understood(Meaning.OTHER, "reaction")
    keyword = _keyword(reading, _keywords(on), opted_out)
    if keyword is not None and keyword.meaning != Meaning.OPT_OUT:
        return keyword
    wrong = wording.wrong_number(reading)
    if wrong:
        return Understood(Meaning.WRONG_NUMBER, wrong)
    if keyword is not None:
        return keyword
    for clause in reading.clauses:
        rule = wording.plain_stop(clause)
        if rule:
            unclear = wording.restricted(clause, reading.plain)
            return Understood(Meaning.UNCLEAR, unclear) if unclear else Understood(Meaning.OPT_OUT, rule)
    if wording.shouts_stop(reading):
        return Understood(Meaning.OPT_OUT, "shouted")
    if wording.wants_back(reading):
        return Understood(Meaning.START if opted_out else Meaning.OTHER, "wants_back")
    rule = wording.may_be_stop(reading)
    return Understood(Meaning.UNCLEAR, rule) if rule else Understood(Meaning.OTHER, "none")


def _keyword(reading: Reading, keywords: dict[str, tuple[str, str]], opted_out: bool) -> Understood | None:
    """The keyword that a text, its first line, or one of its sentences consists of."""
    whole = _alone(reading.plain, keywords)
    first = _alone(reading.lines[0], keywords) if reading.lines else None
    for found in (whole, first):
        if found is not None:
            meaning, rule = found
            if meaning != "start_if_opted_out":
                return Understood(Meaning(meaning), rule)
            return Understood(Meaning.START if opted_out else Meaning.OTHER, rule)
    for part in (*reading.sentences, *reading.clauses):
        found = _alone(part, keywords)
        if found is None or found[0] != Meaning.OPT_OUT:
            continue
        if any(squeezed(letters_of(word)) in _PLAIN_ALONE for word in [part, *part.split()]):
            return Understood(Meaning.OPT_OUT, found[1])
        if part in reading.sentences:
            return Understood(Meaning.UNCLEAR, found[1])
    return None


def _alone(words: str, keywords: dict[str, tuple[str, str]]) -> tuple[str, str] | None:
    """The keyword that these words are: in letters however spaced, repeated, or with courtesies around it."""
    letters = squeezed(letters_of(words))
    if not letters or len(letters) > 200:
        return None
    if letters in keywords:
        return keywords[letters]
    left = [word for word in words.split() if word not in wording.words_of("fillers")]
    if left and len(left) < len(words.split()):
        without = squeezed(letters_of(" ".join(left)))
        if without in keywords:
            return keywords[without]
    # Again and again, or several of one kind: “stop stop STOP”, “stop, unsubscribe”.
    found = [keywords.get(squeezed(letters_of(word))) for word in left]
    kinds = {each[0] if each else None for each in found}
    if len(found) > 1 and len(kinds) == 1 and None not in kinds:
        return found[0]
    for letters_of_one, found_one in keywords.items():
        if len(letters_of_one) > 3 and re.fullmatch(f"(?:{letters_of_one}){{2,}}", letters):
            return found_one
    return None
