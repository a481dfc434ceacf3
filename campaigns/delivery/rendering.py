"""From a claimed message to the words that leave: Liquid over a plain dictionary, never Django templates.

The facts of a whole claim are read in one statement; a template is compiled once for each version and process.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from liquid import Environment
from liquid.exceptions import LiquidError
from liquid.template import BoundTemplate

from campaigns.delivery.links import booking_url, unsubscribe_url
from catalog.compile import compile_email
from catalog.models import MessageTemplate

# Text and subject lines are not HTML: escaping there would show the customer an &amp;.
_HTML = Environment(autoescape=True)
_PLAIN = Environment(autoescape=False)

FACTS = """
SELECT m.id, m.tenant_id, m.contact_id, m.channel, m.arm, m.step_code, m.enrolment_id, m.campaign_id, o.id AS offer_id,
       v.template_id, v.code AS variant_code,
       k.first_name, k.last_name, k.company, k.email, k.phone, k.country AS contact_country,
       e.enrolled_at, d.lapsed_from,
       last.service AS last_service, last.completed_at AS last_completed_at,
       t.name AS tenant_name, t.timezone, t.currency, t.country, t.niche_id, t.sandbox, t.slug,
       t.legal_name AS tenant_legal_name, t.postal_address AS tenant_postal_address,
       n.content AS niche_content,
       b.id AS brand_id, b.name AS brand_name, b.legal_name, b.postal_address, b.sender_name, b.sender_email,
       b.reply_to, b.sms_name, b.phone AS brand_phone, b.website, b.privacy_url, b.colour, b.logo_url,
       o.name AS offer_name, o.coupon, o.terms, o.expires_on, o.kind AS offer_kind
  FROM campaigns_message m
  JOIN campaigns_contact k ON k.id = m.contact_id
  JOIN campaigns_enrolment e ON e.id = m.enrolment_id
  JOIN campaigns_dormancyepisode d ON d.id = e.episode_id
  JOIN campaigns_campaign c ON c.id = m.campaign_id
  JOIN tenants_tenant t ON t.id = m.tenant_id
  JOIN catalog_niche n ON n.code = t.niche_id
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
 WHERE m.tenant_id = %(tenant)s AND m.id = ANY(%(messages)s)
 ORDER BY m.id
