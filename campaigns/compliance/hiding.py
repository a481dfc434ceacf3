"""Whether CSS hides what stands in an element: read strictly, so that what is not understood counts as hidden.

This is about a footer that must be seen, not about drawing a page: a wrong “hidden” blocks one template, where a wrong
“visible” would send mail without an unsubscribe link.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Colour = tuple[int, int, int]
Declarations = list[tuple[str, str]]

SMALLEST_FONT = 8.0
LOWEST_CONTRAST = 1.35

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{};]*)\{([^{}]*)\}")
_COMPOUND = re.compile(r"(\*|[a-z][\w-]*)?((?:[.#][\w-]+)*)(?:::?[\w-]+)*")
_COMBINATOR = re.compile(r"\s*[>+~\s]\s*")
_SIZE = re.compile(r"(-?\d*\.?\d+)\s*(px|pt|em|rem|%|)")
_FONT_SHORTHAND = re.compile(r"(\d*\.?\d+)(px|pt|em|rem|%)")
_RGB = re.compile(r"rgba?\(\s*(\d+)\s*[, ]\s*(\d+)\s*[, ]\s*(\d+)\s*(?:[,/]\s*(\d*\.?\d+)(%?)\s*)?\)")
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})(?![0-9a-f])")
_NAMED: dict[str, Colour] = {
    "black": (0, 0, 0), "white": (255, 255, 255), "gray": (128, 128, 128), "grey": (128, 128, 128),
    "silver": (192, 192, 192), "red": (255, 0, 0), "maroon": (128, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255),
    "navy": (0, 0, 128), "teal": (0, 128, 128), "purple": (128, 0, 128), "yellow": (255, 255, 0), "lime": (0, 255, 0),
    "aqua": (0, 255, 255), "olive": (128, 128, 0), "fuchsia": (255, 0, 255),
}  # fmt: skip
_FONT_WORDS = {"x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0, "xx-large": 32.0}
_INHERITED = frozenset({"inherit", "initial", "unset", "revert", "currentcolor"})
_HIDES: Mapping[str, re.Pattern[str]] = {
    "display": re.compile("none"),
    "visibility": re.compile("hidden|collapse"),
    "content-visibility": re.compile("hidden"),
    "mso-hide": re.compile("all"),
    "position": re.compile("absolute|fixed"),
    "opacity": re.compile(r"0*\.[0-3]\d*|0+(\.0*)?|[0-3]?\d%|calc.*|var.*"),
    "transform": re.compile("(?!none).*"),
    "filter": re.compile("(?!none).*"),
    "clip": re.compile("(?!auto).*"),
    "clip-path": re.compile("(?!none).*"),
    "-webkit-text-fill-color": re.compile(".*"),
    "zoom": re.compile(r"0.*|\.[0-4].*"),
}
_BOXES = frozenset({"height", "width", "max-height", "max-width"})
_SHIFTS = frozenset({"text-indent", "margin", "margin-left", "margin-top", "margin-right", "margin-bottom"})


@dataclass(frozen=True)
class Look:
    """How text in an element would look, as far as it matters for being seen."""

    hidden: bool = False
    font: float = 16.0
    inks: frozenset[Colour | None] = frozenset({(0, 0, 0)})
    grounds: frozenset[Colour | None] = frozenset({(255, 255, 255)})

    @property
    def seen(self) -> bool:
        if self.hidden or self.font < SMALLEST_FONT or None in self.inks or None in self.grounds:
            return False
        return all(_contrast(ink, ground) >= LOWEST_CONTRAST for ink in self.inks for ground in self.grounds)  # type: ignore[arg-type]


def declarations(style: str) -> Declarations:
    """The declarations of a style, in order, lower case; one that cannot be read hides."""
    if "\\" in style:
        return [("display", "none")]  # an escape can spell any word
    found = []
    for part in _COMMENT.sub("", style).lower().split(";"):
        name, colon, value = part.partition(":")
        if colon:
            found.append((name.strip(), value.replace("!important", "").strip()))
    return found


@dataclass(frozen=True)
class Rule:
    """A rule of a style sheet: the element it is about, and the classes and ids that must stand around that element."""

    tag: str
    names: frozenset[str]
    around: frozenset[str]
    declarations: Declarations

    def matches(self, tag: str, names: frozenset[str], around: frozenset[str]) -> bool:
        return self.tag in ("", "*", tag) and self.names <= names and self.around <= around | names


def rules(sheet: str) -> Iterator[Rule]:
    """The rules of a style sheet; those within ``@media`` are taken as always holding, odd selectors as meaning all."""
    for selectors, body in _RULE.findall(_COMMENT.sub("", sheet).lower()):
        declared = declarations(body)
        for selector in selectors.split(","):
            *outer, last = _COMBINATOR.split(selector.strip())
            parts = _COMPOUND.fullmatch(last) if last else None
            tag, names = (parts.group(1) or "", _names(last)) if parts is not None else ("", frozenset())
            around = frozenset().union(*(_names(each) for each in outer if _COMPOUND.fullmatch(each)))
            yield Rule(tag, names, around, declared)


def _names(compound: str) -> frozenset[str]:
    return frozenset(re.findall(r"[.#][\w-]+", compound))


def look_of(outer: Look, sheet: Declarations, own: Declarations) -> Look:
    """The look inside an element, from the one around it, what style sheets may say, and its own style."""
    everything = sheet + own
    hidden = outer.hidden or any(_hides(name, value) for name, value in everything)
    sizes = [size for name, value in everything if (size := _font(name, value, outer.font)) is not None]
    stated = _colours(own, "color")
    inks = _colours(sheet, "color") | (stated or outer.inks)
    grounds = _grounds(own) or (outer.grounds | _grounds(sheet))
    return Look(hidden, min(sizes) if sizes else outer.font, inks, grounds)


def _hides(name: str, value: str) -> bool:
    pattern = _HIDES.get(name)
    if pattern is not None:
        return pattern.fullmatch(value) is not None
    if name in _BOXES:
        found = _SIZE.fullmatch(value)
        return found is not None and float(found.group(1)) * (16 if found.group(2) in ("em", "rem") else 1) < 8
    if name in _SHIFTS:
        return any(float(number) < -20 for number, _ in _SIZE.findall(value))
    return False


def _font(name: str, value: str, outer: float) -> float | None:
    if name not in ("font-size", "font") or value in _INHERITED:
        return None
    if value in _FONT_WORDS:
        return _FONT_WORDS[value]
    found = _SIZE.fullmatch(value) if name == "font-size" else _FONT_SHORTHAND.search(value)
    if found is None:
        return 0.0
    factor = {"em": outer, "%": outer / 100, "rem": 16.0, "pt": 4 / 3}.get(found.group(2), 1.0)
    return float(found.group(1)) * factor


def _colours(declared: Declarations, wanted: str) -> frozenset[Colour | None]:
    return frozenset(read_colour(value) for name, value in declared if name == wanted and value not in _INHERITED)


def _grounds(declared: Declarations) -> frozenset[Colour | None]:
    found: set[Colour | None] = set()
    for name, value in declared:
        if name not in ("background", "background-color") or value in ("none", "transparent", "inherit", "initial"):
            continue
        if "url(" in value or "gradient" in value:
            found.add(None)
            continue
        found.add(read_colour(value))
    return frozenset(found)


def read_colour(value: str) -> Colour | None:
    """The colour that a value names; None for one that is see-through or not known."""
    value = value.strip()
    if value in _NAMED:
        return _NAMED[value]
    hexadecimal = _HEX.search(value)
    if hexadecimal is not None:
        digits = hexadecimal.group()[1:]
        digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    mixed = _RGB.search(value)
    if mixed is None:
        return None
    if mixed.group(4) is not None and float(mixed.group(4)) / (100 if mixed.group(5) else 1) < 0.4:
        return None
    return int(mixed.group(1)), int(mixed.group(2)), int(mixed.group(3))


def _contrast(one: Colour, other: Colour) -> float:
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (part / 3294.6 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
