"""What a message template must be before it is loaded: strict Liquid, known variables, an honest subject, a footer."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from liquid import Environment
from liquid.exceptions import LiquidError

from catalog.compile import TemplateNotCompiled, compile_mjml
from catalog.word_lists import pattern_of

VARIABLES = frozenset(
    {
        "contact.first_name",
        "business.name",
        "business.sms_name",
        "business.phone",
        "business.website",
        "business.legal_name",
        "business.postal_address",
        "business.colour",
        "business.logo_url",
        "business.privacy_url",
        "last.service",
        "last.service_safe",
        "last.months",
        "last.phrase",
        "niche.visit",
        "niche.since",
        "niche.discreet",
        "niche.ordered",
        "niche.subject",
        "niche.reason",
        "niche.reason_again",
        "niche.sms_reason",
        "niche.easy",
        "niche.action",
        "niche.sms_action",
        "offer",
        "offer.summary",
        "offer.terms",
        "offer.code",
        "offer.expires",
        "booking_url",
        "unsubscribe_url",
        "preferences_url",
    }
)
"""All that a template may name: what campaigns.delivery.rendering puts into its plain dictionary."""

_TAGS = frozenset({"if", "unless", "case", "assign"})
_FILTERS = frozenset({"default", "strip", "truncate", "capitalize", "upcase", "downcase", "escape"})
_SHOWN = ("business.legal_name", "business.postal_address", "unsubscribe_url", "booking_url", "last.phrase")
_SUBJECT_TAGS = re.compile(r"\{%.*?%\}", re.DOTALL)
_GSM_TEXT = re.compile(r"[ -~\n]*")
_STATIC = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_SCRIPT = re.compile(r"<script|javascript:|\son\w+\s*=", re.IGNORECASE)

_environment = Environment()


def lint_template(content: dict[str, Any], *, on: date) -> Iterator[tuple[str, str]]:
    """Each fault of a template as (field, message), by the lists of words of a day."""
    email = content["channel"] == "email"
    if not content["name"]:
        yield "name", "is missing"
    for field in ("subject", "preheader", "mjml", "text"):
        yield from ((field, message) for message in _lint_liquid(content[field]))
    if email:
        yield from _lint_subject(content["subject"], on)
        yield from _lint_email(content)
    else:
        yield from _lint_sms(content["text"], on)


def _lint_liquid(source: str) -> Iterator[str]:
    try:
        analysis = _environment.from_string(source).analyze()
    except LiquidError as error:
        yield f"Liquid: {error}"
        return
    for references in analysis.globals.values():
        for name in sorted({str(reference) for reference in references} - VARIABLES):
            yield f"unknown variable {name!r}"
    for tag in sorted(set(analysis.tags) - _TAGS):
        yield f"tag {tag!r} is not allowed"
    for name in sorted(set(analysis.filters) - _FILTERS):
        yield f"filter {name!r} is not allowed"


def _lint_subject(subject: str, on: date) -> Iterator[tuple[str, str]]:
    words = _SUBJECT_TAGS.sub("", subject)
    if not words.strip():
        yield "subject", "is missing"
    if "\n" in subject:
        yield "subject", "has a line break"
    if pattern_of("pretending_subjects", on).search(words):
        yield "subject", "pretends to be a reply, a bill or an appointment"
    if pattern_of("urgency", on).search(words) and "offer.expires" not in subject:
        yield "subject", "claims urgency without the date on which the offer ends"
    if re.search(r"\{\{[^}]*service", subject):
        yield "subject", "names the service, which some people must not see in an inbox"


def _lint_email(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    try:
        html = compile_mjml(content["mjml"])
    except TemplateNotCompiled as error:
        yield "mjml", f"MJML: {error}"
        return
    if _SCRIPT.search(content["mjml"]):
        yield "mjml", "holds a script"
    if "fonts.googleapis" in html:
        yield "mjml", "fetches fonts from Google"
    for field, body in (("mjml", html), ("text", content["text"])):
        for token in _SHOWN:
            if not re.search(r"\{\{\s*" + re.escape(token) + r"\s*\}\}", body):
                yield field, f"does not show {token}"
        for name in set(_STATIC.findall(content[field])) - set(_STATIC.findall(body)):
            yield field, f"loses {name!r} when compiled"


def _lint_sms(text: str, on: date) -> Iterator[tuple[str, str]]:
    static = _STATIC.sub("", text)
    if not _GSM_TEXT.fullmatch(static) or re.search(r"[\^{}\[\]~|\\`]", static):
        yield "text", "has a character outside the GSM alphabet, which halves the length of a part"
    for token in ("business.sms_name", "booking_url", "last.phrase"):
        if not re.search(r"\{\{\s*" + re.escape(token) + r"\s*\}\}", text):
            yield "text", f"does not show {token}"
    if not pattern_of("stop_instructions", on).search(text):
        yield "text", "does not say how to stop, such as “Reply STOP to opt out”"
