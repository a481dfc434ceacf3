"""What a reader of an HTML mail sees: its visible text and links.

Mails of one template differ in their words alone, so what is visible is worked out once for each arrangement of tags
(every byte of every tag, comment and style sheet) and then applied to the words: some ten microseconds instead of
milliseconds. HTML that is not written cleanly is refused rather than guessed at.
"""

import re
import secrets
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

from campaigns.compliance.hiding import Declarations, Look, Rule, declarations, look_of, rules

_TOKEN = re.compile(
    r"""(<!--.*?-->|<style\b[^>]*>.*?</style>|<[^>"']*+(?:(?:"[^"]*+"|'[^']*+')[^>"']*+)*+>)""", re.DOTALL
)
_TAG = re.compile(
    r"""</?[a-zA-Z][\w:-]*+(?:\s+[a-zA-Z_:][\w:.-]*+(?:\s*=\s*(?:"[^"<\0]*+"|'[^'<\0]*+'|[^\s"'=<>`\0]++))?)*+\s*/?>"""
)
_STYLE = re.compile(r"<style\b[^>]*>(.*)</style>", re.DOTALL | re.IGNORECASE)
_NOT_FOR_ALL = re.compile(r"<!--\[if\b[^\]]*\]><!-->", re.IGNORECASE)
_END_NOT_FOR_ALL = re.compile(r"<!--<!\[endif\]-->", re.IGNORECASE)
_UNSAFE_LINK = re.compile(r"\s*(javascript|data|vbscript|file):", re.IGNORECASE)

_VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr", "source", "track"})
_INLINE = frozenset({"a", "abbr", "b", "big", "code", "em", "font", "i", "small", "span", "strong", "sub", "sup", "u"})
_OPENED_AGAIN = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)
_NEVER_SEEN = frozenset({"head", "title", "details", "dialog", "datalist", "select", "audio", "video", "canvas", "bdo"})
# What an end tag cannot close from within: a browser ignores it there.
_WALLS = frozenset({"table", "td", "th", "caption"})
_TABLE = frozenset({"table", "tbody", "thead", "tfoot", "tr", "td", "th", "caption"})
_REFUSED = frozenset(
    {
        "script", "iframe", "object", "embed", "applet", "form", "textarea", "xmp", "plaintext", "noembed", "noframes",
        "noscript", "template", "svg", "math", "base", "frame", "frameset", "marquee",
    }
)  # fmt: skip


class Unreadable(ValueError):
    """The HTML is not written cleanly enough to say what is visible in it."""


@dataclass(frozen=True)
class Seen:
    """The visible text, entities decoded and white space folded, and the visible words of each link."""

    text: str
    links: tuple[tuple[str, str], ...]

    def words_of(self, url: str) -> str:
        return " ".join(words for href, words in self.links if href == url)


@dataclass(frozen=True)
class _Layout:
    """Which pieces of text are visible, with what stands between them, and which of them are links."""

    visible: tuple[tuple[int, str], ...]
    links: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class _Open:
    tag: str
    look: Look
    href: str
    names: frozenset[str]


# A template cannot know these, so it cannot pretend to hold this message's own link.
_STAND_INS = tuple(f"https://{secrets.token_hex(16)}.invalid/" for _ in range(4))


def see(html: str, own_urls: tuple[str, ...] = ()) -> Seen:
    """What is visible in a mail; ``own_urls`` differ from message to message. Raises Unreadable."""
    stand_ins = dict(zip(own_urls, _STAND_INS, strict=False))
    for url, stand_in in stand_ins.items():
        html = html.replace(url, stand_in)
    layout, texts = _known(html) or _learn(html)
    back = {stand_in: url for url, stand_in in stand_ins.items()}
    words = " ".join("".join([between + texts[place] for place, between in layout.visible]).split())
    return Seen(
        unescape(words) if "&" in words else words,
        tuple((back.get(href, href), "".join([texts[place] for place in places])) for href, places in layout.links),
    )


@dataclass
class _Turn:
    """Where a mail may go on after some words: each run of tags seen there so far, and what followed it."""

    runs: list[tuple[str, "_Turn"]] = field(default_factory=list)
    layout: _Layout | None = None


_start = _Turn()
_learnt = 0
_MOST_LAYOUTS = 1_000


def _known(html: str) -> tuple[_Layout, list[str]] | None:
    """The layout of a mail whose tags have all been met before, in this order; its words lie between them."""
    turn, place = _start, 0
    texts: list[str] = []
    while True:
        for run, following in turn.runs:
            if html.startswith(run, place):
                place += len(run)
                turn = following
                break
        else:
            return None
        if place == len(html):
            return (turn.layout, texts) if turn.layout is not None else None
        end = html.find("<", place)
        if end < 0:
            return None
        texts.append(html[place:end])
        place = end


def _learn(html: str) -> tuple[_Layout, list[str]]:
    """Read the tags one by one, and remember their arrangement. White space alone counts as part of the tags."""
    global _start, _learnt  # noqa: PLW0603  a cache of what is pure
    pieces = _TOKEN.split(html)
    if any("<" in text for text in pieces[::2]) or pieces[0].strip() or pieces[-1].strip():
        raise Unreadable("a tag is not closed, or words stand outside the tags")
    runs, texts = [pieces[0]], []
    for token, text in zip(pieces[1::2], pieces[2::2], strict=True):
        runs[-1] += token
        if text.strip():
            texts.append(text)
            runs.append("")
        else:
            runs[-1] += text
    layout = _Reader(pieces[1::2], pieces[2::2]).layout()
    _learnt += 1
    if _learnt > _MOST_LAYOUTS:
        _start, _learnt = _Turn(), 0
    turn = _start
    for run in runs:
        following = next((each for known, each in turn.runs if known == run), None)
        if following is None:
            following = _Turn()
            turn.runs.append((run, following))
            turn.runs.sort(key=lambda known: -len(known[0]))  # the longest first: one run may begin another
        turn = following
    turn.layout = layout
    return layout, texts


