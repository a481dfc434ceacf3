"""The words that leave: whole sentences for whatever a record holds, escaped for where they stand, discreet."""

import random
import re
from datetime import timedelta
from email import message_from_bytes, policy
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.audience.models import Channel
from campaigns.delivery import routing
from campaigns.delivery.message_facts import facts_of
from campaigns.delivery.rendering import Rendered, RenderFailed, render
from campaigns.delivery.tidying import given_name, in_gsm, service_named
from catalog.models import MessageTemplate
from tenants.accounts.models import Brand, Tenant
from tests import factories, words
from tests.words import NICHES, OFFER
from winback.providers.email.mime import serialise
from winback.providers.sms.segments import GSM_7, count

NAMES = [
    "", " ", "Ana", "ana", "MARÍA", "MARY-JANE", "O'BRIEN", "O’Neil", "Zoë", "Łukasz", "李", "محمد", "שרה", "Дмитрий",
    "Ana 😀", "🔥Anna", "👩‍👩‍👧", "Dr. Smith", "Mr & Mrs Jones", "N/A", "null", "None", "J.", "JD", "Smith, John",
    "<b>Ana</b>", "<script>alert(1)</script>", "{{ contact.email }}", "{% raw %}", "{{7*7}}", "*|FNAME|*",
    "[First Name]", "Ana\r\nBcc: evil@example.com", "\u202egnirts", "a\u200bn\u200ba", "x" * 300,
    "ana@example.com", "555-0182", "-",
    "??", "Robin and Sam", "van der Berg", "=cmd|' /C calc'!A0", "Ana\t\tMaria", "'; DROP TABLE contacts; --",
    "&amp;", "Jo",
]  # fmt: skip
SERVICES = [
    None, "", " ", "AC tune-up", "AC TUNE-UP", "oil change", "Deep clean, 3 bed / 2 bath",
    "HVAC  Maintenance ,  spring", "N/A", "misc", "-", "4711", "SKU-4711-B", "{{ service }}",
    "<b>AC & more</b>", "Tune–up “deluxe”", "Rénovation",
    "クリーニング", "Service\r\nX-Evil: 1",
    "Deep cleaning of the whole house including the garage and the old barn behind it",
    "x" * 500, "Botox – lip", "Split ends trim", "Filter change ()", "Gutter cleaning.", "see notes", "A/C repair",
    "“Special”", "Lawn & hedge", "50% off first visit", "http://evil.example/x", "Full detail (SUV)", "Invoice",
]  # fmt: skip
OFFERS: list[dict[str, Any]] = [{}, OFFER, OFFER | {"coupon": "", "expires_on": None, "terms": ""}]
TODAY = factories.NOW.date()
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ éüßñøğ李محמ😀\u202e\u200b<>{}%&'\"-.,;()\r\n\t0123456789$@#|\\"


@pytest.fixture
def templates(catalog: None) -> list[MessageTemplate]:
    return list(MessageTemplate.objects.order_by("channel", "code"))


def awkward(rng: random.Random, known: list[Any]) -> Any:
    """Something from a record: a known trap, or any characters at all."""
    return rng.choice(known) if rng.random() < 0.7 else "".join(rng.choices(ALPHABET, k=rng.randrange(1, 40)))


def fuzzed(rng: random.Random, number: int, template: MessageTemplate, niche: str) -> dict[str, Any]:
    last = factories.NOW - timedelta(days=rng.randrange(0, 1500))
    return words.facts_of(
        number,
        niche=niche,
        channel=template.channel,
        template_id=template.pk,
        first_name=awkward(rng, NAMES),
        last_name=awkward(rng, NAMES),
        last_service=awkward(rng, SERVICES),
        last_completed_at=last if rng.random() < 0.9 else None,
        lapsed_from=last,
        brand_phone=rng.choice(["", "(312) 555-0182"]),
        colour=rng.choice(["#0f766e", "#ffee00", "#FFFFFF", "red;display:none", ""]),
        logo_url=rng.choice(["", "https://oak.example.com/logo.png", "javascript:alert(1)"]),
        sms_name=rng.choice(["Oak & Sons", "Müller’s", ""]),
        **rng.choice(OFFERS),
    )


