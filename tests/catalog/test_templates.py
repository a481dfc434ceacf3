"""The words that customers read: whole sentences whatever is missing, and nothing that must not be shown."""

import re
from itertools import product
from typing import Any

import pytest
from liquid import Environment, StrictUndefined

from catalog import reading
from catalog.compile import compile_mjml

HTML = Environment(autoescape=True, undefined=StrictUndefined)
PLAIN = Environment(undefined=StrictUndefined)
NICHES = {entry.code: entry.content for entry in reading.read_entries("niches")}
TEMPLATES = [entry.content for entry in reading.read_templates()]
OFFER = {"summary": "$25 off", "terms": "One per household.", "code": "BACK25", "expires": "December 31, 2026"}
BARE_OFFER = {"summary": "A free add-on", "terms": "One per visit.", "code": "", "expires": ""}


def context(niche: str, *, name: str, service: str, offer: dict[str, str] | None, phone: str) -> dict[str, Any]:
    shown = "" if NICHES[niche]["sensitive"] else service
    return {
        "contact": {"first_name": name},
        "business": {
            "name": "Oak & Sons",
            "sms_name": "Oak & Sons",
            "phone": phone,
            "website": "",
            "legal_name": "Oak & Sons LLC",
            "postal_address": "12 Oak Street, Springfield, IL 62701",
            "colour": "#0f766e",
            "logo_url": "",
            "privacy_url": "",
        },
        "last": {"service": shown, "service_safe": shown or "x", "months": 8, "phrase": "about eight months"},
        "niche": NICHES[niche]["phrases"],
        "offer": offer,
        "booking_url": "https://oak.example.com/book/" + "A" * 40,
        "unsubscribe_url": "https://oak.example.com/u/" + "B" * 40,
        "preferences_url": "https://oak.example.com/u/" + "B" * 40,
    }


def parts(template: dict[str, str], values: dict[str, Any]) -> dict[str, str]:
    rendered = {"text": PLAIN.from_string(template["text"]).render(**values)}
    if template["channel"] == "email":
        rendered["subject"] = PLAIN.from_string(template["subject"]).render(**values).strip()
        rendered["html"] = HTML.from_string(compile_mjml(template["mjml"])).render(**values)
    return rendered


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: f"{template['code']}-{template['channel']}")
def test_every_combination_of_missing_data_gives_whole_sentences(template: dict[str, str]) -> None:
    for niche, name, service, offer, phone in product(
        NICHES, ("", " ", "Ana"), ("", "AC tune-up"), (None, OFFER, BARE_OFFER), ("", "(312) 555-0182")
    ):
        rendered = parts(template, context(niche, name=name, service=service, offer=offer, phone=phone))

        for part, words in rendered.items():
            visible = re.sub(r"<[^>]*>", " ", words) if part == "html" else words
            assert not re.search(r"\{\{|\{%|\bnil\b|\bNone\b", visible)
            assert not re.search(r"\(\s*\)| ,|,,|Hi [,!]|: \.|last \.|last with|  Reply", visible), visible
        assert "about eight months" in rendered["text"]
        assert rendered["text"].count("https://oak.example.com/book/") == 1
        if service and not NICHES[niche]["sensitive"]:
            assert service in rendered["text"]
        if template["code"] == "winback_offer" and offer is OFFER and template["channel"] == "email":
            assert "One per household." in rendered["html"]
            assert "One per household." in rendered["text"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: f"{template['code']}-{template['channel']}")
def test_a_sensitive_niche_never_shows_the_treatment_nor_an_offer_where_others_look(template: dict[str, str]) -> None:
    offer = OFFER | {"summary": "20% off Botox", "code": "BOTOX20"}

    rendered = parts(template, context("med-spa", name="Ana", service="Botox - lip", offer=offer, phone=""))

    assert "lip" not in " ".join(rendered.values())
    seen_by_others = rendered.get("subject", "") + (rendered["text"] if template["channel"] == "sms" else "")
    assert "botox" not in seen_by_others.lower()


def test_texts_fit_two_parts_and_the_gsm_alphabet() -> None:
    for template, niche in product(TEMPLATES, NICHES):
        if template["channel"] == "sms":
            values = context(niche, name="Ana", service="AC tune-up", offer=OFFER, phone="")

            text = parts(template, values)["text"]

            assert re.fullmatch(r"[ -~]*", text)
            assert len(text) <= 306, text
            assert text.startswith("Oak & Sons: ")
            assert text.endswith("Reply STOP to opt out")


def test_what_a_customer_typed_is_escaped_in_html_and_not_in_text() -> None:
    template = next(entry for entry in TEMPLATES if entry["code"] == "winback_hello" and entry["channel"] == "email")

    rendered = parts(template, context("hvac", name="Ana", service="<b>AC & more</b>", offer=None, phone=""))

    assert "&lt;b&gt;AC &amp; more" in rendered["html"]
    assert "<b>AC & more</b>" in rendered["text"]


def test_email_fetches_nothing_from_anybody() -> None:
    for template in TEMPLATES:
        if template["channel"] == "email":
            html = compile_mjml(template["mjml"])

            assert not re.search(r"(src|href)=\"https?://|@import|url\(", html)
