"""Guards over the words that are about to leave: asked of every rendered message, whatever template made it.

They judge the bytes, not the template: what a reader sees after entities are decoded and hidden parts left out. Each is
a small function registered with its id and version; the catalog tells staff what it asks (catalog/data/guards).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from email.utils import parseaddr
from functools import cached_property, lru_cache
from typing import Any

from campaigns.compliance.verdict import Verdict
from campaigns.compliance.visible import Seen, Unreadable, see
from campaigns.compliance.wording import CLAIMS, HOLES, PRETENDING, has_hole, pretends, untrue_urgency, untrue_value
from catalog.word_lists import pattern_of, versions, words_of
from winback.providers.sms.segments import LONGEST, count, plainer

MOST_SEGMENTS = 4
ONE_CLICK = "List-Unsubscribe=One-Click"

_LINK = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[\w.~-]+)*/u/[\w-]{40}")
_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


@dataclass
class Words:
    """One rendered message, and what is known of it.

    ``facts`` are those of campaigns.delivery.message_facts.facts_of, with ``unsubscribe_url`` and ``booking_url`` of
    this very message and ``today`` in the tenant's zone.
    """

    channel: str
    subject: str
    html: str
    text: str
    headers: Mapping[str, str]
    facts: Mapping[str, Any]

    @cached_property
    def seen(self) -> Seen | None:
        """What is visible of the HTML; None when that cannot be said."""
        try:
            return see(self.html, (self.facts["unsubscribe_url"], self.facts["booking_url"]))
        except Unreadable:
            return None

    @property
    def today(self) -> date:
        today: date = self.facts["today"]
        return today

    @cached_property
    def folded(self) -> str:
        return " ".join(self.text.split())


@dataclass(frozen=True, slots=True)
class Answer:
    """A guard's answer: a stable code when the words may not leave, and what it saw."""

    refusal: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


ALLOWED = Answer()


@dataclass(frozen=True, slots=True)
class ContentGuard:
    """A registered guard over words."""

    code: str
    version: int
    channels: tuple[str, ...]
    ask: Callable[[Words], Answer]
    lists: tuple[str, ...] = ()
    """The lists of words that it reads (catalog/data/word_lists.yaml)."""

    def judge(self, words: Words) -> Verdict:
        answer = self.ask(words)
        known = versions(self.lists, words.today)
        return Verdict(self.code, self.version, not answer.refusal, answer.refusal, answer.facts, known)


GUARDS: dict[str, ContentGuard] = {}


def guard(
    code: str, *, version: int, channels: tuple[str, ...], lists: tuple[str, ...] = ()
) -> Callable[[Callable[[Words], Answer]], Callable[[Words], Answer]]:
    """Register a function as the guard of this id."""

    def register(ask: Callable[[Words], Answer]) -> Callable[[Words], Answer]:
        GUARDS[code] = ContentGuard(code, version, channels, ask, lists)
        return ask

    return register


def judge(
    *, channel: str, subject: str, html: str, text: str, headers: Mapping[str, str], facts: Mapping[str, Any]
) -> list[Verdict]:
    """What every guard of this channel says about a rendered message."""
    words = Words(channel, subject, html, text, headers, facts)
    return [guard.judge(words) for guard in GUARDS.values() if channel in guard.channels]


def as_evidence(verdicts: Sequence[Verdict], *, at: datetime, before: str = "[]") -> str:
    """The verdicts as they are kept on the message: a JSON list, behind those of the list ``before``."""
    moment = at.isoformat()
    written = json.dumps(
        [
            {
                "guard": verdict.guard,
                "version": verdict.version,
                "allowed": verdict.allowed,
                **({"reason": verdict.reason} if verdict.reason else {}),
                "facts": dict(verdict.facts),
                **({"lists": dict(verdict.lists)} if verdict.lists else {}),
                "at": moment,
                "when": "send",
            }
            for verdict in verdicts
        ]
    )
    return written if before == "[]" else f"{before[:-1]}, {written[1:]}"


@lru_cache(maxsize=1024)
def _lines(text: str) -> tuple[str, ...]:
    return tuple(folded for line in text.splitlines() if (folded := " ".join(line.split())))


@lru_cache(maxsize=1024)
def _address(text: str) -> tuple[str, ...]:
    """The lines of a postal address; none for what cannot be one: no place goes without any number."""
    return _lines(text) if any(character.isdigit() for character in text) else ()


def _offers_to_stop(text: str, url: str, says_stop: re.Pattern[str]) -> bool:
    """Whether the link stands by itself, just after words that say what it is for."""
    start = text.find(url)
    end = start + len(url)
    return (
        start >= 0
        and text[end : end + 1] in ("", " ")
        and says_stop.search(text, max(0, start - 80), start) is not None
    )


