"""What can go wrong outside, in words that say what to do next: wait, mend the settings, or find out what became of it.

What concerns one recipient is no error: the witness hears of it (handing.py) and the batch goes on.
"""

import re

# What a provider answers is shown to staff, kept with the connection and logged: it must name nobody.
_ADDRESS = re.compile(r"[^\s<>\"'(),:;\[\]{}]+@[^\s<>\"'(),:;\[\]{}]+")
_NUMBER = re.compile(r"\+\d[\d ().-]{5,}\d")


def without_addresses(text: object) -> str:
    """The text on one line, with e-mail addresses and telephone numbers taken out."""
    one_line = " ".join(str(text).split())
    return _NUMBER.sub("<number>", _ADDRESS.sub("<address>", one_line))[:500]


class ProviderError(Exception):
    """Something went wrong with a provider."""

    def __init__(self, message: object) -> None:
        super().__init__(without_addresses(message))


class ProviderTrouble(ProviderError):
    """The provider's own trouble (down, slow, refuses everybody): nothing of the rest left. Pause and try later."""

    def __init__(self, message: object, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        """What the provider asked for, where it did."""


class ProviderMisconfigured(ProviderTrouble):
    """The connection's settings or credentials are wrong: nothing leaves until a person mends them."""


class OutcomeUnknown(ProviderTrouble):
    """The provider went silent while it had a message, which may have left: it is never sent again blindly."""
