"""No words leave without their footer, their truth and their way out: each piece taken away or hidden is noticed."""

import json
import re
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from campaigns.audience.models import Channel
from campaigns.compliance import content
from campaigns.compliance.verdict import Verdict
from campaigns.compliance.wording import pretends
from campaigns.delivery import routing
from campaigns.delivery.links import unsubscribe_url
from campaigns.delivery.rendering import Rendered, render
from catalog.models import MessageTemplate
from catalog.reading import read_entries
from tests import words
from tests.factories import NOW
from tests.words import OFFER, refusals

ADDRESS, LEGAL = "12 Oak Street", "Oak &amp; Sons LLC"
Sent = tuple[dict[str, Any], Rendered]


def sent(code: str, channel: str, **fields: Any) -> Sent:
    template = MessageTemplate.objects.get(code=code, channel=channel)
    facts = words.facts_of(channel=channel, template_id=template.pk, **fields)
    return facts, render(facts, now=NOW)


@pytest.fixture
def email(catalog: None) -> Sent:
    return sent("winback_offer", Channel.EMAIL, **OFFER)


@pytest.fixture
def sms(catalog: None) -> Sent:
    return sent("winback_offer", Channel.SMS, **OFFER)


def test_an_untouched_mail_is_allowed_with_every_guards_verdict(email: Sent) -> None:
    verdicts = words.judged(*email)

    assert {verdict.guard for verdict in verdicts} == {"email_footer", "can_spam", "template_integrity"}
    assert all(verdict.allowed for verdict in verdicts)


def test_an_untouched_text_is_allowed_and_its_segments_are_noted(sms: Sent) -> None:
    verdicts = {verdict.guard: verdict for verdict in words.judged(*sms)}

    assert set(verdicts) == {"sms_opt_out", "template_integrity"}
    assert verdicts["sms_opt_out"].facts == {"segments": 2, "encoding": "GSM-7"}


def test_a_list_of_words_holds_on_its_days_alone() -> None:
    before, on = date(1998, 6, 10), date(1998, 6, 11)

    assert [pretends("Re: your visit", on=day) for day in (before, on)] == [False, True]


@pytest.mark.usefixtures("catalog")
def test_the_catalog_says_what_each_guard_asks() -> None:
    described = {entry.code: entry.content for entry in read_entries("guards")}

    assert set(described) == set(content.GUARDS)
    for code, guard in content.GUARDS.items():
        assert described[code]["version"] == guard.version
        assert tuple(described[code]["channels"]) == guard.channels


FOOTER = re.compile(r"<div[^>]*>Oak &amp; Sons LLC, 12 Oak Street[^<]*</div>")
STOP_LINK = re.compile(r'<a href="[^"]*/u/[^"]*">Unsubscribe</a>')


def footer_styled(style: str) -> Callable[[str], str]:
    """The footer's address in an element with a style of its own."""
    return lambda html: FOOTER.sub(lambda found: f'<div style="{style}">{found.group()}</div>', html)


def footer_within(before: str, after: str) -> Callable[[str], str]:
    return lambda html: FOOTER.sub(lambda found: before + found.group() + after, html)


def with_sheet(rule: str) -> Callable[[str], str]:
    return lambda html: html.replace("</head>", f"<style>{rule}</style></head>")