"""


class RenderFailed(RuntimeError):
    """The template of a message cannot be rendered: mend it in the catalog; the message is blocked, not lost."""


@dataclass(frozen=True)
class Rendered:
    """The words of one message. SMS has only ``text``."""

    subject: str
    html: str
    text: str

    @property
    def sha256(self) -> str:
        """The digest that stays on the message as evidence of what left."""
        return hashlib.sha256("\0".join((self.subject, self.html, self.text)).encode()).hexdigest()


def facts_of(tenant_id: int, message_ids: Sequence[int], *, now: datetime) -> list[dict[str, Any]]:
    """What the templates and the content guards may know about each of these messages, ordered by message."""
    with connection.cursor() as cursor:
        cursor.execute(FACTS, {"tenant": tenant_id, "messages": list(message_ids), "now": now})
        columns = [column.name for column in cursor.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    for facts in rows:
        facts["unsubscribe_url"] = unsubscribe_url(tenant_id, facts["id"])
        facts["booking_url"] = booking_url(tenant_id, facts["id"])
        facts["niche_content"] = _content(facts["niche_content"])
        facts["today"] = now.astimezone(_zone(facts["timezone"])).date()
    return rows


_zone = lru_cache(maxsize=600)(ZoneInfo)
_content: Callable[[str], dict[str, Any]] = lru_cache(maxsize=64)(json.loads)  # a raw cursor gives jsonb as text


_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")


def whole_months(since: date, until: date) -> int:
    """Completed calendar months between two days."""
    return (until.year - since.year) * 12 + until.month - since.month - (until.day < since.day)


def time_since(months: int) -> str:
    """How a person would say it: “about eight months”, “over a year”, “about two years”."""
    if months < 1:
        return "a few weeks"
    if months == 1:
        return "about a month"
    if months < 12:
        return f"about {_NUMBERS[months]} months"
    if months < 18:
        return "over a year"
    if months < 22:
        return "about a year and a half"
    if months < 30:
        return "about two years"
    return "more than two years"


def context_of(facts: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """The plain dictionary that a template sees. Names and shape are those that sync_catalog validates against."""
    zone = _zone(facts["timezone"])
    niche = facts["niche_content"]
    sensitive = bool(niche.get("sensitive"))
    last_at: datetime | None = facts["last_completed_at"] or facts["lapsed_from"]
    months = whole_months(last_at.astimezone(zone).date(), now.astimezone(zone).date()) if last_at else 0
    service = (facts["last_service"] or "").strip()
    safe_phrase = niche.get("safe_phrase") or "your last visit"
    named = "" if sensitive else service
    offer = None
    if facts["offer_id"]:
        expires: date | None = facts["expires_on"]
        offer = {
            "summary": facts["offer_name"],
            "terms": facts["terms"],
            "code": facts["coupon"],
            "expires": f"{expires:%B} {expires.day}, {expires.year}" if expires else "",
        }
    url = facts["unsubscribe_url"]
    return {
        "contact": {"first_name": _tidy(facts["first_name"])},
        "business": {
            "name": facts["brand_name"] or facts["tenant_name"],
            "sms_name": facts["sms_name"] or facts["brand_name"] or facts["tenant_name"],
            "phone": facts["brand_phone"],
            "website": facts["website"],
            "legal_name": facts["legal_name"] or facts["tenant_legal_name"],
            "postal_address": " · ".join((facts["postal_address"] or facts["tenant_postal_address"]).splitlines()),
            "colour": facts["colour"],
            "logo_url": facts["logo_url"],
            "privacy_url": facts["privacy_url"],
        },
        "last": {
            "service": named,
            "service_safe": named or safe_phrase,
            "months": months,
            "phrase": time_since(months),
        },
        "niche": niche.get("phrases") or {},
        "offer": offer,
        "booking_url": facts["booking_url"],
        "unsubscribe_url": url,
        "preferences_url": url,
    }


def _tidy(name: str) -> str:
    """A first name as one would write it: the first word, not shouted, and nothing that is no name."""
    word = name.strip().split(" ")[0] if name.strip() else ""
    if not word or not word[0].isalpha() or any(mark in word for mark in "{}<>@/\\") or len(word) > 40:
        return ""
    return word.capitalize() if word.isupper() and len(word) > 2 else word


@dataclass(frozen=True)
class _Compiled:
    subject: BoundTemplate
    html: BoundTemplate | None
    text: BoundTemplate


@lru_cache(maxsize=512)
def _compiled(template_id: int) -> _Compiled:
    """The parsed template of one version; a version never changes, so it is parsed once in a process."""
    template = MessageTemplate.objects.get(pk=template_id)
    return _Compiled(
        subject=_PLAIN.from_string(template.subject),
        html=_HTML.from_string(compile_email(template)) if template.mjml else None,
        text=_PLAIN.from_string(template.text),
    )


def render(facts: Mapping[str, Any], *, now: datetime) -> Rendered:
    """The words of one message; raises RenderFailed when its template is missing or broken."""
    if facts["template_id"] is None:
        raise RenderFailed(f"step {facts['step_code']} has no template for {facts['channel']}")
    context = context_of(facts, now=now)
    try:
        compiled = _compiled(facts["template_id"])
        return Rendered(
            # A line break in a subject would start a header of its own.
            subject=" ".join(compiled.subject.render(**context).split()),
            html=compiled.html.render(**context) if compiled.html is not None else "",
            text=compiled.text.render(**context).strip(),
        )
    except (LiquidError, MessageTemplate.DoesNotExist) as error:
        raise RenderFailed(str(error)) from error
