"""No mail leaves without its footer, its sender and its way out: each piece taken away or hidden is noticed."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from campaigns.audience.models import Channel
from campaigns.delivery import routing
from campaigns.delivery.links import unsubscribe_url
from tests.compliance.stock import Sent, sent
from tests.words import OFFER, refusals

ADDRESS, LEGAL = "12 Oak Street", "Oak &amp; Sons LLC"


@pytest.fixture
def email(catalog: None) -> Sent:
    return sent("winback_offer", Channel.EMAIL, **OFFER)


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