def test_ten_thousand_awkward_contacts_get_whole_sentences_that_every_guard_allows(
    templates: list[MessageTemplate],
) -> None:
    rng = random.Random(20260930)
    pairs = list(product(templates, NICHES))

    for number in range(10_000):
        template, niche = pairs[number % len(pairs)]
        facts = fuzzed(rng, number, template, niche)

        rendered = render(facts, now=factories.NOW)

        refused = [verdict for verdict in words.judged(facts, rendered) if not verdict.allowed]
        assert not refused, (refused, facts["first_name"], facts["last_service"], rendered)
        assert not re.search(r"\{\{|\{%|\bNone\b|\(\s*\)|Hi\s*[,!]| ,|,,|\.\.", rendered.text), rendered.text
        assert facts["booking_url"] in rendered.text
        assert re.search(r"about|a few weeks|over a year|more than", rendered.text), rendered.text
        if template.channel == Channel.SMS:
            assert set(rendered.text) <= GSM_7, rendered.text
            assert count(rendered.text).segments <= 3, rendered.text
        else:
            assert "\n" not in rendered.subject
            assert "\r" not in rendered.subject


@pytest.mark.parametrize("niche", sorted(NICHES))
def test_the_last_service_is_named_or_paraphrased(niche: str, templates: list[MessageTemplate]) -> None:
    for template in templates:
        facts = words.facts_of(niche=niche, channel=template.channel, template_id=template.pk)

        rendered = render(facts, now=factories.NOW)
        unnamed = render(facts | {"last_service": ""}, now=factories.NOW)

        assert ("AC tune-up" in rendered.text) is not NICHES[niche]["sensitive"]
        assert NICHES[niche]["phrases"]["since"] in unnamed.text


def test_a_med_spa_never_lets_out_a_treatment_in_any_byte(templates: list[MessageTemplate]) -> None:
    for template, offer in product(templates, OFFERS):
        facts = words.facts_of(
            niche="med-spa", channel=template.channel, template_id=template.pk, last_service="Botox – lip", **offer
        )

        rendered = render(facts, now=factories.NOW)

        out = "\n".join((rendered.subject, rendered.html, rendered.text)).lower()
        if template.channel == Channel.EMAIL:
            out += serialise(routing.outgoing_email(facts, rendered, now=factories.NOW), date=factories.NOW).decode()
        for secret in ("botox", "– lip", "- lip", "&ndash; lip"):
            assert secret not in out


def rendered_email(templates: list[MessageTemplate], **fields: Any) -> tuple[dict[str, Any], Rendered]:
    template = next(each for each in templates if each.code == "winback_offer" and each.channel == Channel.EMAIL)
    facts = words.facts_of(template_id=template.pk, **OFFER | fields)
    return facts, render(facts, now=factories.NOW)


def test_what_people_typed_is_escaped_in_html_and_plain_in_text_and_subject(templates: list[MessageTemplate]) -> None:
    _, rendered = rendered_email(
        templates, last_service="Tune & clean", offer_name="<i>25</i> & more", brand_name='Oak "&" <Sons>'
    )

    assert "Tune &amp; clean" in rendered.html
    assert "&lt;i&gt;25&lt;/i&gt; &amp; more" in rendered.html
    assert "<i>25" not in rendered.html
    assert 'aria-label="Oak &#34;&amp;&#34; &lt;Sons&gt;"' in rendered.html
    assert "Tune & clean" in rendered.text
    assert rendered.subject == "<i>25</i> & more, Ana"


