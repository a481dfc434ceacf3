"""Twilio's error codes in our words; one table for what it answers at once and for what its status callbacks report.

https://www.twilio.com/docs/api/errors. What is not in the table and about one text is deferred, never guessed.
"""

from enum import StrEnum

from winback.providers.reasons import Reason


class About(StrEnum):
    """Whom an error concerns."""

    RECIPIENT = "recipient"
    SETTINGS = "settings"
    RATE = "rate"


TWILIO_ERRORS: dict[int, tuple[About, Reason]] = {
    # One recipient
    21610: (About.RECIPIENT, Reason.OPTED_OUT_AT_PROVIDER),
    21211: (About.RECIPIENT, Reason.NUMBER_INVALID),
    21217: (About.RECIPIENT, Reason.NUMBER_INVALID),
    21265: (About.RECIPIENT, Reason.NUMBER_INVALID),
    21614: (About.RECIPIENT, Reason.NUMBER_NOT_MOBILE),
    21635: (About.RECIPIENT, Reason.NUMBER_LANDLINE),
    21408: (About.RECIPIENT, Reason.REGION_NOT_ENABLED),
    21612: (About.RECIPIENT, Reason.NUMBER_UNREACHABLE),
    21617: (About.RECIPIENT, Reason.CONTENT_REFUSED),  # longer than 1600 characters
    30003: (About.RECIPIENT, Reason.NUMBER_UNREACHABLE),
    30004: (About.RECIPIENT, Reason.BLOCKED_BY_CARRIER),
    30005: (About.RECIPIENT, Reason.NUMBER_UNKNOWN),
    30006: (About.RECIPIENT, Reason.NUMBER_LANDLINE),
    # The account, the sender or its registration: nothing leaves until a person mends it
    **dict.fromkeys(
        (
            20003,  # wrong credentials
            20005, 10001, 30002,  # account not active, suspended
            20404,  # no such account or Messaging Service
            21212, 21603, 21606, 21659, 21660, 21661,  # no sender, or one that is not ours or cannot send texts
            21608,  # a trial account writes to verified numbers only
            21701, 21703, 21704, 21705,  # Messaging Service without senders, or none
            30007,  # filtered by the carriers: the campaign or sender is at fault, never the recipient
            30032, 30034,  # toll-free not verified, 10DLC not registered
            30010,  # dearer than the price that the account allows
        ),
        (About.SETTINGS, Reason.REFUSED_BY_PROVIDER),
    ),
    # Too fast
    **dict.fromkeys((20429, 14107, 21611, 30001, 30022, 30023, 63038), (About.RATE, Reason.REFUSED_FOR_NOW)),
}  # fmt: skip