HIDINGS: dict[str, Callable[[str], str]] = {
    "taken out": lambda html: FOOTER.sub("", html),
    "in a comment": footer_within("<!-- ", " -->"),
    "in a comment that looks closed": footer_within("<!-- -- > ", " -->"),
    "for Outlook alone": footer_within("<!--[if mso]>", "<![endif]-->"),
    "for all but Outlook": footer_within("<!--[if !mso]><!-->", "<!--<![endif]-->"),
    "display none": footer_styled("display:none"),
    "display none, shouted and spaced": footer_styled("DISPLAY : NONE !important"),
    "display none, with a comment within": footer_styled("display:/* */none"),
    "display none, spelt with an escape": footer_styled(r"display:n\6fne"),
    "display none, spelt with an entity": footer_styled("display&#58;none"),
    "visibility hidden": footer_styled("visibility:hidden"),
    "no opacity": footer_styled("opacity:0.01"),
    "mso-hide": footer_styled("mso-hide:all"),
    "no height": footer_styled("max-height:0;overflow:hidden"),
    "hardly any height": footer_styled("height:1px;overflow:hidden"),
    "no width": footer_styled("max-width:0px;overflow:hidden"),
    "out of the page": footer_styled("position:absolute;left:-9999px"),
    "indented away": footer_styled("text-indent:-9999px"),
    "pushed away": footer_styled("margin-left:-5000px"),
    "shrunk": footer_styled("transform:scale(0)"),
    "clipped": footer_styled("clip-path:inset(100%)"),
    "hidden attribute": footer_within("<div hidden>", "</div>"),
    "hidden from readers": footer_within('<div aria-hidden="true">', "</div>"),
    "folded up": footer_within("<details><summary>More</summary>", "</details>"),
    "in a template": footer_within("<template>", "</template>"),
    "in a script": footer_within("<script>", "</script>"),
    "in a text box": footer_within("<textarea>", "</textarea>"),
    "in noscript": footer_within("<noscript>", "</noscript>"),
    "in the title": lambda html: FOOTER.sub("", html).replace("</title>", f" {LEGAL}, {ADDRESS}</title>"),
    "in an attribute": lambda html: FOOTER.sub(f'<img alt="{LEGAL}, {ADDRESS}">', html),
    "in an attribute, by a stray quote": footer_within('<b x" y=" >', '">'),
    "font of nothing": lambda html: re.sub(r"font-size:13px", "font-size:0", html),
    "font of a pixel": lambda html: re.sub(r"font-size:13px", "font-size:1px", html),
    "font of a percent": lambda html: re.sub(r"font-size:13px", "font-size:2%", html),
    "font by shorthand": lambda html: re.sub(r"font-size:13px", "font:1px/1 Arial", html),
    "font by calculation": lambda html: re.sub(r"font-size:13px", "font-size:calc(1px - 1px)", html),
    "the colour of the ground": lambda html: html.replace("color:#5c626b", "color:#f3f3f0"),
    "nearly the colour of the ground": lambda html: html.replace("color:#5c626b", "color:#efefec"),
    "no colour": lambda html: html.replace("color:#5c626b", "color:transparent"),
    "hardly any colour": lambda html: html.replace("color:#5c626b", "color:rgba(92,98,107,0.05)"),
    "a colour that is not known": lambda html: html.replace("color:#5c626b", "color:var(--x)"),
    "a ground of its own colour": lambda html: html.replace("color:#5c626b", "color:#5c626b;background:#5c626b"),
    "a ground by attribute": lambda html: FOOTER.sub(
        lambda found: f'<table><tr><td bgcolor="#5c626b">{found.group()}</td></tr></table>', html
    ),
    "a sheet that hides its class": with_sheet(".fine { display: none }"),
    "a sheet that hides its class on phones": with_sheet("@media (max-width:480px) { td.fine { display:none } }"),
    "a sheet that hides all": with_sheet("td > * { visibility: hidden }"),
    "a sheet with an odd selector": with_sheet('[class~="fine"] { font-size: 0 }'),
    "a sheet in its colour": with_sheet(".fine div { color: #f3f3f0 }"),
    "a sheet from elsewhere": with_sheet("@import url(https://evil.example/x.css);"),
    "never closed": lambda html: html.replace("</body></html>", "<div"),
    "cut off": lambda html: html[: html.index("This is an advertisement")],
    "closed by another's end": lambda html: FOOTER.sub(
        lambda found: f'<p><b style="display:none">x</p>{found.group()}', html
    ),
}


@pytest.mark.parametrize("hiding", HIDINGS)
def test_a_footer_that_cannot_be_seen_stops_the_mail(hiding: str, email: Sent) -> None:
    facts, rendered = email

    changed = HIDINGS[hiding](rendered.html)

    assert changed != rendered.html
    assert refusals(facts, rendered, html=changed) & {
        "footer_without_address", "footer_without_legal_name", "html_unreadable", "footer_without_unsubscribe",
    }  # fmt: skip