def test_template_code_in_a_record_is_never_run(templates: list[MessageTemplate]) -> None:
    for code in ("{{ business.legal_name }}", "{{ 7 | times: 7 }}", "{% include 'x' %}", "{{7*7}}"):
        _, rendered = rendered_email(templates, first_name=code, last_service=code, offer_name=f"Gift {code}")

        assert rendered.text.startswith("Hello,")
        assert "49" not in rendered.text.split("Your code")[0]
        assert f"Gift {code}" in rendered.text, "what staff wrote stays, and the guard refuses it"


@pytest.mark.parametrize("breaking", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "\0"])
def test_a_line_break_in_a_record_never_reaches_a_header(breaking: str, templates: list[MessageTemplate]) -> None:
    evil = f"Ana{breaking}Bcc: evil@example.com{breaking}{breaking}<html>"
    facts, rendered = rendered_email(
        templates, offer_name=evil, first_name=evil, brand_name=evil, sender_name="Oak", last_name="Silva"
    )
    facts |= {"first_name": given_name(evil, on=TODAY), "brand_name": "Oak"}

    raw = serialise(routing.outgoing_email(facts, rendered, now=factories.NOW), date=factories.NOW)

    parsed = message_from_bytes(raw, policy=policy.default)
    assert parsed["Bcc"] is None
    assert parsed.get_all("Subject") == [rendered.subject]
    assert parsed["To"] == "Ana Silva <ana@example.com>"


def test_a_record_with_a_line_break_is_one_line_before_it_stands_in_the_recipients_header(tenant: Tenant) -> None:
    campaign = factories.make_campaign(tenant)
    contact = factories.make_contact(tenant, first_name="Ana\r\nBcc: evil@example.com", last_name="\u202eavliS\nX")
    factories.make_job(contact, factories.NOW - timedelta(days=213), service="AC\r\ntune-up")
    message = factories.make_message(factories.make_enrolment(factories.make_episode(contact), campaign))

    [facts] = facts_of(tenant.pk, [message.pk], now=factories.NOW)
    rendered = render(facts, now=factories.NOW)

    raw = serialise(routing.outgoing_email(facts, rendered, now=factories.NOW), date=factories.NOW)
    parsed = message_from_bytes(raw, policy=policy.default)
    assert parsed["Bcc"] is None
    assert parsed["To"].addresses[0].display_name == "Ana Bcc: evil@example.com avliS X"
    assert "since your last AC tune-up with us" in rendered.text
    assert not words.refusals(facts, rendered)


def test_an_unsafe_colour_or_logo_never_reaches_the_page(templates: list[MessageTemplate]) -> None:
    facts, rendered = rendered_email(templates, colour='#fff;display:none"', logo_url="javascript:alert(1)")

    assert "javascript" not in rendered.html
    assert "#fff;display" not in rendered.html
    assert not words.refusals(facts, rendered)


def test_white_words_can_be_read_on_a_light_brand_colour(templates: list[MessageTemplate]) -> None:
    _, rendered = rendered_email(templates, colour="#ffee00")

    assert "#ffee00" not in rendered.html


def test_a_business_that_wants_its_texts_as_they_are_written_gets_them_so(templates: list[MessageTemplate]) -> None:
    template = next(each for each in templates if each.code == "winback_hello" and each.channel == Channel.SMS)
    facts = words.facts_of(channel=Channel.SMS, template_id=template.pk, plain_letters=False)

    rendered = render(facts | {"first_name": "Łukasz", "last_service": "Tune–up “deluxe”"}, now=factories.NOW)

    assert "Hi Łukasz!" in rendered.text
    assert "Tune–up “deluxe" in rendered.text
    assert count(rendered.text).encoding == "UCS-2"


def test_a_text_keeps_to_the_cheap_alphabet_whatever_the_name(templates: list[MessageTemplate]) -> None:
    template = next(each for each in templates if each.code == "winback_hello" and each.channel == Channel.SMS)
    facts = words.facts_of(channel=Channel.SMS, template_id=template.pk)

    for name, greeting in (("Zoë", "Hi Zoe!"), ("José", "Hi José!"), ("محمد", "Hello!"), ("Łukasz", "Hello!")):
        rendered = render(facts | {"first_name": name, "last_service": "Tune–up “deluxe”"}, now=factories.NOW)

        assert greeting in rendered.text
        assert count(rendered.text).encoding == "GSM-7"
        assert count(rendered.text).segments <= 2
        assert 'Tune-up "deluxe' in rendered.text


