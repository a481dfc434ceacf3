"""Facts of messages as campaigns.delivery.message_facts.facts_of reads them, made without a database row each."""

from datetime import date, timedelta
from typing import Any

from campaigns.audience.models import Channel
from campaigns.compliance import content
from campaigns.compliance.verdict import Verdict
from campaigns.delivery import routing
from campaigns.delivery.links import booking_url, unsubscribe_url
from campaigns.delivery.rendering import Rendered
from catalog.reading import read_entries
from tests.factories import NOW

NICHES = {entry.code: entry.content for entry in read_entries("niches")}
OFFER: dict[str, Any] = {
    "offer_id": 1,
    "offer_name": "$25 off your next visit",
    "coupon": "BACK25",
    "terms": "One per household. Not valid with other offers.",
    "expires_on": date(2026, 12, 31),
    "offer_kind": "amount",
}


def facts_of(
    message_id: int = 7, *, niche: str = "hvac", channel: str = Channel.EMAIL, **fields: Any
) -> dict[str, Any]:
    """What is known of one message of a business in Chicago."""
    facts: dict[str, Any] = {
        "id": message_id,
        "tenant_id": 1,
        "contact_id": 3,
        "channel": channel,
        "arm": "treated",
        "step_code": "hello",
        "enrolment_id": 4,
        "campaign_id": 5,
        "offer_id": None,
        "template_id": None,
        "variant_code": "a",
        "first_name": "Ana",
        "last_name": "Silva",
        "company": "",
        "email": "ana@example.com",
        "phone": "+13125550182",
        "contact_country": "US",
        "enrolled_at": NOW - timedelta(days=1),
        "lapsed_from": NOW - timedelta(days=240),
        "last_service": "AC tune-up",
        "last_completed_at": NOW - timedelta(days=240),
        "tenant_name": "Oak & Sons",
        "timezone": "America/Chicago",
        "currency": "USD",
        "country": "US",
        "niche_id": niche,
        "sandbox": True,
        "slug": "oak",
        "tenant_legal_name": "Oak & Sons LLC",
        "tenant_postal_address": "12 Oak Street\nSpringfield, IL 62701",
        "niche_content": NICHES[niche],
        "brand_id": 2,
        "brand_name": "Oak & Sons",
        "legal_name": "Oak & Sons LLC",
        "postal_address": "12 Oak Street\nSpringfield, IL 62701",
        "sender_name": "Oak & Sons",
        "sender_email": "hello@oak.example.com",
        "reply_to": "",
        "sms_name": "Oak & Sons",
        "brand_phone": "(312) 555-0182",
        "website": "",
        "privacy_url": "",
        "colour": "#0f766e",
        "logo_url": "",
        "tracks_clicks": True,
        "tracks_opens": False,
        "not_followed_in": [],
        "plain_letters": True,
        "contact_region": "IL",
        "tracking_said": None,
        "offer_name": None,
        "coupon": None,
        "terms": None,
        "expires_on": None,
        "offer_kind": None,
        "unsubscribe_url": unsubscribe_url(1, message_id),
        "booking_url": booking_url(1, message_id),
        "today": date(2026, 9, 30),
    }
    return facts | fields


def judged(facts: dict[str, Any], words: Rendered, **changes: Any) -> list[Verdict]:
    """What the guards say about these words, or about them with something changed."""
    asked: dict[str, Any] = {
        "channel": facts["channel"],
        "subject": words.subject,
        "html": words.html,
        "text": words.text,
        "headers": routing.headers(facts) if facts["channel"] == Channel.EMAIL else {},
        "facts": facts,
    }
    return content.judge(**(asked | changes))


def refusals(facts: dict[str, Any], words: Rendered, **changes: Any) -> set[str]:
    return {verdict.reason for verdict in judged(facts, words, **changes) if not verdict.allowed}
