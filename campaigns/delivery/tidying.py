"""What a customer's record says, as one would write it in a letter; empty where it is nothing that one would write.

Records hold anything: shouting, titles, placeholders, template code. A greeting without a name and “since your last
visit” are always right; a wrong name never is.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from winback.providers.sms.segments import BASIC, plainer

# Marks that turn the direction of everything after them, or that nobody sees.
_UNSEEN = dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xAD, 0x61C], None
)
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), 8232, 8233), " ")
_CLEAN = {**_CONTROLS, **_UNSEEN}
_CODE = re.compile(r"[{}<>\\|=^~`\[\]]|[$%*]\W*[{(|%]|@|://|www\.", re.IGNORECASE)
_PLACEHOLDERS = frozenset(
    {
        "n/a", "na", "none", "null", "nil", "nan", "undefined", "unknown", "test", "tbd", "tba", "xx", "xxx", "misc",
        "miscellaneous", "other", "default", "default title", "see notes", "custom", "customer", "client", "guest",
        "patient", "user", "name", "first name", "firstname", "anonymous", "deceased", "info", "admin", "office", "sir",
        "madam", "resident", "occupant", "homeowner", "tenant", "owner", "item", "product", "line item", "invoice",
    }
)  # fmt: skip
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev", "sir", "mister", "and", "the", "family"})
_ACRONYMS = {
    word.lower(): word
    for word in ("AC", "A/C", "HVAC", "IPL", "TV", "RV", "SUV", "PPF", "HEPA", "UV", "LED", "DIY", "VIP")
}
# Written large at the start of a list of services, and small in a sentence. A name (Botox, Swedish) is not among them.
_COMMON_WORDS = """
air annual ant basic bathroom bed biannual biweekly bi-weekly boiler cabin car care carpet ceramic check checkup
check-up clean cleaning cleanup clean-up coaching coating consultation cooling cut custom deep delivery detail
detailing drain dryer duct electrical emergency exterior facial fall filler filter full furnace general gutter hair
handyman headlight heat heating home hot house initial inspection installation interior kitchen laser lawn leak light
maintenance massage membership mini monthly mosquito mount move-in move-out mowing office oil one-time order package
paint painting peel pest plumbing polish power pressure prevention pruning pump quarterly refill refresh regular
removal renewal repair replacement rodent roof routine seasonal sensor service session skin spa spring standard
subscription system tank termite thermostat tire touch-up treatment tree trim tune-up tuneup upholstery visit wash
water wax weekly window windows winter yard
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_BREAKS = re.compile(r"\s[-–—|/]\s|[,;:(]|\s(?:with|incl|including|for|and|of)\s", re.IGNORECASE)
_HOLES = re.compile(r"\(\s*\)|\[\s*\]|,(?=\s*,)|\.(?=\.)|!")
_DANGLING = frozenset(
    {"of", "the", "and", "with", "for", "a", "an", "to", "in", "on", "at", "&", "-", "–", "+", "incl"}
)
LONGEST_NAME = 25


def folded(text: str) -> str:
    """On one line, with single spaces, and without marks that nobody sees."""
    return " ".join(unicodedata.normalize("NFC", text.translate(_CLEAN)).split())


def given_name(text: str) -> str:
    """A first name as one would greet with it; empty for what is no name."""
    line = folded(text)
    if not line or line.lower() in _PLACEHOLDERS:
        return ""
    word = next((each for each in line.split() if each.strip(".,").lower() not in _TITLES), "")
    if _CODE.search(word) or "/" in word:
        return ""
    name = _leading_letters(word)
    if len(name) > LONGEST_NAME or name.lower() in _PLACEHOLDERS or (len(name) == 1 and name.isascii()):
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
def service_named(text: str, longest: int, *, is_product: bool = False) -> str:
    """A service as it can stand after “your last”; empty for what is no service. A product keeps its capitals."""
    line = _HOLES.sub("", folded(text))
    line = re.sub(r"\s+([,.;:!?)])", r"\1", " ".join(line.split())).strip(" .,;:!?-–—_*#\"'“”")
    if not line or line.lower() in _PLACEHOLDERS or _CODE.search(line):
        return ""
    if len(line) > longest:
        line = _shortened(line, longest)
    if sum(character.isalpha() for character in line) < 2 or line.count("(") != line.count(")") or ",," in line:
        return ""
    if is_product:
        return line
    if line.isupper() and len(line) > 3:
        return " ".join(_ACRONYMS.get(word, word) for word in line.lower().split(" "))
    return " ".join(word.lower() if word.lower().strip("(),.") in _COMMON else word for word in line.split(" "))


def _shortened(line: str, longest: int) -> str:
    """The first part that says something, else whole words only."""
    head = _BREAKS.split(line, maxsplit=1)[0].strip()
    if 3 <= len(head) <= longest:
        return head
    words = line[: longest + 1].rsplit(" ", 1)[0].split(" ") if " " in line[: longest + 1] else []
    while words and words[-1].lower().strip(",") in _DANGLING:
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