@pytest.mark.django_db
def test_a_step_without_a_template_is_blocked_and_says_so() -> None:
    with pytest.raises(RenderFailed, match="step hello has no template for email"):
        render(words.facts_of(), now=factories.NOW)


def test_the_facts_of_a_claim_are_read_in_two_statements(tenant: Tenant, django_assert_num_queries: Any) -> None:
    campaign = factories.make_campaign(tenant)
    messages = [
        factories.make_message(
            factories.make_enrolment(factories.make_episode(factories.make_contact(tenant)), campaign)
        )
        for _ in range(5)
    ]

    with django_assert_num_queries(2):
        facts = facts_of(tenant.pk, [message.pk for message in messages], now=factories.NOW)

    assert [each["id"] for each in facts] == [message.pk for message in messages]
    assert all(each["unsubscribe_url"] != facts[0]["unsubscribe_url"] for each in facts[1:])
    assert Brand.objects.for_tenant(tenant).get().name == facts[0]["brand_name"]


@pytest.mark.parametrize(
    ("record", "greeted"),
    [
        ("MARY-JANE", "Mary-Jane"), ("O'BRIEN", "O'Brien"), ("ana", "Ana"), ("McKenzie", "McKenzie"), ("JD", "JD"),
        ("Dr. Smith", "Smith"), ("Ana 😀", "Ana"), ("Smith, John", "Smith"), ("Ana Maria", "Ana"), ("李", "李"),
        ("محمد", "محمد"), ("J.", ""), ("N/A", ""), ("null", ""), ("ana@example.com", ""), ("🔥Anna", ""),
        ("x" * 40, ""), ("{{ x }}", ""), ("<b>Ana</b>", ""), ("a\u200bn\u202ea", "Ana"), ("MARÍA", "María"),
        ("Customer", ""),
    ],
)  # fmt: skip
def test_a_greeting_has_a_name_or_none_and_never_a_wrong_one(record: str, greeted: str) -> None:
    assert given_name(record, on=TODAY) == greeted


@pytest.mark.parametrize(
    ("record", "named"),
    [
        ("AC TUNE-UP", "AC tune-up"), ("OIL CHANGE", "oil change"),
        ("HVAC  Maintenance ,  spring", "HVAC maintenance, spring"),
        ("Deep clean with move-out and the attic and everything else there is", "deep clean"),
        ("N/A", ""), ("4711", ""), ("Gutter Cleaning.", "gutter cleaning"),
        ("Swedish Massage", "Swedish massage"), ("{{ service }}", ""),
        ("<b>x</b>", ""), ("x" * 500, ""),
        ("Full detail (SUV)", "full detail (SUV)"), ("Lawn & hedge", "lawn & hedge"), ("ana@example.com", ""),
    ],
)  # fmt: skip
def test_a_service_reads_well_after_your_last(record: str, named: str) -> None:
    assert service_named(record, 60, on=TODAY) == named


def test_a_product_keeps_its_name() -> None:
    assert service_named("Custom Water Filter, large", 60, on=TODAY, is_product=True) == "Custom Water Filter, large"


@given(st.text(max_size=80))
def test_whatever_stands_in_a_record_is_one_clean_short_line(text: str) -> None:
    name, service = given_name(text, on=TODAY), service_named(text, 30, on=TODAY)

    for tidy, longest in ((name, 25), (service, 30)):
        assert len(tidy) <= longest
        assert tidy == tidy.strip()
        assert "  " not in tidy
        assert not re.search(r"[\r\n\0{}<>@\u202e\u200b]", tidy)
        assert all(character in GSM_7 for character in in_gsm(tidy))
    assert given_name(name, on=TODAY) in ("", name)
