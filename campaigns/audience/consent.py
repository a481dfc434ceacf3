"""Facts about permission: added, never changed; of yes and no over a channel the latest holds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from campaigns.audience.models import Consent, Contact


def record_consent(
    contact: Contact,
    channel: str,
    state: str,
    *,
    stated_at: datetime | None,
    source: str,
    now: datetime,
    actor: str,
    wording: str = "",
    evidence: Mapping[str, Any] | None = None,
) -> Consent:
    """Keep what the person said, where, and in which words."""
    kept: Consent = Consent.objects.create(
        tenant_id=contact.tenant_id,
        contact=contact,
        channel=channel,
        state=state,
        stated_at=stated_at,
        source=source[:300],
        wording=wording,
        evidence=dict(evidence or {}),
        recorded_at=now,
        recorded_by=actor[:200],
    )
    return kept


# One contact's present consent over one channel, as of %(now)s, for embedding: {contact} and {channel} are SQL.
LATEST = """
SELECT s.state, s.source, s.wording, s.stated_at
  FROM campaigns_consent s
 WHERE s.tenant_id = {tenant} AND s.contact_id = {contact} AND s.channel = {channel}
   AND s.purpose = 'marketing' AND s.state IN ('given', 'withdrawn') AND (s.stated_at IS NULL OR s.stated_at <= %(now)s)
 ORDER BY s.id DESC
 LIMIT 1
"""
