"""Where people are named in texts of any kind: an address as a whole, never as the end or the beginning of another's.

``ann@example.com`` does not stand in ``joann@example.com``, nor a number in a longer one. Texts are looked at byte by
byte, because a body may be in any encoding; what JSON and addresses of pages write in another way is understood.
"""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from ahocorasick import Automaton

COVER = "x"
"""Stands for each character of an erased person's number in reports that were not applied yet."""
_BEFORE = 32
"""How far back a word's beginning is looked at: a few escapes."""
_ESCAPE = re.compile(r"\\+u([0-9a-f]{4})|((?:%[0-9a-f]{2})+)|\\+[nrtbf/\"]|=(?:0[9ad]|20|22|3[cde])")
_LONGER = re.compile(r"[^\W_][.+_'-]*\Z")
_GOES_ON = re.compile(r"[a-z0-9]|[.-][a-z0-9]")


class Spelled:
    """Some words, each an address, a telephone number, a number of the business's own, or a reference of ours."""

    def __init__(self, words: Iterable[str], references: Iterable[str] = ()) -> None:
        self._known = Automaton()
        for word in words:
            for written in _ways(word):
                self._known.add_word(_searched(written), (len(_searched(written)), "@" in word or "%40" in word))
        for reference in references:
            self._known.add_word(_searched(reference), (len(reference), None))
        if self:
            self._known.make_automaton()

    def __bool__(self) -> bool:
        return len(self._known) > 0

    def named_in(self, text: str | bytes) -> bool:
        """Whether one of them stands in the text."""
        return next(self._places(_searched(text)), None) is not None

    def covered(self, text: bytes) -> bytes:
        """The text with all of them made unreadable: as long as before, so that whatever it is stays what it is."""
        found = bytearray(text)
        for start, end in self._places(_searched(text)):
            found[start:end] = COVER.encode() * (end - start)
        return bytes(found)

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        if not self:
            return
        for last, (length, is_address) in self._known.iter(text):
            start, end = last + 1 - length, last + 1
            if is_address is None:  # a reference ends with its number: wb-12 does not stand in wb-123
                whole = not text[end : end + 1].isdigit()
            elif is_address:
                whole = not _GOES_ON.match(text, end) and not _LONGER.search(_before(text, start))
            else:
                whole = not _joined(_before(text, start)[-1:], text[start])
                whole = whole and not _joined(text[end : end + 1], text[last])
            if whole:
                yield start, end


def _ways(word: str) -> set[str]:
    """As it is written in a text, in a form that was sent, and in JSON; capital letters beyond ASCII, too."""
    capitals = "".join(each if each.isascii() else each.upper() for each in word)
    plain = {word, capitals}
    written = {way for each in plain for way in (each, json.dumps(each)[1:-1], quote(each, safe=""))}
    return written | {each.replace("+", "%2B").replace("@", "%40") for each in plain}  # as browsers write a form


def _searched(text: str | bytes) -> str:
    """One character a byte, so that any body can be searched, and its places are those of the body."""
    return (text.encode() if isinstance(text, str) else text).lower().decode("latin-1")


def _before(text: str, start: int) -> str:
    """What stands before a word, as it is read: without escapes, and in its letters."""
    read = _ESCAPE.sub(_read, text[max(0, start - _BEFORE) : start])
    return read.encode("latin-1", "replace").decode(errors="ignore") if not read.isascii() else read


def _read(escape: re.Match[str]) -> str:
    """One character a byte again; whatever separates becomes a space."""
    if escape[1]:
        return chr(int(escape[1], 16)).encode(errors="replace").decode("latin-1")
    return bytes.fromhex(escape[2].replace("%", "")).decode("latin-1") if escape[2] else " "


def _joined(beside: str, edge: str) -> bool:
    """Whether what stands beside a number makes it another: a digit beside a digit, a letter beside a letter."""
    return beside.isdecimal() if edge.isdecimal() else beside.isalnum() and edge.isalnum()
