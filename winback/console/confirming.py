"""Asking before something that cannot be taken back: one page, one button that names count and effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.http import HttpRequest

from winback.console.components import Check

CONFIRMED = "confirmed"
TYPED = "typed"


@dataclass(frozen=True)
class Confirmation:
    """What is about to happen. ``typed`` is what must be typed first: the campaign's name, the number of people."""

    title: str
    button: str
    sentences: Sequence[str] = ()
    back: str = ""
    typed: str = ""
    danger: bool = True
    checks: Sequence[Check] = ()
    samples: Sequence[str] = ()
    hidden: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    """Fields to send again, such as an admin action's ``action`` and ``_selected_action``."""

    @property
    def blocked(self) -> bool:
        """A failed check leaves nothing to confirm."""
        return any(check.state == "bad" for check in self.checks)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The hidden fields, one pair a value."""
        pairs = []
        for name, value in self.hidden.items():
            pairs += [(name, one) for one in ([value] if isinstance(value, str) else value)]
        return pairs


def _plain(text: str) -> str:
    return " ".join(text.split())


def answer_of(request: HttpRequest, confirmation: Confirmation) -> str | None:
    """None when confirmed, an empty string when not yet asked, else the sentence that says what is wrong.

    Only a POST from the page itself confirms: the POST of a list's action brought the person there.
    """
    if request.method != "POST" or CONFIRMED not in request.POST:
        return ""
    if confirmation.blocked:
        return "A check has failed. Put it right first."
    if confirmation.typed and _plain(request.POST.get(TYPED, "")) != _plain(confirmation.typed):
        return f"That is not “{confirmation.typed}”. Nothing was done."
    return None
