"""Links and the open pixel of an e-mail, where brand, country and person allow that they are counted.

A link to another site leads through ours, by the number of a row that holds its destination: nothing in the address can
be turned elsewhere. Our own pages (booking, unsubscribing), texts, and the plain-text part of an e-mail stay as they
are. Where counting is not allowed, the link goes straight to its destination.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from html import escape, unescape
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from campaigns.compliance import following
from campaigns.delivery.links import click_url, open_url

MOST_LINKS = 200
"""Of one variant: a template that writes a URL of its own for everybody would make a row for everybody."""

_LINK = re.compile(r"""(<a\b[^<>]*?\shref=)(["'])(https?://[^"'<>\s]{1,2000})\2""", re.IGNORECASE)
_known: dict[tuple[int, int, str], int] = {}
_MOST_KNOWN = 10_000

FIND = (
    "SELECT id FROM campaigns_trackedlink WHERE tenant_id = %s AND campaign_id = %s AND variant_id = %s AND digest = %s"
)
MAKE = """
INSERT INTO campaigns_trackedlink (tenant_id, campaign_id, variant_id, url, digest, created_at)
SELECT %(tenant)s, %(campaign)s, %(variant)s, %(url)s, %(digest)s, %(now)s
 WHERE (SELECT count(*) FROM campaigns_trackedlink WHERE tenant_id = %(tenant)s AND campaign_id = %(campaign)s
           AND variant_id = %(variant)s) < %(most)s
ON CONFLICT (tenant_id, campaign_id, variant_id, digest) DO NOTHING
"""


def may_count(facts: Mapping[str, Any]) -> bool:
    """Whether this person's clicks and opens may be counted."""
    where = {"country": facts["contact_country"] or facts["country"], "region": facts["contact_region"]}
    return following.judge({**facts, **where, "said": facts["tracking_said"]}, on=facts["today"]).allowed


def tracked(html: str, facts: Mapping[str, Any], *, now: datetime) -> str:
    """The HTML of a message with its links led through ours, and with the pixel, as far as that is allowed."""
    if not facts["id"] or not may_count(facts):
        return html  # a preview has no id: nothing of it is counted
    if facts["tracks_clicks"]:
        html = _LINK.sub(partial(_led_through_ours, facts=facts, now=now), html)
    if facts["tracks_opens"]:
        url = escape(open_url(facts["tenant_id"], facts["id"]))
        pixel = f'<img src="{url}" width="1" height="1" alt="" style="display:block" />'
        html = html.replace("</body>", f"{pixel}</body>", 1)
    return html


def _led_through_ours(found: re.Match[str], *, facts: Mapping[str, Any], now: datetime) -> str:
    url = unescape(found.group(3))
    if url.startswith(f"{settings.WINBACK_PUBLIC_URL}/"):
        return found.group(0)
    link = _link_id(facts["tenant_id"], facts["campaign_id"], facts["variant_id"], url, now=now)
    if link is None:
        return found.group(0)
    ours = escape(click_url(facts["tenant_id"], facts["id"], link))
    return f"{found.group(1)}{found.group(2)}{ours}{found.group(2)}"


def _link_id(tenant_id: int, campaign_id: int, variant_id: int, url: str, *, now: datetime) -> int | None:
    """The row of a destination, made when it is new; None when there are too many. Inside the tenant's scope."""
    known = _known.get((campaign_id, variant_id, url))
    if known is not None:
        return known
    digest = hashlib.sha256(url.encode()).hexdigest()
    place = (tenant_id, campaign_id, variant_id, digest)
    with connection.cursor() as cursor:
        cursor.execute(FIND, place)
        row = cursor.fetchone()
        if row is None:
            values: dict[str, Any] = {"tenant": tenant_id, "campaign": campaign_id, "variant": variant_id, "now": now}
            cursor.execute(MAKE, values | {"url": url, "digest": digest, "most": MOST_LINKS})
            cursor.execute(FIND, place)
            row = cursor.fetchone()
    if row is None:
        return None
    # Remembered once it is certain that the row stays.
    transaction.on_commit(partial(_remember, (campaign_id, variant_id, url), int(row[0])))
    return int(row[0])


def _remember(place: tuple[int, int, str], link_id: int) -> None:
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[place] = link_id
