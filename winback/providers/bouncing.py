"""Whose fault a bounce is. Only a dead address is the recipient's: all else must never suppress anybody at once.

The enhanced status (RFC 3463) wins over the basic one, both over words and over the provider's own class; words decide
only where the codes say nothing.
"""

import re

from winback.providers.receiving import BounceClass

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
# A reply begins with its basic code, or names it after the words that the big relays put before it.
_BASIC = re.compile(r"(?:^|\b(?:smtp|said|code|error|status|reply)\b[ :;=(]*)([45]\d\d)(?=[ \-:;,)]|$)", re.IGNORECASE)

_HARD, _SOFT, _BLOCKED = BounceClass.HARD, BounceClass.SOFT, BounceClass.BLOCKED
_CONTENT, _UNKNOWN = BounceClass.CONTENT, BounceClass.UNKNOWN

# "subject.detail" of a permanent (5) status; a subject alone stands for the details that are not named.
_PERMANENT: dict[str, BounceClass] = {
    "1.1": _HARD,  # no such mailbox
    "1.2": _HARD,  # no such domain
    "1.3": _HARD,  # no valid address
    "1.4": _UNKNOWN,  # ambiguous
    "1.6": _HARD,  # moved, no forwarding
    "1.7": _BLOCKED,  # our sender's address
    "1.8": _BLOCKED,
    "1.9": _UNKNOWN,
    "1.10": _HARD,  # null MX
    "2.1": _HARD,  # mailbox disabled
    "2.2": _SOFT,  # mailbox full
    "2.3": _CONTENT,  # message too long for this mailbox
    "2.4": _UNKNOWN,  # mailing list expansion
    "3.4": _CONTENT,  # message too big for the system
    "3": _SOFT,
    "4.4": _HARD,  # no route: the domain has no mail server
    "4": _SOFT,  # routing, loops, congestion
    "5": _UNKNOWN,
    "6": _CONTENT,
    "7": _BLOCKED,
}
# Statuses that say no more than that there was an error: whatever else is known decides.
_SAYS_NOTHING = frozenset({"0", "1.0", "2.0", "3.0", "4.0", "5.0"})

_BASIC_MEANS: dict[str, BounceClass] = {"551": _HARD, "552": _SOFT, "523": _CONTENT, "535": _BLOCKED, "530": _BLOCKED}

_ABOUT_US = re.compile(
    r"spam|blocked|block ?list|black ?list|\brbl\b|dnsbl|spamhaus|reputation|policy|dmarc|\bspf\b|dkim|authenticat"
    r"|relay|not (?:authori[sz]ed|permitted|allowed)|access denied|too many (?:connections|messages)|rate limit"
    r"|unsolicited|suspicious|reverse dns|\bptr\b|banned|greylist",
    re.IGNORECASE,
)
_FULL = re.compile(
    r"(?:mailbox|mail box|inbox|quota|storage|disk)[^.]{0,40}(?:full|exceed|over)|over ?quota", re.IGNORECASE
)
_CONTENT_WORDS = re.compile(
    r"virus|malware|attachment|content (?:rejected|refused)|(?:message (?:size|is)|too) (?:too )?(?:big|large)",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"try again|temporar|deferred|timed? ?out|timeout|connection (?:refused|reset)|retry", re.IGNORECASE
)
_NOBODY = re.compile(
    r"(?:user|recipient|mailbox|address|account|addressee|alias|person)(?: \S+){0,4}? "
    r"(?:unknown|not (?:be )?found|does(?: not|n't|n’t) exist|invalid|is (?:invalid|disabled|inactive|closed))"
    r"|(?:unknown|invalid|no such|nonexistent|non-existent|bad|undeliverable) (?:\S+ )?"
    r"(?:user|recipient|mailbox|address|account|person|local part|addressee)"
    r"|(?:host|domain)(?: name)? (?:\S+ )?(?:unknown|not found|does not exist)|(?:unknown|no such) (?:host|domain)"
    r"|not our customer|not a valid (?:user|mailbox)"
    r"|no (?:longer|mailbox)(?: \S+){0,3} (?:here|available|employed|in use)",
    re.IGNORECASE,
)


def classify(code: str, *, diagnostic: str = "", hint: BounceClass = BounceClass.UNKNOWN) -> BounceClass:
    """The class of a bounce.

    ``code``: the enhanced or basic status that the provider names, or its own code (which says nothing here).
    ``diagnostic``: what the recipient's server answered. ``hint``: the provider's own class in our words; it counts
    where the codes say nothing, before words are guessed at.
    """
    for text in (code, diagnostic):
        found = _by_enhanced(text)
        if found is not None:
            return found
    for text in (code.strip(), diagnostic.strip()):
        match = _BASIC.search(text)
        if match is not None:
            return _by_basic(match[1], diagnostic, hint)
    return hint if hint is not _UNKNOWN else by_words(diagnostic)


def enhanced_status(text: str) -> str:
    """The first enhanced status in the text, such as ``5.1.1``; empty when it holds none."""
    match = _ENHANCED.search(text)
    return match[0] if match else ""


def _by_enhanced(text: str) -> BounceClass | None:
    for match in _ENHANCED.finditer(text):
        kind, subject, detail = match.groups()
        # “0.”: undefined; a 2.x.x in a bounce is the relay's own success.
        if kind == "2" or (kind == "5" and {subject, f"{subject}.{detail}"} & _SAYS_NOTHING):
            continue
        if subject == "7":
            return _BLOCKED
        if kind == "4":
            return _SOFT
        return _PERMANENT.get(f"{subject}.{detail}", _PERMANENT.get(subject, _UNKNOWN))
    return None


def _by_basic(basic: str, diagnostic: str, hint: BounceClass) -> BounceClass:
    """A basic code alone: 4xx is for now; of 550, 553 and 554 servers mean anything, so the rest is asked."""
    if basic.startswith("4"):
        return _SOFT
    certain = _BASIC_MEANS.get(basic)
    if certain is not None:
        return certain
    if hint is not _UNKNOWN:
        return hint
    return by_words(diagnostic)


def by_words(diagnostic: str) -> BounceClass:
    """What the words say, the harmless readings first: a policy refusal may well name the user whom it refuses."""
    for pattern, meaning in ((_FULL, _SOFT), (_CONTENT_WORDS, _CONTENT), (_NOBODY, _HARD), (_ABOUT_US, _BLOCKED)):
        if pattern.search(diagnostic):
            if meaning is _HARD and _ABOUT_US.search(diagnostic):
                return _BLOCKED
            return meaning
    return _SOFT if _LATER.search(diagnostic) else _UNKNOWN
