"""A full name that stands in one column, told apart into first and last name only where that is sure.

A greeting without a name is always right; one with a surname, half a couple or a company in it never is. So there is
no guessing: what could be something else than “first last” or “last, first” stays whole, as the last name.
(nameparser finds a first name in everything: Blue in “Blue Ocean”, Smith in “Smith Family”, J. in “J. Smith”.)
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from catalog.word_lists import set_of

# Where the family's name comes first also in Latin letters.
_FAMILY_FIRST = frozenset({"CN", "HK", "HU", "JP", "KH", "KP", "KR", "MO", "SG", "TW", "VN"})
# Other letters are those of places in which exports put the family's name first.
_LETTERS = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"
_WORD = re.compile(rf"[{_LETTERS}]+(?:[-'’][{_LETTERS}]+)*\.?\Z")
_POSSESSIVE = re.compile(r"['’]s?\Z", re.IGNORECASE)
_MOST_WORDS = 4
_LONGEST_INITIALS = 3


class Name(NamedTuple):
    """What a full name says; ``is_whole``: nobody can say which part of it is what."""

    first: str
    last: str
    company: str
    is_whole: bool = False


class _Lists(NamedTuple):
    """The lists of words of a day, looked up once: a file may have a million names."""

    placeholders: frozenset[str]
    titles: frozenset[str]
    suffixes: frozenset[str]
    company_forms: frozenset[str]
    no_part: frozenset[str]
    no_given: frozenset[str]


@lru_cache(maxsize=8)
def _lists(day: date) -> _Lists:
    placeholders = set_of("placeholders", day)
    return _Lists(
        placeholders,
        set_of("titles", day),
        set_of("name_suffixes", day),
        set_of("company_forms", day),
        set_of("no_part_of_a_name", day),
        set_of("no_given_names", day) | placeholders,
    )


def told_apart(text: str, *, country: str, on: date) -> Name:
    """The parts of a full name, by the lists of words of a day."""
    lists = _lists(on)
    line = " ".join(unicodedata.normalize("NFC", text).split())
    words = [_bare(word) for word in re.split(r"[\s,]+", line)]
    if not line or line.lower() in lists.placeholders:
        return Name("", "", "")
    if not lists.company_forms.isdisjoint(words):
        return Name("", "", line)
    if not lists.no_part.isdisjoint(words):
        return Name("", line, "", is_whole=True)
    before, comma, behind = (part.strip() for part in line.partition(","))
    found = None
    if comma and not _without_suffixes(behind.split(), lists):  # John Smith, Jr.
        found = _first_last(before.split(), country, lists)
        found = found and (found[0], f"{found[1]}, {behind}")
    elif comma:
        found = _last_first(before.split(), behind.split(), lists)
    else:
        found = _first_last(line.split(), country, lists)
    return Name(*found, "") if found else Name("", line, "", is_whole=True)


def _first_last(words: Sequence[str], country: str, lists: _Lists) -> tuple[str, str] | None:
    if country in _FAMILY_FIRST:
        return None
    words = _without_titles(words, lists)
    named = _without_suffixes(words, lists)
    if not 2 <= len(named) <= _MOST_WORDS or not all(map(_is_word, named)) or not _is_spelled_out(named[0]):
        return None
    if named[0].lower() in lists.no_given:
        return None
    if _in_capitals(named[0]) and not all(map(_in_capitals, named)):
        return None  # as the French write the surname, or initials
    return words[0], " ".join(words[1:])


def _last_first(last: Sequence[str], first: Sequence[str], lists: _Lists) -> tuple[str, str] | None:
    named = _without_suffixes(first, lists)
    given = _without_titles(named, lists)
    suffixes = first[len(named) :]
    if not 1 <= len(given) < _MOST_WORDS or not 1 <= len(last) < _MOST_WORDS:
        return None
    if not all(map(_is_word, [*given, *last])) or not _is_spelled_out(given[0]):
        return None
    return " ".join(given), " ".join([*last, *suffixes])


def _without_titles(words: Sequence[str], lists: _Lists) -> Sequence[str]:
    start = 0
    while start < len(words) and _bare(words[start]) in lists.titles:
        start += 1
    return words[start:]


def _without_suffixes(words: Sequence[str], lists: _Lists) -> Sequence[str]:
    end = len(words)
    while end and _bare(words[end - 1]) in lists.suffixes:
        end -= 1
    return words[:end]


def _is_spelled_out(word: str) -> bool:
    """Whether it is more than initials."""
    spoken = len(word) > _LONGEST_INITIALS or re.search("[aeiouyà-öø-ɏ]", word.lower()) is not None
    return len(word) > 1 and not word.endswith(".") and spoken


def _is_word(word: str) -> bool:
    return _WORD.match(word) is not None and _POSSESSIVE.search(word) is None


def _in_capitals(word: str) -> bool:
    return len(word) > 1 and word.isupper()


def _bare(word: str) -> str:
    return word.lower().replace(".", "").strip("()\"'“”:;")