HARMLESS: dict[str, Callable[[str], str]] = {
    "entities": lambda html: html.replace("12 Oak Street", "12&nbsp;Oak&#32;Street").replace("&nbsp;", "&#x20;"),
    "line breaks": lambda html: html.replace("12 Oak Street", "12 Oak\n   Street"),
    "bold": lambda html: html.replace("12 Oak Street", "<b>12</b> <i>Oak</i> Street"),
    "upper-case tags": lambda html: html.replace("<div", "<DIV").replace("</div>", "</DIV>"),
    "a dark ground": lambda html: html.replace("color:#5c626b", "color:#eeeeee;background:#111111"),
    "a hidden preheader": lambda html: html.replace(
        "<div aria-label", '<div style="display:none">12 more things</div><div aria-label'
    ),
    "a sheet for others": with_sheet(".banner { display: none } @media print { .noprint { display:none } }"),
    "an image": footer_within('<img src="https://oak.example.com/a.png" width="1" height="1">', ""),
}


@pytest.mark.parametrize("change", HARMLESS)
def test_a_footer_that_can_be_seen_passes_however_it_is_written(change: str, email: Sent) -> None:
    facts, rendered = email

    changed = HARMLESS[change](rendered.html)

    assert changed != rendered.html
    assert refusals(facts, rendered, html=changed) == set()


LINKS: dict[str, Callable[[str, str], str]] = {
    "taken out": lambda html, url: STOP_LINK.sub("", html),
    "without words": lambda html, url: html.replace(">Unsubscribe</a>", "></a>"),
    "a dot": lambda html, url: html.replace(">Unsubscribe</a>", ">.</a>"),
    "words without the link": lambda html, url: STOP_LINK.sub("Unsubscribe", html),
    "another's link": lambda html, url: html.replace(url, unsubscribe_url(1, 8)),
    "another business's link": lambda html, url: html.replace(url, unsubscribe_url(2, 7)),
    "another site": lambda html, url: html.replace(url, "https://example.com/u/" + "A" * 40),
    "hidden": lambda html, url: STOP_LINK.sub(lambda found: f'<span style="display:none">{found.group()}</span>', html),
    "in a comment": lambda html, url: STOP_LINK.sub(lambda found: f"<!--{found.group()}-->", html),
    "a token left over": lambda html, url: html.replace(url, "{{ unsubscribe_url }}"),
}


@pytest.mark.parametrize("change", LINKS)
def test_a_mail_without_its_own_unsubscribe_link_is_stopped(change: str, email: Sent) -> None:
    facts, rendered = email

    changed = LINKS[change](rendered.html, facts["unsubscribe_url"])

    assert changed != rendered.html
    assert "footer_without_unsubscribe" in refusals(facts, rendered, html=changed)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Oak & Sons LLC", "Oak", "footer_without_legal_name"),
        ("12 Oak Street", "", "footer_without_address"),
        ("Unsubscribe: ", "", "footer_without_unsubscribe"),
        ("/u/", "/x/", "footer_without_unsubscribe"),
        ("advertisement", "message", "not_said_to_be_advertising"),
        ("Hi Ana,", "Hi ,", "words_with_holes"),
        ("your last AC tune-up with", "your last  with", "words_with_holes"),
        ("AC tune-up", "{{ last.service }}", "words_with_holes"),
    ],
)
def test_the_text_part_is_judged_like_the_html(old: str, new: str, reason: str, email: Sent) -> None:
    facts, rendered = email

    changed = rendered.text.replace(old, new)

    assert changed != rendered.text
    assert reason in refusals(facts, rendered, text=changed)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"List-Unsubscribe": "<{url}>"},
        {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        {"List-Unsubscribe": "{url}", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        {"List-Unsubscribe": "<mailto:stop@oak.example.com>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        {"List-Unsubscribe": "<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=one-click"},
        {"List-Unsubscribe": "<{other}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    ],
)
def test_one_click_headers_must_be_exactly_those_of_rfc_8058(headers: dict[str, str], email: Sent) -> None:
    facts, rendered = email
    url, other = facts["unsubscribe_url"], unsubscribe_url(1, 8)

    filled = {name: value.format(url=url, other=other) for name, value in headers.items()}

    assert refusals(facts, rendered, headers=filled) == {"no_one_click_header"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"postal_address": "", "tenant_postal_address": ""}, "no_postal_address"),
        ({"postal_address": "Somewhere in Springfield"}, "no_postal_address"),
        ({"legal_name": "", "tenant_legal_name": " "}, "no_legal_name"),
        ({"sender_email": ""}, "sender_missing"),
        ({"sender_email": "not an address"}, "sender_missing"),
        ({"sender_name": "support@paypal.example"}, "sender_misleading"),
        ({"sender_name": "Oak\r\nBcc: x@example.com"}, "sender_misleading"),
    ],
)
def test_a_business_that_does_not_say_who_it_is_cannot_send(fields: dict[str, Any], reason: str, email: Sent) -> None:
    facts, rendered = email

    assert reason in refusals(facts | fields, rendered)


