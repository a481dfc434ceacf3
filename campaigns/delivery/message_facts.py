"""What the templates and the guards over words may know of a message: read for a whole claim in two statements.

What every message of a campaign says alike is read once.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from campaigns.compliance import following
from campaigns.delivery.links import booking_url, unsubscribe_url
from campaigns.delivery.tidying import folded

zone_of = lru_cache(maxsize=600)(ZoneInfo)

# Of messages, or of a message that a preview imagines: {messages} gives their columns.
_FACTS = """
SELECT m.id, m.tenant_id, m.contact_id, m.channel, m.arm, m.step_code, m.enrolment_id, m.campaign_id, o.id AS offer_id,
       v.id AS variant_id, v.template_id, v.code AS variant_code,
       coalesce(CASE m.channel WHEN 'sms' THEN k.phone_hmac ELSE k.email_hmac END, '') AS address_hmac,
       k.first_name, k.last_name, k.company, k.email, k.phone, k.country AS contact_country, k.region AS contact_region,
       m.lapsed_from,
       last.service AS last_service, last.completed_at AS last_completed_at,
       CASE WHEN m.channel = 'email' AND (b.tracks_clicks OR b.tracks_opens) THEN
           ({tracking}) END AS tracking_said,
       o.name AS offer_name, o.coupon, o.terms, o.expires_on, o.kind AS offer_kind
  FROM ({messages}) m
  JOIN campaigns_contact k ON k.id = m.contact_id
  JOIN campaigns_campaign c ON c.id = m.campaign_id
  JOIN tenants_tenant t ON t.id = m.tenant_id
  JOIN tenants_brand b ON b.id = c.brand_id
  LEFT JOIN campaigns_variant v ON v.id = m.variant_id
  LEFT JOIN campaigns_offer o ON o.id = m.offer_id  -- an offer that has ended meanwhile is not made
       AND (o.expires_on IS NULL OR o.expires_on >= (%(now)s::timestamptz AT TIME ZONE t.timezone)::date)
  LEFT JOIN LATERAL (
        SELECT j.service, j.completed_at
          FROM campaigns_job j
         WHERE j.tenant_id = m.tenant_id AND j.contact_id = m.contact_id AND j.status = 'completed'
           AND j.completed_at <= %(now)s
         ORDER BY j.completed_at DESC, j.id DESC
         LIMIT 1) last ON true
 ORDER BY m.id
"""
# What every message of a campaign says alike.
_SHARED = """
SELECT c.id AS campaign_id,
       t.name AS tenant_name, t.timezone, t.currency, t.country, t.niche_id, t.sandbox, t.slug,
       t.legal_name AS tenant_legal_name, t.postal_address AS tenant_postal_address,
       n.content AS niche_content,
       b.id AS brand_id, b.name AS brand_name, b.legal_name, b.postal_address, b.sender_name, b.sender_email,
       b.reply_to, b.sms_name, b.phone AS brand_phone, b.website, b.privacy_url, b.colour, b.logo_url,
       b.tracks_clicks, b.tracks_opens, b.not_followed_in,
       coalesce(a.settings -> 'sms_plain_letters' <> 'false', true) AS plain_letters
  FROM campaigns_campaign c
  JOIN tenants_tenant t ON t.id = c.tenant_id
  JOIN catalog_niche n ON n.code = t.niche_id
  JOIN tenants_brand b ON b.id = c.brand_id
  JOIN tenants_moduleactivation a ON a.id = c.activation_id
 WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(campaigns)s)
"""
_REAL = """
SELECT m.id, m.tenant_id, m.contact_id, m.channel, m.arm, m.step_code, m.enrolment_id, m.campaign_id, m.offer_id,
       m.variant_id, d.lapsed_from
  FROM campaigns_message m
  JOIN campaigns_enrolment e ON e.id = m.enrolment_id
  JOIN campaigns_dormancyepisode d ON d.id = e.episode_id
 WHERE m.tenant_id = %(tenant)s AND m.id = ANY(%(messages)s)
"""
_IMAGINED = """
SELECT 0::bigint AS id, c.tenant_id, k.id AS contact_id, v.channel, 'treated' AS arm, p.code AS step_code,
       NULL::bigint AS enrolment_id, c.id AS campaign_id, CASE WHEN p.with_offer THEN c.offer_id END AS offer_id,
       v.id AS variant_id, NULL::timestamptz AS lapsed_from
  FROM campaigns_variant v
  JOIN campaigns_step p ON p.id = v.step_id
  JOIN campaigns_campaign c ON c.id = p.campaign_id
  JOIN campaigns_contact k ON k.tenant_id = c.tenant_id AND k.id = %(contact)s
 WHERE v.tenant_id = %(tenant)s AND v.id = %(variant)s
"""
_TRACKING = following.SAID.format(tenant="m.tenant_id", contact="m.contact_id")
FACTS = _FACTS.format(messages=_REAL, tracking=_TRACKING)
IMAGINED_FACTS = _FACTS.format(messages=_IMAGINED, tracking=_TRACKING)


def facts_of(tenant_id: int, message_ids: Sequence[int], *, now: datetime) -> list[dict[str, Any]]:
    """What the templates and the content guards may know about each of these messages, ordered by message."""
    return _facts(FACTS, tenant_id, {"messages": list(message_ids)}, now=now)


def imagined_facts(tenant_id: int, *, variant_id: int, contact_id: int, now: datetime) -> list[dict[str, Any]]:
    """The same for a message that does not exist: what a contact would read in these words. Its links lead nowhere."""
    return _facts(IMAGINED_FACTS, tenant_id, {"variant": variant_id, "contact": contact_id}, now=now)


def _facts(statement: str, tenant_id: int, values: dict[str, Any], *, now: datetime) -> list[dict[str, Any]]:
    own = _rows(statement, values | {"tenant": tenant_id, "now": now})
    campaigns = list({each["campaign_id"] for each in own})
    shared = {each["campaign_id"]: each for each in _rows(_SHARED, {"tenant": tenant_id, "campaigns": campaigns})}
    for each in shared.values():
        each["niche_content"] = json.loads(each["niche_content"])  # a raw cursor gives jsonb as text
        each["today"] = now.astimezone(zone_of(each["timezone"])).date()
    found = []
    for row in own:
        facts = shared[row["campaign_id"]] | row
        facts["unsubscribe_url"] = unsubscribe_url(tenant_id, facts["id"])
        facts["booking_url"] = booking_url(tenant_id, facts["id"])
        # The recipient's name stands in a header, too.
        facts["first_name"], facts["last_name"] = folded(facts["first_name"]), folded(facts["last_name"])
        found.append(facts)
    return found


def _rows(statement: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        columns = [column.name for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
