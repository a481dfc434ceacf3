"""Wordings: what plainly means stop, what may mean it, and what sounds like it and is about something else.

The expressions themselves are content: catalog/data/reply_wordings.yaml. Each rule has a name, which stays with the
text as evidence.
"""

import re
from difflib import SequenceMatcher
from functools import cache
from typing import Any

from campaigns.compliance.replies_reading import Reading
from catalog.reading import DATA, PART, read_yaml

# These name a list or a thing to be taken off: a visit is one, too.
_MAY_BE_A_VISIT = frozenset({"take_me_off", "remove_me", "be_removed", "stop_messages"})
_OF_TEXTS = re.compile(r"\b(?:te?xt\w*|messag\w*|mailing|marketing|spam|your list|the list|this list)\b")
_NOT_ME = re.compile(
    r"\b(?:[Tt]his (?:is not|is no longer|isn[’']?t|ain[’']?t)|I[’']?m not|[Ii] am not|[Nn]ot|[Nn]o|[Nn]o longer|"
    r"don[’']?t know (?:an?|any(?:one|body)? (?:named|called|by the name of)?|any)) ?"
    r"([A-Z][a-z]+)(?:[’']?s (?:number|phone|cell)(?: any ?more)?)?(?: [A-Z][a-z]+)?"
    r"(?: (?:here|at this number|any ?more))?\s*(?:[.!,\n]|$)"
)
# Shouted amid other words: somebody did as the message says.
_SHOUTED = re.compile(r"(?<![A-Za-z])STOP(?![A-Za-z])(?! (?:SIGN|BY|IN|AT|sign|by|in|at|light))")
_SIGNS = re.compile("[🛑🖕🚫⛔✋🤬]")


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(DATA / "reply_wordings.yaml", DATA)
    return content


def version() -> int:
    """Which wordings a text is read by."""
    return int(_content()["version"])


@cache
def words_of(name: str) -> frozenset[str]:
    """A list of plain words, such as ``fillers``."""
    return frozenset(str(_content()[name]).split())


def _compiled(alternatives: list[str]) -> re.Pattern[str]:
    parts = _content()["parts"]
    return re.compile("|".join(PART.sub(lambda found: parts[found.group(1)], each) for each in alternatives))


@cache
def _rule(name: str) -> re.Pattern[str]:
    return _compiled(_content()[name])


@cache
def _rules(kind: str) -> dict[str, re.Pattern[str]]:
    return {name: _compiled(alternatives) for name, alternatives in _content()[kind].items()}


def plain_stop(clause: str) -> str:
    """The rule by which a clause plainly asks to stop; empty when none does."""
    if _goes_on(clause):
        return ""
    if _is_unsubscribe(clause):
        return "unsubscribe"
    for name, pattern in _rules("stop").items():
        if pattern.search(clause) and not (name in _MAY_BE_A_VISIT and _about_a_visit(clause)):
            return name
    return ""


def _goes_on(text: str) -> bool:
    """The other way round: asked to go on, or told of something that stopped by itself."""
    return _rule("goes_on").search(text) is not None


def _about_a_visit(clause: str) -> bool:
    visit = re.search(rf"\b(?:{_content()['parts']['other_place']})\b", clause)
    return visit is not None and _OF_TEXTS.search(clause) is None


def _is_unsubscribe(clause: str) -> bool:
    """The word itself, or what is nearly it: nobody can spell it."""
    return any(
        word.startswith(("unsub", "unsus")) or SequenceMatcher(None, word, "unsubscribe").ratio() > 0.8
        for word in clause.split()
        if 5 < len(word) < 16 and not word.startswith(("sub", "resub"))
    )


def restricted(clause: str, whole: str) -> str:
    """Asked to stop at some times or on one number only: somebody must read it."""
    if _rule("for_good").search(clause):
        return ""
    if _rule("elsewhere").search(whole):
        return "stop_here_only"
    return "stop_at_times" if _rule("at_times").search(clause) else ""


def shouts_stop(reading: Reading) -> bool:
    """STOP in capitals in a text that is not all in capitals."""
    text = reading.original
    return (
        text != text.upper()
        and "stop" in reading.plain.split()
        and _SHOUTED.search(text) is not None
        and not _goes_on(reading.plain)
    )


def wrong_number(reading: Reading) -> str:
    """The rule by which somebody says that the number is not the customer's; empty when nobody does."""
    theirs = _rule("wrong_of_theirs")
    for clause in reading.clauses:
        if _rule("wrong_number").search(clause) and not theirs.search(clause) and not theirs.search(reading.plain):
            return "wrong_number"
    found = _NOT_ME.search(reading.original)
    return "not_this_person" if found and found.group(1) not in words_of("no_names") else ""


def wants_back(reading: Reading) -> bool:
    """Whether somebody asks in own words for texts again."""
    return _rule("wants_back").search(reading.plain) is not None


def may_be_stop(reading: Reading) -> str:
    """The rule by which a person should look whether this is a stop; empty when it is an ordinary answer."""
    plain, unclear = reading.plain, _rules("unclear")
    if not plain:
        return "sign" if _SIGNS.search(reading.original) else ""
    if _goes_on(plain) and not unclear["spam"].search(plain):
        return ""
    for name, pattern in unclear.items():
        if pattern.search(plain) and not (name == "bare_stop" and _rule("stops_itself").search(plain)):
            return name
    return ""
