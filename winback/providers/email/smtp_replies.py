"""What an SMTP server's refusal is about: this recipient for good, this message for now, our account, or the server.

Enhanced codes (RFC 3463) win over the basic ones, the basic ones over the words. A refusal that names no recipient
(policy, reputation, content, a rate) must not use anybody up: the message is deferred, and when it happens again and
again the connection is in trouble.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from winback.providers.reasons import Reason

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_ABOUT_US = re.compile(r"relay|spam|block|policy|black ?list|reputation|authenticat|not permitted|dmarc", re.IGNORECASE)
_ABOUT_CREDENTIALS = (530, 534, 535, 538)


class About(StrEnum):
    """Whom a refusal concerns."""

    RECIPIENT = "recipient"
    DOUBTFUL = "doubtful"
    SERVER = "server"
    SETTINGS = "settings"


class Stage(StrEnum):
    """How far the message had come."""

    SENDER = "MAIL"
    RECIPIENT = "RCPT"
    DATA = "DATA"
    CONTENT = "the message"


@dataclass(frozen=True)
class Reply:
    """One reply of the server."""

    code: int
    text: str

    @property
    def enhanced(self) -> str:
        match = _ENHANCED.match(self.text)
        return match[1] if match else ""

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


# The longest prefix of the enhanced code decides; at RCPT and after DATA alike.
_BY_ENHANCED: dict[str, tuple[About, Reason]] = {
    "5.1.": (About.RECIPIENT, Reason.RECIPIENT_REFUSED),
    "5.1.1": (About.RECIPIENT, Reason.MAILBOX_UNKNOWN),
    "5.1.2": (About.RECIPIENT, Reason.DOMAIN_UNKNOWN),
    "5.1.3": (About.RECIPIENT, Reason.MAILBOX_UNKNOWN),
    "5.1.6": (About.RECIPIENT, Reason.MAILBOX_MOVED),
    "5.1.7": (About.SETTINGS, Reason.REFUSED_BY_PROVIDER),  # our sender's address
    "5.1.8": (About.SETTINGS, Reason.REFUSED_BY_PROVIDER),
    "5.1.10": (About.RECIPIENT, Reason.DOMAIN_UNKNOWN),  # null MX
    "5.2.": (About.RECIPIENT, Reason.RECIPIENT_REFUSED),
    "5.2.1": (About.RECIPIENT, Reason.MAILBOX_DISABLED),
    "5.2.2": (About.DOUBTFUL, Reason.MAILBOX_FULL),
    "5.4.1": (About.RECIPIENT, Reason.RECIPIENT_REFUSED),  # Exchange Online says it of unknown mailboxes
    "5.4.4": (About.RECIPIENT, Reason.DOMAIN_UNKNOWN),
    "5.7.": (About.DOUBTFUL, Reason.REFUSED_BY_POLICY),
    "5.7.8": (About.SETTINGS, Reason.REFUSED_BY_PROVIDER),
    "5.": (About.DOUBTFUL, Reason.REFUSED_BY_PROVIDER),
    "4.2.2": (About.DOUBTFUL, Reason.MAILBOX_FULL),
    "4.": (About.DOUBTFUL, Reason.REFUSED_FOR_NOW),
}
# Without an enhanced code, for a recipient who was named (RCPT).
_BY_BASIC: dict[int, tuple[About, Reason]] = {
    550: (About.RECIPIENT, Reason.RECIPIENT_REFUSED),
    551: (About.RECIPIENT, Reason.MAILBOX_MOVED),
    552: (About.DOUBTFUL, Reason.MAILBOX_FULL),
    553: (About.RECIPIENT, Reason.RECIPIENT_REFUSED),
}


def judge(stage: Stage, reply: Reply) -> tuple[About, Reason]:
    """Whom a refusal concerns, and why in our words."""
    if reply.code == 421:
        return About.SERVER, Reason.REFUSED_FOR_NOW
    if reply.code in _ABOUT_CREDENTIALS:
        return About.SETTINGS, Reason.REFUSED_BY_PROVIDER
    if stage is Stage.SENDER:  # nobody has been named yet
        return (About.SETTINGS if reply.code >= 500 else About.SERVER), Reason.REFUSED_BY_PROVIDER
    enhanced = reply.enhanced
    if enhanced:
        prefix = max((each for each in _BY_ENHANCED if enhanced == each or _within(enhanced, each)), key=len)
        return _BY_ENHANCED[prefix]
    if reply.code < 500:
        return About.DOUBTFUL, Reason.REFUSED_FOR_NOW
    if _ABOUT_US.search(reply.text):
        return About.DOUBTFUL, Reason.REFUSED_BY_POLICY
    if stage is Stage.RECIPIENT and reply.code in _BY_BASIC:
        return _BY_BASIC[reply.code]
    return About.DOUBTFUL, Reason.REFUSED_BY_PROVIDER


def _within(enhanced: str, prefix: str) -> bool:
    return prefix.endswith(".") and enhanced.startswith(prefix)
