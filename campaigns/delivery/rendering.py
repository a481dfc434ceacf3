"""From a claimed message to the words that leave: Liquid over a plain dictionary, never Django templates.

The facts of a whole claim are read in two statements, what is the same for a campaign once; a template is compiled
once for each version and process, and what the business, its niche and the offer say is written into it once.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from liquid import Environment
from liquid.exceptions import LiquidError
from liquid.template import BoundTemplate

from campaigns.audience.models import Channel
from campaigns.compliance import following
from campaigns.delivery.links import booking_url, unsubscribe_url
from campaigns.delivery.specialising import specialised
from campaigns.delivery.tidying import folded, given_name, in_gsm, service_named
from campaigns.delivery.tracked_links import tracked
from catalog.compile import compile_email
from catalog.models import MessageTemplate
from winback.console.branding import read_colour, readable, written
from winback.providers.sms.segments import plainer

# Text and subject lines are not HTML: escaping there would show the customer an &amp;.
_HTML = Environment(autoescape=True)
_PLAIN = Environment(autoescape=False)

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
        each["today"] = now.astimezone(_zone(each["timezone"])).date()
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


_zone = lru_cache(maxsize=600)(ZoneInfo)


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
    niche = facts["niche_content"] if isinstance(facts["niche_content"], dict) else {}
    last_at: datetime | None = facts["last_completed_at"] or facts["lapsed_from"]
    today = now.astimezone(zone).date()
    months = whole_months(last_at.astimezone(zone).date(), today) if last_at else 0
    by_text = facts["channel"] == Channel.SMS
    name = given_name(facts["first_name"], on=today)
    # Where people must not read what was done, no template can name it.
    phrases = niche.get("phrases") or {}
    service = ""
    if not niche.get("sensitive"):
        service = service_named(
            facts["last_service"] or "", 30 if by_text else 60, on=today, is_product=bool(phrases.get("ordered"))
        )
    if by_text and facts["plain_letters"]:
        name, service = in_gsm(name), in_gsm(service)
    return {
        "contact": {"first_name": name},
        "business": _business(facts),
        "last": {
            "service": service,
            "service_safe": service or niche.get("safe_phrase") or "your last visit",
            "months": months,
            "phrase": time_since(months),
        },
        "niche": phrases,
        "offer": _offer(facts),
        "booking_url": facts["booking_url"],
        "unsubscribe_url": facts["unsubscribe_url"],
        "preferences_url": facts["unsubscribe_url"],
    }


def _business(facts: Mapping[str, Any]) -> dict[str, str]:
    name = folded(facts["brand_name"] or facts["tenant_name"])
    address = facts["postal_address"] or facts["tenant_postal_address"]
    return {
        "name": name,
        "sms_name": folded(facts["sms_name"]) or name,
        "phone": folded(facts["brand_phone"]),
        "website": facts["website"],
        "legal_name": folded(facts["legal_name"] or facts["tenant_legal_name"]),
        "postal_address": " · ".join(line for each in address.splitlines() if (line := folded(each))),
        "colour": _safe_colour(facts["colour"]),
        "logo_url": facts["logo_url"] if facts["logo_url"].startswith(("https://", "http://")) else "",
        "privacy_url": facts["privacy_url"],
    }


@lru_cache(maxsize=256)
def _safe_colour(colour: str) -> str:
    """The brand's colour, dark enough for the white words on its button; ours when it is none."""
    return f"#{written(readable(read_colour(colour) or (15, 118, 110), (255, 255, 255)))}"


def _offer(facts: Mapping[str, Any]) -> dict[str, str] | None:
    if not facts["offer_id"]:
        return None
    expires: date | None = facts["expires_on"]
    return {
        "summary": folded(facts["offer_name"]).rstrip("."),
        "terms": folded(facts["terms"]),
        "code": folded(facts["coupon"]),
        "expires": f"{expires:%B} {expires.day}, {expires.year}" if expires else "",
    }


@dataclass(frozen=True)
class Compiled:
    """The parts of a template, parsed."""

    subject: BoundTemplate
    html: BoundTemplate | None
    text: BoundTemplate


@lru_cache(maxsize=512)
def compiled(template_id: int) -> Compiled:
    """The parsed template of one version; a version never changes, so it is parsed once in a process."""
    template = MessageTemplate.objects.get(pk=template_id)
    return Compiled(
        subject=_PLAIN.from_string(template.subject),
        html=_HTML.from_string(compile_email(template)) if template.mjml else None,
        text=_PLAIN.from_string(template.text),
    )


Said = tuple[tuple[str, str], ...] | None


@lru_cache(maxsize=128)
def _specialised(template_id: int, business: Said, niche: Said, offer: Said) -> Compiled:
    """The template with what the business, its niche and the offer say in it: the same for most of a claim."""
    said = {"business": business, "niche": niche, "offer": offer}
    known = {name: dict(pairs) if pairs is not None else None for name, pairs in said.items()}
    whole = compiled(template_id)
    return Compiled(
        subject=specialised(whole.subject, known),
        html=specialised(whole.html, known) if whole.html is not None else None,
        text=specialised(whole.text, known),
    )


def _said(known: Mapping[str, str] | None) -> Said:
    return tuple(known.items()) if known is not None else None


def render(facts: Mapping[str, Any], *, now: datetime) -> Rendered:
    """The words of one message; raises RenderFailed when its template is missing or broken."""
    if facts["template_id"] is None:
        raise RenderFailed(f"step {facts['step_code']} has no template for {facts['channel']}")
    context = context_of(facts, now=now)
    alike = (_said(context["business"]), _said(context["niche"]), _said(context["offer"]))
    try:
        template = _specialised(facts["template_id"], *alike)
        text = template.text.render(**context).strip()
        return Rendered(
            # A line break in a subject would start a header of its own.
            subject=" ".join(template.subject.render(**context).split()),
            html=tracked(template.html.render(**context), facts, now=now) if template.html is not None else "",
            text=plainer(text) if facts["channel"] == Channel.SMS and facts["plain_letters"] else text,
        )
    except (LiquidError, MessageTemplate.DoesNotExist) as error:
        raise RenderFailed(str(error)) from error
