"""How the fake providers fail: as a test tells them to."""

from enum import StrEnum

from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble
from winback.providers.handing import Witness
from winback.providers.reasons import Reason


class Failure(StrEnum):
    """``settings["fail"]`` for everybody, or ``settings["fail_for"]`` = {recipient: how} for some."""

    TROUBLE = "trouble"
    MISCONFIGURED = "misconfigured"
    REFUSE = "refuse"
    DEAD = "dead"
    OPTED_OUT = "opted_out"
    DEFER = "defer"
    UNKNOWN = "unknown"


def fails(how: object, reference: str, witness: Witness) -> bool:
    """Whether the message fails, as it is told; raises what a real provider would raise."""
    if how == Failure.TROUBLE:
        raise ProviderTrouble("the fake provider is down")
    if how == Failure.MISCONFIGURED:
        raise ProviderMisconfigured("the fake provider refuses the password")
    witness.starting(reference)
    if how == Failure.UNKNOWN:
        raise OutcomeUnknown("the fake connection was cut")
    if how == Failure.REFUSE:
        witness.refused(reference, Reason.RECIPIENT_REFUSED, "no such recipient")
    elif how == Failure.DEAD:
        witness.refused(reference, Reason.MAILBOX_UNKNOWN, "no such mailbox")
    elif how == Failure.OPTED_OUT:
        witness.refused(reference, Reason.OPTED_OUT_AT_PROVIDER, "has opted out")
    elif how == Failure.DEFER:
        witness.deferred(reference, Reason.MAILBOX_FULL, "full")
    elif how:
        raise ValueError(f"the fake cannot fail by {how!r}")
    return bool(how)