class _Attributes(HTMLParser):
    """The attributes of one tag, as the standard library reads them."""

    read: dict[str, str]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.read = {name: value or "" for name, value in reversed(attrs)}  # the first of two alike holds


def _attributes(token: str) -> dict[str, str]:
    parser = _Attributes(convert_charrefs=True)
    parser.read = {}
    parser.feed(token)
    parser.close()
    return parser.read


class _Reader:
    """Goes through the tags once, with the look of every open element."""

    def __init__(self, tokens: list[str], texts: list[str]) -> None:
        self.tokens = tokens
        self.texts = texts
        self.sheet: list[Rule] = []
        self.open: list[_Open] = [_Open("", Look(), "", frozenset())]
        self.for_some = 0
        self.lost = False
        self.visible: list[tuple[int, str]] = []
        self.links: list[tuple[str, list[int]]] = []
        self.between = ""

    def layout(self) -> _Layout:
        for token in self.tokens:
            if token[:6].lower() == "<style":
                self._read_sheet(token)
        place = 0
        for token, text in zip(self.tokens, self.texts, strict=True):
            self._token(token)
            if text.strip():
                self._text(place)
                place += 1
            elif text:
                self.between = " "
        return _Layout(tuple(self.visible), tuple((href, tuple(places)) for href, places in self.links))

    def _read_sheet(self, token: str) -> None:
        body = _STYLE.fullmatch(token)
        if body is None or "@import" in token.lower():
            raise Unreadable("a style sheet is not closed, or fetches another")
        self.sheet.extend(rules(body.group(1)))

    def _token(self, token: str) -> None:
        if token.startswith("<!--"):
            self._comment(token)
        elif token[:6].lower() == "<style" or token[:9].lower() == "<!doctype":
            return
        elif _TAG.fullmatch(token) is None:
            raise Unreadable(f"not a tag: {token[:40]}")
        elif token.startswith("</"):
            self._end(token[2:-1].strip().lower())
        else:
            self._start(token)

    def _comment(self, token: str) -> None:
        inside = token[4:-3]
        if len(token) < 7 or not token.endswith("-->") or inside.startswith((">", "->")) or "--!>" in inside:
            raise Unreadable("a comment is not closed")
        if _NOT_FOR_ALL.fullmatch(token):
            self.for_some += 1  # Outlook, or everybody but Outlook, is not shown what follows
        elif _END_NOT_FOR_ALL.fullmatch(token):
            self.for_some = max(0, self.for_some - 1)

    def _start(self, token: str) -> None:
        tag = token[1:-1].split()[0].rstrip("/").lower()
        attributes = _attributes(token)
        if tag in _REFUSED or any(name.startswith("on") for name in attributes):
            raise Unreadable(f"a mail must not hold {tag if tag in _REFUSED else 'a script'}")
        if any(_UNSAFE_LINK.match(attributes.get(name, "")) for name in ("href", "src", "background", "action")):
            raise Unreadable("a link that is none")
        if tag not in _INLINE:
            self.between = " "
        if tag in _VOID:
            return
        around = self.open[-1]
        names = frozenset(f".{name}" for name in attributes.get("class", "").lower().split())
        names |= {f"#{attributes['id'].lower()}"} if "id" in attributes else set()
        look = look_of(around.look, self._sheet_of(tag, names), _own(attributes))
        hidden = tag in _NEVER_SEEN or "hidden" in attributes or attributes.get("aria-hidden", "").lower() == "true"
        if hidden:
            look = Look(True, look.font, look.inks, look.grounds)
        href = attributes.get("href", "") if tag == "a" else around.href
        if tag == "a":
            self.links.append((href, []))
        self.open.append(_Open(tag, look, href, names))

    def _sheet_of(self, tag: str, names: frozenset[str]) -> Declarations:
        around = frozenset().union(*(each.names for each in self.open))
        return [declared for rule in self.sheet if rule.matches(tag, names, around) for declared in rule.declarations]

    def _end(self, tag: str) -> None:
        if tag not in _INLINE:
            self.between = " "
        for depth in range(len(self.open) - 1, 0, -1):
            if self.open[depth].tag == tag:
                # A browser opens these again when another's end has closed them: what hid may go on hiding.
                self.lost = self.lost or any(
                    each.tag in _OPENED_AGAIN and not each.look.seen for each in self.open[depth + 1 :]
                )
                del self.open[depth:]
                return
            if self.open[depth].tag in _WALLS and tag not in _TABLE:
                return

    def _text(self, place: int) -> None:
        inner = self.open[-1]
        if self.lost or self.for_some or not inner.look.seen:
            return
        self.visible.append((place, self.between))
        self.between = ""
        if any(each.tag == "a" for each in self.open) and self.links:
            self.links[-1][1].append(place)


def _own(attributes: dict[str, str]) -> Declarations:
    """The style of an element itself, with the attributes of old that mean the same."""
    declared = []
    if "bgcolor" in attributes:
        declared.append(("background-color", attributes["bgcolor"].strip().lower()))
    if "color" in attributes:
        declared.append(("color", attributes["color"].strip().lower()))
    for name in ("height", "width"):
        if name in attributes:
            declared.append((name, attributes[name].strip().lower()))
    return declared + declarations(attributes.get("style", ""))