def test_a_from_header_must_be_the_brands(email: Sent) -> None:
    facts, rendered = email
    headers = routing.headers(facts)

    assert not refusals(facts, rendered, headers=headers | {"From": '"Oak & Sons" <hello@oak.example.com>'})
    assert refusals(facts, rendered, headers=headers | {"From": "Oak <ceo@bank.example>"}) == {"sender_not_the_brand"}


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("", "subject_missing"), ("   ", "subject_missing"), ("Hello\r\nBcc: x@example.com", "subject_broken"),
        ("Re: our talk", "subject_misleading"), ("RE[2]: our talk", "subject_misleading"),
        ("Fwd: photos", "subject_misleading"), ("  fw: photos", "subject_misleading"),
        ("Your appointment tomorrow", "subject_misleading"), ("Invoice 4711", "subject_misleading"),
        ("Your receipt", "subject_misleading"), ("Payment failed", "subject_misleading"),
        ("Final notice", "subject_misleading"), ("You’ve won", "subject_misleading"),
        ("Last chance: $25 off", "urgency_untrue"), ("Offer ends today", "urgency_untrue"),
        ("Today only, Ana", "urgency_untrue"), ("Hurry, Ana", "urgency_untrue"),
        ("Hi {{ name }}", "words_with_holes"), ("We miss you , Ana", "words_with_holes"),
        ("Hello Ana", ""), ("Regarding your garden", ""), ("A weekend for your car", ""), ("Fresh ideas: three", ""),
        ("Book your next appointment when it suits you", ""),
    ],
)  # fmt: skip
def test_a_subject_is_true(subject: str, reason: str, email: Sent) -> None:
    facts, rendered = email

    refused = refusals(facts, rendered, subject=subject)

    assert reason in refused if reason else not refused


@pytest.mark.parametrize(
    ("subject", "expires_on", "allowed"),
    [
        ("Offer ends today", date(2026, 9, 30), True),
        ("Offer ends tonight, Ana", date(2026, 9, 30), True),
        ("Offer ends today", date(2026, 10, 1), False),
        ("Offer ends tomorrow", date(2026, 10, 1), True),
        ("Offer ends tomorrow", date(2026, 9, 30), False),
        ("Last chance", date(2026, 10, 5), True),
        ("Last chance", date(2026, 12, 31), False),
        ("Last chance", None, False),
        ("$25 off", date(2026, 9, 30), True),
        ("$25 off", date(2026, 9, 29), False),
    ],
)
def test_urgency_is_tied_to_the_day_on_which_the_offer_ends(
    subject: str, expires_on: date | None, allowed: bool, email: Sent
) -> None:
    facts, rendered = email

    refused = refusals(facts | {"expires_on": expires_on}, rendered, subject=subject)

    assert (refused == set()) is allowed


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Oak & Sons: ", "", "sms_without_business"),
        ("Reply STOP to opt out", "", "sms_without_opt_out"),
        ("Reply STOP to opt out", "Reply to opt out", "sms_without_opt_out"),
        ("http", "bit.ly/x http", "sms_with_shortened_link"),
        ("http", "HTTPS://TinyURL.com/x http", "sms_with_shortened_link"),
        ("Hi Ana!", "Hi !", "words_with_holes"),
        ("Hi Ana!", "Hi Ana! Act now!", "urgency_untrue"),
        ("Hi Ana!", "Hi Ana! " + "Very long." * 60, "sms_too_long"),
        ("Hi Ana!", "Hi Ana 😀! " + "Quite long." * 8, "sms_too_long"),
    ],
)
def test_a_text_names_the_business_says_how_to_stop_and_is_short(old: str, new: str, reason: str, sms: Sent) -> None:
    facts, rendered = sms

    changed = rendered.text.replace(old, new)

    assert changed != rendered.text
    assert refusals(facts, rendered, text=changed) == {reason}


