"""From the facts of a message to the words that leave: Liquid over a plain dictionary, never Django templates.

A template is compiled once for each version and process, and what the business, its niche and the offer say is written
into it once.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from liquid import Environment
from liquid.exceptions import LiquidError
from liquid.template import BoundTemplate

from campaigns.audience.models import Channel
from campaigns.delivery.message_facts import zone_of
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
    zone = zone_of(facts["timezone"])
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
