"""Why a provider did not take a message: our words, whatever the vendor calls it. docs/reasons.md explains them."""

from enum import StrEnum


class Reason(StrEnum):
    """A stable code that stays on the message."""

    ADDRESS_UNUSABLE = "address_unusable"
    MAILBOX_UNKNOWN = "mailbox_unknown"
    MAILBOX_DISABLED = "mailbox_disabled"
    MAILBOX_FULL = "mailbox_full"
    MAILBOX_MOVED = "mailbox_moved"
    DOMAIN_UNKNOWN = "domain_unknown"
    SUPPRESSED_AT_PROVIDER = "suppressed_at_provider"
    NUMBER_INVALID = "number_invalid"
    NUMBER_NOT_MOBILE = "number_not_mobile"
    NUMBER_LANDLINE = "number_landline"
    NUMBER_UNKNOWN = "number_unknown"
    NUMBER_UNREACHABLE = "number_unreachable"
    OPTED_OUT_AT_PROVIDER = "opted_out_at_provider"
    REGION_NOT_ENABLED = "region_not_enabled"
    BLOCKED_BY_CARRIER = "blocked_by_carrier"
    CONTENT_REFUSED = "content_refused"
    RECIPIENT_REFUSED = "recipient_refused"
    REFUSED_BY_POLICY = "refused_by_policy"
    REFUSED_BY_PROVIDER = "refused_by_provider"
    REFUSED_FOR_NOW = "refused_for_now"


ADDRESS_IS_DEAD = frozenset(
    {
        Reason.ADDRESS_UNUSABLE,
        Reason.MAILBOX_UNKNOWN,
        Reason.DOMAIN_UNKNOWN,
        Reason.NUMBER_INVALID,
        Reason.NUMBER_NOT_MOBILE,
        Reason.NUMBER_LANDLINE,
        Reason.NUMBER_UNKNOWN,
    }
)
"""Writing there again is of no use: whoever keeps suppressions adds the address."""

PERSON_SAID_NO = frozenset({Reason.OPTED_OUT_AT_PROVIDER, Reason.SUPPRESSED_AT_PROVIDER})
"""The provider knows that this person does not want, or cannot get, our messages: suppress at once."""