def test_an_expired_offer_stops_a_text(sms: Sent) -> None:
    facts, rendered = sms

    assert refusals(facts | {"expires_on": date(2026, 9, 29)}, rendered) == {"offer_expired"}


def test_evidence_is_a_json_list_with_the_rule_its_version_and_the_moment(sms: Sent) -> None:
    verdicts = [*words.judged(*sms), Verdict("can_spam", 1, False, "subject_misleading")]

    evidence = json.loads(content.as_evidence(verdicts, at=NOW))

    assert evidence[0] == {
        "guard": "sms_opt_out",
        "version": content.GUARDS["sms_opt_out"].version,
        "allowed": True,
        "facts": {"segments": 2, "encoding": "GSM-7"},
        "lists": {"stop_instructions": 1, "shorteners": 1, "urgency": 1, "free": 1},
        "at": "2026-09-30T17:00:00+00:00",
        "when": "send",
    }
    assert evidence[-1]["reason"] == "subject_misleading"


def test_what_was_learnt_of_one_mail_never_lets_another_pass(email: Sent) -> None:
    """The reader remembers arrangements of tags: words may change under it, tags may not."""
    facts, rendered = email
    assert not refusals(facts, rendered)

    emptied = rendered.html.replace("Oak &amp; Sons LLC, 12 Oak Street", "").replace("Springfield, IL 62701", "")
    hidden = footer_styled("display:none")(rendered.html)

    for _ in range(2):
        assert "footer_without_address" in refusals(facts, rendered, html=emptied)
        assert "footer_without_address" in refusals(facts, rendered, html=hidden)
        assert not refusals(facts, rendered)


def test_judging_costs_a_fraction_of_a_millisecond(email: Sent) -> None:
    """It is asked of every message; ten times the usual cost is allowed, for a busy machine."""
    words.judged(*email)
    started = time.process_time()

    for _ in range(200):
        words.judged(*email)

    assert (time.process_time() - started) / 200 < 0.001


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("$25 off, Ana", ""), ("Save $25, Ana", ""), ("$50 off, Ana", "offer_value_untrue"),
        ("25% off your next visit", "offer_value_untrue"), ("Save 50 percent, Ana", "offer_value_untrue"),
        ("A free visit for you", "offer_value_untrue"), ("Feel free to write to us", ""),
    ],
)  # fmt: skip
def test_what_is_promised_is_what_the_offer_gives(subject: str, reason: str, email: Sent) -> None:
    facts, rendered = email
    facts = facts | {"offer_name": "$25 off your next visit", "terms": "Once a household."}

    assert refusals(facts, rendered, subject=subject) == ({reason} if reason else set())


def test_nothing_is_promised_without_an_offer(email: Sent) -> None:
    facts, rendered = email

    assert "offer_value_untrue" in refusals(facts | {"offer_id": None}, rendered, subject="$25 off, Ana")


@pytest.mark.usefixtures("catalog")
@pytest.mark.parametrize("code", ["winback_hello", "winback_nudge", "winback_offer", "winback_farewell"])
def test_every_stock_mail_is_stopped_without_any_part_of_its_footer(code: str) -> None:
    """Each part taken out, then hidden, in the HTML and in the text of every template."""
    facts, rendered = sent(code, Channel.EMAIL, **OFFER)
    assert refusals(facts, rendered) == set()
    url = facts["unsubscribe_url"]
    hidden = '<span style="display:none">'
    for part in (LEGAL, ADDRESS, url):
        assert refusals(facts, rendered, html=rendered.html.replace(part, "")), part
        if part != url:
            assert refusals(facts, rendered, html=rendered.html.replace(part, f"{hidden}{part}</span>")), part
    for part in ("Oak & Sons LLC", ADDRESS, url, "dvertisement"):
        assert refusals(facts, rendered, text=rendered.text.replace(part, "")), part


@pytest.mark.usefixtures("catalog")
def test_no_stock_template_of_a_discreet_niche_names_the_service() -> None:
    niche = next(entry.content for entry in read_entries("niches") if entry.code == "med-spa")
    for template in MessageTemplate.objects.all():
        facts, rendered = sent(
            template.code, template.channel, **OFFER, last_service="Botox – lip", niche_content=niche
        )
        for words_of in (rendered.subject, rendered.html, rendered.text, json.dumps(routing.headers(facts))):
            assert "botox" not in words_of.lower()
            assert "lip" not in words_of.lower().split()
