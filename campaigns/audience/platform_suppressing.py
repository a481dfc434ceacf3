"""Addresses that no business of this installation may write to: the operator's list, added and lifted with a note."""

from datetime import datetime

from campaigns.audience.addresses import address_hmac
from campaigns.audience.platform_models import PlatformSuppression
from campaigns.audience.suppressing import NotLifted

_SHORTEST_NOTE = 10


class NotNoted(ValueError):
    """The operator's list keeps a reason beside each address."""


def suppress_everywhere(key: str, *, channel: str, reason: str, note: str, actor: str, now: datetime) -> bool:
    """Stop every business from writing to a normalised address; returns whether it was news. Asked by every guard."""
    if len(note.strip()) < _SHORTEST_NOTE:
        raise NotNoted(
            "Say why nobody may write there (a court's order and its number, a spam trap and who said so …)."
        )
    _, made = PlatformSuppression.objects.get_or_create(
        address_hmac=address_hmac(key),
        channel=channel,
        lifted_at=None,
        defaults={"reason": reason, "note": note.strip(), "added_by": actor[:200], "occurred_at": now},
    )
    return made


def lift_everywhere(row: PlatformSuppression, *, note: str, actor: str, now: datetime) -> bool:
    """Take an address off the list again; the row stays. What a business itself has suppressed stays suppressed."""
    if len(note.strip()) < _SHORTEST_NOTE:
        raise NotLifted("Say why this address may be written to again.")
    rows = PlatformSuppression.objects.filter(pk=row.pk, lifted_at=None)
    return bool(rows.update(lifted_at=now, lifted_by=actor[:200], lifted_note=note.strip()))
