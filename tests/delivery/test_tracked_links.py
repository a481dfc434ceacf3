"""Links and pixel of an e-mail: led through ours where brand, country and person allow it, and straight elsewhere."""

import re
from datetime import UTC, datetime
from time import process_time
from typing import Any

import pytest

from campaigns.audience.models import Consent, Contact
from campaigns.delivery import tracked_links
from campaigns.delivery.links import read_click_token
from campaigns.delivery.message_facts import facts_of
from campaigns.delivery.models import TrackedLink
from campaigns.delivery.rendering import render
from campaigns.planning.models import Campaign, Message, Variant
from catalog.models import MessageTemplate
from tenants.accounts.models import Brand, Tenant
from tests import factories
from tests.delivery.making import make_due, make_sender

NOW = factories.NOW
MJML = """<mjml><mj-body><mj-section><mj-column>
<mj-text><a href="https://shop.example.com/new?a=1&amp;b=2">New</a> <a href="https://shop.example.com/old">Old</a>
<a href="mailto:hello@example.com">Write</a> <a href="#top">Up</a></mj-text>
<mj-button href="{{ booking_url }}">Book</mj-button>
<mj-text><a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text>
</mj-column></mj-section></mj-body></mjml>"""
HREF = re.compile(r'href="([^"]+)"')


@pytest.fixture
def linked(tenant: Tenant) -> Tenant:
    """A tenant whose words lead to its shop."""
    make_sender(tenant)
    template = MessageTemplate.objects.create(
        code="with_links", channel="email", version=1, name="Links", subject="Hello", preheader="", mjml=MJML,
        text="See https://shop.example.com/new", checksum="x", synced_at=NOW,
    )  # fmt: skip
    Variant.objects.for_tenant(tenant).filter(channel="email").update(template=template)
    return tenant


def message_of(tenant: Tenant, **contact: Any) -> Message:
    return make_due(Campaign.objects.for_tenant(tenant).select_related("tenant").get(), **contact)


def links_in(tenant: Tenant, message: Message) -> list[str]:
    (facts,) = facts_of(tenant.pk, [message.pk], now=NOW)
    return [link.replace("&amp;", "&") for link in HREF.findall(render(facts, now=NOW).html)]


def test_links_to_other_sites_lead_through_ours_and_our_own_stay(linked: Tenant) -> None:
    message = message_of(linked)

    found = links_in(linked, message)

    ours = [link for link in found if "/t/" in link]
    assert len(ours) == 2
    read = [read_click_token(link.rpartition("/")[2]) for link in ours]
    urls = [TrackedLink.objects.for_tenant(linked).get(pk=click.link_id).url for click in read]
    assert urls == ["https://shop.example.com/new?a=1&b=2", "https://shop.example.com/old"]
    assert {(click.tenant_id, click.message_id) for click in read} == {(linked.pk, message.pk)}
    assert "mailto:hello@example.com" in found
    assert any("/book/" in link for link in found)
    assert any("/u/" in link for link in found)


def test_everybody_s_link_has_one_row_and_a_token_of_its_own(linked: Tenant) -> None:
    first, second = (links_in(linked, message_of(linked)) for _ in range(2))

    assert TrackedLink.objects.for_tenant(linked).count() == 2
    assert not {link for link in first if "/t/" in link} & {link for link in second if "/t/" in link}


def test_the_plain_text_says_where_it_leads(linked: Tenant) -> None:
    (facts,) = facts_of(linked.pk, [message_of(linked).pk], now=NOW)

    assert render(facts, now=NOW).text == "See https://shop.example.com/new"


@pytest.mark.parametrize("country", ["DE", "FR", "GB", "CH", "NO", "de"])
def test_where_the_law_asks_first_the_link_goes_straight_until_the_person_has_said_yes(
    linked: Tenant, country: str
) -> None:
    message = message_of(linked, country=country)
    assert not any("/t/" in link for link in links_in(linked, message))
    assert not TrackedLink.objects.for_tenant(linked).exists()

    say(message.contact, "given")
    assert any("/t/" in link for link in links_in(linked, message))


def say(contact: Contact, state: str, *, at: datetime = NOW) -> None:
    Consent.objects.create(
        tenant_id=contact.tenant_id, contact=contact, channel="email", purpose="tracking", state=state, stated_at=at,
        recorded_at=at, source="form",
    )  # fmt: skip


def test_a_person_s_no_holds_everywhere_and_the_latest_word_counts(linked: Tenant) -> None:
    message = message_of(linked, country="US")
    say(message.contact, "given", at=datetime(2026, 1, 1, tzinfo=UTC))
    say(message.contact, "withdrawn", at=datetime(2026, 2, 1, tzinfo=UTC))
    assert not any("/t/" in link for link in links_in(linked, message))

    say(message.contact, "given", at=datetime(2026, 3, 1, tzinfo=UTC))
    assert any("/t/" in link for link in links_in(linked, message))


def test_a_brand_that_does_not_count_clicks_links_straight(linked: Tenant) -> None:
    Brand.objects.for_tenant(linked).update(tracks_clicks=False)

    found = links_in(linked, message_of(linked))

    assert "https://shop.example.com/old" in found
    assert not any("/t/" in link for link in found)


def test_where_a_brand_follows_nobody_its_links_go_straight_whatever_was_said(linked: Tenant) -> None:
    message = message_of(linked, country="US", region="CA")
    say(message.contact, "given")
    assert any("/t/" in link for link in links_in(linked, message))

    Brand.objects.for_tenant(linked).update(not_followed_in=["US-CA"])

    assert not any("/t/" in link for link in links_in(linked, message))


def test_the_pixel_is_there_only_when_a_brand_turns_it_on(linked: Tenant) -> None:
    message = message_of(linked)
    (facts,) = facts_of(linked.pk, [message.pk], now=NOW)
    assert "/o/" not in render(facts, now=NOW).html

    Brand.objects.for_tenant(linked).update(tracks_opens=True)
    (facts,) = facts_of(linked.pk, [message.pk], now=NOW)
    html = render(facts, now=NOW).html
    assert len(re.findall(r'<img src="[^"]+/o/[\w-]{40}\.gif" width="1" height="1" alt=""', html)) == 1


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://x/y", "/t/x", "tel:1"]
)
def test_what_is_no_web_page_is_not_led_through_ours(linked: Tenant, url: str) -> None:
    (facts,) = facts_of(linked.pk, [message_of(linked).pk], now=NOW)
    html = f'<a href="{url}">x</a>'

    assert tracked_links.tracked(html, facts, now=NOW) == html


def test_a_template_with_a_url_for_everybody_makes_no_row_for_everybody(
    linked: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracked_links, "MOST_LINKS", 3)
    (facts,) = facts_of(linked.pk, [message_of(linked).pk], now=NOW)

    html = "".join(f'<a href="https://x.example/?who={number}">x</a>' for number in range(10))
    found = HREF.findall(tracked_links.tracked(html, facts, now=NOW))

    assert TrackedLink.objects.for_tenant(linked).count() == 3
    assert sum("/t/" in link for link in found) == 3
    assert "https://x.example/?who=9" in found


def test_a_hostile_page_does_not_hold_up_the_sender(linked: Tenant) -> None:
    (facts,) = facts_of(linked.pk, [message_of(linked).pk], now=NOW)
    started = process_time()

    for html in ("<a " * 50_000, "<a " + "x" * 200_000, "<a href=" * 50_000, '<a href="http://' + "a" * 200_000):
        assert tracked_links.tracked(html, facts, now=NOW) == html

    assert process_time() - started < 5, "of the processor: it grows with the page, not with its square"
