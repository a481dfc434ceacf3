"""What a customer's record says, as one would write it in a letter; empty where it is nothing that one would write.

Records hold anything: shouting, titles, placeholders, template code. A greeting without a name and “since your last
visit” are always right; a wrong name never is.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from catalog.word_lists import set_of, words_of
from winback.providers.sms.segments import BASIC, plainer

# Marks that turn the direction of everything after them, or that nobody sees.
_UNSEEN = dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xAD, 0x61C], None
)
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), 8232, 8233), " ")
_CLEAN = {**_CONTROLS, **_UNSEEN}
_CODE = re.compile(r"[{}<>\\|=^~`\[\]]|[$%*]\W*[{(|%]|@|://|www\.", re.IGNORECASE)
_BREAKS = re.compile(r"\s[-–—|/]\s|[,;:(]|\s(?:with|incl|including|for|and|of)\s", re.IGNORECASE)
_HOLES = re.compile(r"\(\s*\)|\[\s*\]|,(?=\s*,)|\.(?=\.)|!")
LONGEST_NAME = 25


def folded(text: str) -> str:
    """On one line, with single spaces, and without marks that nobody sees."""
    return " ".join(unicodedata.normalize("NFC", text.translate(_CLEAN)).split())


def given_name(text: str, *, on: date) -> str:
    """A first name as one would greet with it; empty for what is no name. By the lists of words of a day."""
    line, placeholders, titles = folded(text), set_of("placeholders", on), set_of("titles", on)
    if not line or line.lower() in placeholders:
        return ""
    word = next((each for each in line.split() if each.strip(".,").lower() not in titles), "")
    if _CODE.search(word) or "/" in word:
        return ""
    name = _leading_letters(word)
    if len(name) > LONGEST_NAME or name.lower() in placeholders or (len(name) == 1 and name.isascii()):
        return ""
    if name.islower() or (name.isupper() and len(name) > 2):
        return re.sub(r"[^\W\d_]+", lambda part: part.group().capitalize(), name)
    return name


def _leading_letters(word: str) -> str:
    end = 0
    for end, character in enumerate(word, start=1):
        if not (unicodedata.category(character)[0] in "LM" or (end > 1 and character in "-'’")):
            end -= 1
            break
    return word[:end].rstrip("-'’")


@lru_cache(maxsize=4096)
def service_named(text: str, longest: int, *, on: date, is_product: bool = False) -> str:
    """A service as it can stand after “your last”; empty for what is no service. A product keeps its capitals.

    By the lists of words of a day.
    """
    line = _HOLES.sub("", folded(text))
    line = re.sub(r"\s+([,.;:!?)])", r"\1", " ".join(line.split())).strip(" .,;:!?-–—_*#\"'“”")
    if not line or line.lower() in set_of("placeholders", on) or _CODE.search(line):
        return ""
    if len(line) > longest:
        line = _shortened(line, longest, set_of("dangling_words", on))
    if sum(character.isalpha() for character in line) < 2 or line.count("(") != line.count(")") or ",," in line:
        return ""
    if is_product:
        return line
    if line.isupper() and len(line) > 3:
        spelled = {word.lower(): word for word in words_of("acronyms", on)}
        return " ".join(spelled.get(word, word) for word in line.lower().split(" "))
    common = set_of("common_words", on)
    return " ".join(word.lower() if word.lower().strip("(),.") in common else word for word in line.split(" "))


def _shortened(line: str, longest: int, dangling: frozenset[str]) -> str:
    """The first part that says something, else whole words only."""
    head = _BREAKS.split(line, maxsplit=1)[0].strip()
    if 3 <= len(head) <= longest:
        return head
    words = line[: longest + 1].rsplit(" ", 1)[0].split(" ") if " " in line[: longest + 1] else []
    while words and words[-1].lower().strip(",") in dangling:
        words.pop()
    return " ".join(words).rstrip(" ,;:(-")


def in_gsm(text: str) -> str:
    """The text in the characters that a text message carries cheaply; empty when it cannot be written in them.

    One letter outside the alphabet makes the whole message more than twice as dear.
    """
    plain = plainer(text)
    if all(character in BASIC for character in plain):
        return plain
    bare = "".join(_bare(plain))
    return bare if all(character in BASIC for character in bare) else ""


def _bare(text: str) -> Iterable[str]:
    for character in text:
        if character in BASIC:
            yield character
        else:
            yield from (part for part in unicodedata.normalize("NFD", character) if not unicodedata.combining(part))
