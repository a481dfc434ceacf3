"""A text as it is read: without what nobody sees, in plain lower-case letters, without quotations and signatures."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

LONGEST = 2_000
"""What stands further down changes nothing: a text has at most 1,600 characters."""

# Letters of other alphabets, and digits, that are written for Latin ones.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕтнкмвԁɡοαερτυνκιⅼѵ\u0455", "aeopcyxijstnkmbdgoaeptuvkilvs"
)  # fmt: skip
_LEET = str.maketrans("0134578$@!|", "oieastbsail")
_APOSTROPHES = re.compile(r"[’‘‛ʼ`´'＇]")
_REACTION = re.compile(
    r"\s*(?:liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|reacted\b.{1,12}?\bto|removed an? \w+ from|"
    r"le gusto|encanto|a aime|\W{1,4} to)\s*[“”\"«]"
)
_QUOTED = re.compile(r"^(?:>|on .{4,80} wrote:|-+ ?original message).*", re.IGNORECASE)
_SIGNATURE = re.compile(
    r"^(?:--+|__+|sent from (?:my|the) .*|get outlook for .*|sent via .*|envoy[eé] de .*|enviado desde .*)$",
    re.IGNORECASE,
)
_OURS = re.compile(r"\b(?:reply|text|txt|send|responda|repondez) (?:with )?stop (?:to|2|para|pour)(?: \w+){1,3}")


@dataclass(frozen=True)
class Reading:
    """One text in the forms in which it is asked about."""

    original: str
    lines: tuple[str, ...]
    """Each line in plain letters and single spaces; sentences are parted by full stops."""
    is_reaction: bool

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        return tuple(filter(None, (part.strip(" ,") for line in self.lines for part in line.split("."))))

    @cached_property
    def clauses(self) -> tuple[str, ...]:
        """The parts between full stops and commas, and the sentences and the whole they stand in."""
        parts = [part.strip() for sentence in self.sentences for part in sentence.split(",")]
        return tuple(dict.fromkeys(filter(None, [*parts, *map(_joined, self.sentences), self.plain])))

    @cached_property
    def plain(self) -> str:
        return _joined(" ".join(self.lines))


def _joined(text: str) -> str:
    return " ".join(text.replace(".", " ").replace(",", " ").split())


def folded(text: str) -> str:
    """Compatible forms, lower case, no accents, nothing invisible, look-alikes as the letters that they imitate."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text[:LONGEST])).casefold()
    seen = "".join(
        "" if unicodedata.category(each) in ("Mn", "Me", "Cf") or each in "ㅤ\u115f\u1160" else each for each in text
    )
    return seen.translate(_LOOKALIKES)


def read(text: str) -> Reading:
    """The text without quotations, signatures and our own “Reply STOP to …”."""
    plain = folded(text)
    lines = []
    for line in plain.splitlines():
        if _SIGNATURE.match(line.strip()):
            break
        if _QUOTED.match(line.strip()):
            continue
        words = _words(line)
        if words:
            lines.append(words)
    without_ours = tuple(filter(None, (_OURS.sub(" ", line).strip(" ,.") for line in lines)))
    return Reading(
        original=unicodedata.normalize("NFKC", text[:LONGEST]),
        # Whoever types our words alone means them.
        lines=without_ours or tuple(lines),
        is_reaction=bool(_REACTION.match(plain)),
    )


def _words(line: str) -> str:
    """Letters, digits, commas and full stops (for every mark that ends a sentence); all else is a space."""
    line = _APOSTROPHES.sub("", line)
    line = re.sub(r"(?<=[a-z])[.\-_*·•/](?=[a-z](?:[.\-_*·•/]|\b))", " ", line) if _is_spelt(line) else line
    line = re.sub(r"[!?;:…]+|\s[-–—]+\s|\.{1,}", " . ", line)
    line = re.sub(r"[^a-z0-9,.\s]+", " ", line)
    return re.sub(r"(?:\s*\.\s*)+", " . ", " ".join(line.split())).strip(" .,")


def _is_spelt(line: str) -> bool:
    """S.T.O.P, s-t-o-p: letters one by one."""
    return re.search(r"\b[a-z](?:[.\-_*·•/]+[a-z]){2,}\b", line) is not None


def letters_of(words: str) -> str:
    """The letters alone, with the digits that stand for letters: ``5 T 0 P`` is ``stop``."""
    packed = re.sub(r"[^a-z0-9$@|]", "", words.casefold())
    return packed.translate(_LEET) if re.search("[a-z]", packed) else packed


def squeezed(letters: str) -> str:
    """Doubled letters once: ``stooopp`` is ``stop``."""
    return re.sub(r"(.)\1+", r"\1", letters)