@guard("email_footer", version=1, channels=("email",), lists=("unsubscribe_words",))
def email_footer(words: Words) -> Answer:
    """Legal name, postal address and this message's own unsubscribe link, to be seen in HTML and in text; RFC 8058."""
    facts, url = words.facts, words.facts["unsubscribe_url"]
    legal_name = _lines(facts["legal_name"] or facts["tenant_legal_name"])
    address = _address(facts["postal_address"] or facts["tenant_postal_address"])
    if not legal_name or not address:
        return Answer("no_legal_name" if not legal_name else "no_postal_address")
    if words.seen is None:
        return Answer("html_unreadable")
    for part, shown in (("html", words.seen.text), ("text", words.folded)):
        if not all(line in shown for line in legal_name):
            return Answer("footer_without_legal_name", {"part": part})
        if not all(line in shown for line in address):
            return Answer("footer_without_address", {"part": part})
    says_stop = pattern_of("unsubscribe_words", words.today)
    if _LINK.fullmatch(url) is None or says_stop.search(words.seen.words_of(url)) is None:
        return Answer("footer_without_unsubscribe", {"part": "html"})
    if not _offers_to_stop(words.folded, url, says_stop):
        return Answer("footer_without_unsubscribe", {"part": "text"})
    if words.headers.get("List-Unsubscribe") != f"<{url}>" or words.headers.get("List-Unsubscribe-Post") != ONE_CLICK:
        return Answer("no_one_click_header")
    return ALLOWED


@guard("can_spam", version=2, channels=("email",), lists=(*PRETENDING, *CLAIMS, "advertising_words"))
def can_spam(words: Words) -> Answer:
    """True about whom it is from and what its subject says, and plainly an advertisement."""
    facts, subject = words.facts, words.subject
    sender = facts["sender_email"] or ""
    name = facts["sender_name"] or ""
    stated = words.headers.get("From")
    if _ADDRESS.fullmatch(sender) is None:
        return Answer("sender_missing")
    if stated is not None and parseaddr(stated) != (name, sender):
        return Answer("sender_not_the_brand")
    if _CONTROL.search(name) or ("@" in name and name != sender):
        return Answer("sender_misleading")
    if not subject.strip() or _CONTROL.search(subject):
        return Answer("subject_missing" if not subject.strip() else "subject_broken")
    if pretends(subject, on=words.today):
        return Answer("subject_misleading")
    if refusal := _untrue_claim(facts, subject):
        return Answer(refusal)
    said = words_of("advertising_words", words.today)
    if words.seen is None or not all(any(word in text for word in said) for text in (words.seen.text, words.text)):
        return Answer("not_said_to_be_advertising")
    return ALLOWED


@guard("sms_opt_out", version=2, channels=("sms",), lists=("stop_instructions", "shorteners", *CLAIMS))
def sms_opt_out(words: Words) -> Answer:
    """Names the business, says how to stop, hides no address behind a shortener, and is not too long."""
    facts, text = words.facts, words.text
    business = plainer(facts["sms_name"] or facts["brand_name"] or facts["tenant_name"]).strip()
    if not business or (business not in text and business not in plainer(text)):
        return Answer("sms_without_business")
    if pattern_of("stop_instructions", words.today).search(text) is None:
        return Answer("sms_without_opt_out")
    if _shortened(text, words_of("shorteners", words.today)):
        return Answer("sms_with_shortened_link")
    if refusal := _untrue_claim(facts, text):
        return Answer(refusal)
    counted = count(text)
    saw = {"segments": counted.segments, "encoding": counted.encoding}
    if counted.segments > MOST_SEGMENTS or len(text) > LONGEST:
        return Answer("sms_too_long", saw)
    return Answer(facts=saw)


def _shortened(text: str, shorteners: Sequence[str]) -> bool:
    """Whether a link goes through a public shortener: carriers block those, and nobody sees where they lead."""
    for word in text.lower().split():
        if (
            "/" in word
            and word.rpartition("://")[2].partition("/")[0].lstrip("(<\"'").removeprefix("www.") in shorteners
        ):
            return True
    return False


def _untrue_claim(facts: Mapping[str, Any], words: str) -> str:
    ends, today = facts["expires_on"] if facts["offer_id"] else None, facts["today"]
    if ends is not None and ends < today:
        return "offer_expired"
    if untrue_urgency(words, ends=ends, today=today):
        return "urgency_untrue"
    # Names are no promise: of the business (“Free Range”), and of what the person bought (“50% off first visit”).
    names = (facts[name] or "" for name in ("brand_name", "tenant_name", "sms_name", "last_service"))
    offer = (facts["offer_name"], facts["terms"]) if facts["offer_id"] else ()
    return "offer_value_untrue" if untrue_value(words, offer=" | ".join((*offer, *names)), on=today) else ""


@guard("template_integrity", version=1, channels=("email", "sms"), lists=HOLES)
def template_integrity(words: Words) -> Answer:
    """Whole sentences: no value missing, no template code left over, no part empty."""
    if not words.text.strip() or (words.channel == "email" and not (words.html and words.subject.strip())):
        return Answer("words_missing")
    parts = {"subject": words.subject, "text": words.text}
    if words.seen is not None and words.channel == "email":
        parts["html"] = words.seen.text
    for part, shown in parts.items():
        if has_hole(shown, on=words.today):
            return Answer("words_with_holes", {"part": part})
    return ALLOWED
