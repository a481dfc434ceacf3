"""Clicks on tracked links and fetches of the open pixel: kept a few times each, judged, and never decided by.

A flood on one link writes a few rows and then nothing. Whoever was erased, or has said since that they want no such
counting, still gets where the link leads, and nothing is written.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.audience.models import Contact
from campaigns.compliance import following
from campaigns.delivery.links import Click, Link
from campaigns.delivery.models import TrackedLink
from campaigns.planning.models import Message
from campaigns.tracking import engagement
from campaigns.tracking.models import Interaction

MOST_CLICKS, MOST_OPENS = 5, 3
"""Of one link, and of the pixel, in one message: enough to tell a sequence by, too few to fill a disk."""
LONGEST_AGENT = 200


@dataclass(frozen=True)
class Visit:
    """What a request tells of who made it. No address is kept."""

    user_agent: str
    prefetch: bool = False
    """A browser said that nobody has asked for the page yet."""


def destination_of(click: Click) -> str | None:
    """Where a link leads: what its row says, and nothing of the request."""
    url: str | None = (
        TrackedLink.objects.for_tenant(click.tenant_id).filter(pk=click.link_id).values_list("url", flat=True).first()
    )
    return url


def note_click(click: Click, visit: Visit, *, now: datetime) -> bool:
    """Keep a click, unless there are enough of this link in this message; whether one was kept."""
    message = _message(click.tenant_id, click.message_id, now=now)
    if message is None or not message.campaign.brand.tracks_clicks:
        return False
    data = {
        "link": click.link_id,
        "user_agent": visit.user_agent[:LONGEST_AGENT],
        "known_agent": engagement.is_known_scanner(visit.user_agent),
        "machine": visit.prefetch,
    }
    kept = _keep(
        message, Interaction.Kind.CLICKED, f"link-{message.pk}-{click.link_id}", MOST_CLICKS, data=data, now=now
    )
    if kept:
        with connection.cursor() as cursor:
            cursor.execute(engagement.JUDGE_CLICKS_OF_ONE, {"tenant": click.tenant_id, "message": message.pk})
    return kept


def note_open(link: Link, visit: Visit, *, now: datetime) -> bool:
    """Keep that the pixel was fetched, flagged by who seems to have done it."""
    message = _message(link.tenant_id, link.message_id, now=now)
    if message is None or not message.campaign.brand.tracks_opens:
        return False
    data = {
        "user_agent": visit.user_agent[:LONGEST_AGENT],
        "confidence": "machine" if visit.prefetch else engagement.of_fetch(visit.user_agent),
    }
    return _keep(message, Interaction.Kind.OPENED, f"pixel-{message.pk}", MOST_OPENS, data=data, now=now)


def _message(tenant_id: int, message_id: int, *, now: datetime) -> Message | None:
    """The message whose doings may be counted; None where the person is gone, or may not be followed any more."""
    rows = Message.objects.for_tenant(tenant_id).select_related("tenant", "contact__merged_into", "campaign__brand")
    message: Message | None = rows.filter(pk=message_id).first()
    if message is None or message.contact.state == Contact.State.ERASED:
        return None
    # Whoever was found to be the same person since then may have said no, too.
    people = [each for each in (message.contact, message.contact.merged_into) if each is not None]
    brand, tenant = message.campaign.brand, message.tenant
    return message if all(following.of_contact(tenant, each, brand, now=now).allowed for each in people) else None


def _keep(message: Message, kind: str, key: str, most: int, *, data: dict[str, Any], now: datetime) -> bool:
    """One row more under this key, unless there are so many."""
    keys = [f"{key}-{number}" for number in range(most)]
    rows = Interaction.objects.for_tenant(message.tenant_id).filter(kind=kind, dedupe_key__in=keys)
    taken = set(rows.values_list("dedupe_key", flat=True))
    free = next((each for each in keys if each not in taken), None)
    if free is None:
        return False
    Interaction.objects.bulk_create(
        [
            Interaction(
                tenant_id=message.tenant_id, kind=kind, contact=message.contact, message=message, dedupe_key=free,
                occurred_at=now, data=data,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return True
