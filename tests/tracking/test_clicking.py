"""A tracked link leads where its row says and nowhere else; clicks are kept a few times, judged, and decide nothing."""

from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from campaigns.audience.models import Consent, Contact, Suppression
from campaigns.delivery.links import Purpose, make_click_token, make_token
from campaigns.delivery.models import TrackedLink
from campaigns.planning.models import Enrolment, Message
from campaigns.results.reporting import results
from campaigns.tracking.clicking import MOST_CLICKS
from campaigns.tracking.models import Interaction
from tenants.accounts.models import Brand, Tenant
from tests import factories
from tests.at_once import at_once
from tests.tracking.making import make_reached, unsubscribe_page
from winback.tenancy import acting_for, acting_for_all

NOW = factories.NOW
SHOP = "https://shop.example.com/new?a=1&b=2"
PERSON = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15"


@pytest.fixture
def message(tenant: Tenant) -> Message:
    return make_reached(tenant)


def link_to(message: Message, url: str = SHOP) -> TrackedLink:
    link: TrackedLink = TrackedLink.objects.create(
        tenant_id=message.tenant_id, campaign_id=message.campaign_id, variant=message.variant, url=url,
        digest=f"{hash(url):x}"[:64], created_at=NOW,
    )  # fmt: skip
    return link


def page(message: Message, link: TrackedLink) -> str:
    return f"/t/{make_click_token(message.tenant_id, message.pk, link.pk)}"


def at(moment: datetime) -> Any:
    return mock.patch("campaigns.tracking.link_views.timezone.now", return_value=moment)


def clicks(message: Message) -> list[str | None]:
    rows = Interaction.objects.for_tenant(message.tenant_id).filter(kind="clicked").order_by("pk")
    return [row.data.get("confidence") for row in rows]


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_click_leads_to_the_page_of_its_row_and_is_kept(client: Client, message: Message) -> None:
    with at(later(3600)):
        response = client.get(page(message, link_to(message)), headers={"User-Agent": PERSON})

    assert (response.status_code, response.headers["Location"]) == (302, SHOP)
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "no-store" in response.headers["Cache-Control"]
    assert not response.cookies
    row = Interaction.objects.for_tenant(message.tenant_id).get(kind="clicked")
    assert (row.contact_id, row.message_id, row.data["confidence"]) == (message.contact_id, message.pk, "person")
    assert "addr" not in str(row.data)


@pytest.mark.parametrize(
    "addition",
    [
        "?url=https://evil.example",
        "?next=//evil.example",
        "?u=javascript:alert(1)",
        "?to=%0d%0aLocation:%20https://evil",
    ],
)
def test_nothing_in_the_request_turns_it_elsewhere(client: Client, message: Message, addition: str) -> None:
    response = client.get(
        page(message, link_to(message)) + addition,
        headers={"Host": "localhost", "X-Forwarded-Host": "evil.example", "Referer": "https://evil.example"},
    )

    assert response.headers["Location"] == SHOP


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example/", "ftp://example.com/", "https:///x"]
)
def test_no_row_can_lead_to_anything_but_a_web_page(message: Message, url: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        link_to(message, url)


def test_head_tells_where_it_leads_and_counts_for_nothing(client: Client, message: Message) -> None:
    response = client.head(page(message, link_to(message)))

    assert (response.status_code, response.headers["Location"]) == (302, SHOP)
    assert clicks(message) == []


def test_posting_is_refused(client: Client, message: Message) -> None:
    assert client.post(page(message, link_to(message))).status_code == 405


def test_a_flood_on_one_link_writes_a_few_rows_and_then_nothing(client: Client, message: Message) -> None:
    link = link_to(message)
    for number in range(30):
        with at(later(3600 + number)):
            assert client.get(page(message, link), headers={"User-Agent": PERSON}).status_code == 302

    assert len(clicks(message)) == MOST_CLICKS


def test_a_scanner_that_says_so_is_a_machine(client: Client, message: Message) -> None:
    with at(later(3600)):
        client.get(page(message, link_to(message)), headers={"User-Agent": "Mozilla/5.0 (compatible; Barracuda)"})

    assert clicks(message) == ["machine"]


def test_a_browser_that_fetches_ahead_is_a_machine(client: Client, message: Message) -> None:
    with at(later(3600)):
        client.get(page(message, link_to(message)), headers={"User-Agent": PERSON, "Sec-Purpose": "prefetch;prerender"})

    assert clicks(message) == ["machine"]


def test_many_links_within_seconds_of_delivery_are_a_machine_s_and_what_follows_an_hour_later_is_a_person_s(
    client: Client, message: Message
) -> None:
    first, second = link_to(message), link_to(message, "https://shop.example.com/old")
    with at(later(3)):
        client.get(page(message, first), headers={"User-Agent": PERSON})
    assert clicks(message) == ["doubtful"]
    with at(later(4)):
        client.get(page(message, second), headers={"User-Agent": PERSON})
    assert clicks(message) == ["machine", "machine"]
    with at(later(4000)):
        client.get(page(message, first), headers={"User-Agent": PERSON})

    assert clicks(message) == ["machine", "machine", "person"]


def test_the_judgement_is_made_anew_when_the_delivery_becomes_known_later(client: Client, message: Message) -> None:
    link = link_to(message)
    with at(later(600)):
        client.get(page(message, link), headers={"User-Agent": PERSON})
    assert clicks(message) == ["person"]
    Interaction.objects.create(
        tenant_id=message.tenant_id, kind="delivered", message=message, dedupe_key="d", occurred_at=later(598)
    )
    with at(later(5000)):
        client.get(page(message, link), headers={"User-Agent": PERSON})

    assert clicks(message) == ["doubtful", "person"]


def test_a_click_ends_nothing_and_suppresses_nobody(client: Client, message: Message) -> None:
    with at(later(3600)):
        client.get(page(message, link_to(message)), headers={"User-Agent": PERSON})

    assert not Suppression.objects.for_tenant(message.tenant_id).exists()
    assert Enrolment.objects.for_tenant(message.tenant_id).get().state == "active"
    assert Message.objects.for_tenant(message.tenant_id).filter(state="cancelled").count() == 0


def test_the_link_of_an_erased_person_leads_on_and_writes_nothing(client: Client, message: Message) -> None:
    Contact.objects.filter(pk=message.contact_id).update(state=Contact.State.ERASED)

    assert client.get(page(message, link_to(message))).status_code == 302
    assert clicks(message) == []
    assert client.post(unsubscribe_page(message), {"List-Unsubscribe": "One-Click"}).status_code == 200


@pytest.mark.parametrize("what", ["brand", "place", "person", "person_since_merged"])
def test_a_switch_turned_off_since_is_kept_to(client: Client, message: Message, what: str) -> None:
    link = link_to(message)
    if what == "brand":
        Brand.objects.for_tenant(message.tenant_id).update(tracks_clicks=False)
    elif what == "place":
        Brand.objects.for_tenant(message.tenant_id).update(not_followed_in=["US-IL"])
    elif what == "person_since_merged":
        winner = factories.make_contact(message.tenant)
        Contact.objects.filter(pk=message.contact_id).update(state=Contact.State.MERGED, merged_into=winner)
        Consent.objects.create(
            tenant_id=message.tenant_id, contact=winner, channel="email", purpose="tracking", state="withdrawn",
            recorded_at=NOW,
        )  # fmt: skip
    else:
        Consent.objects.create(
            tenant_id=message.tenant_id, contact=message.contact, channel="email", purpose="tracking",
            state="withdrawn", recorded_at=NOW,
        )  # fmt: skip

    assert client.get(page(message, link)).headers["Location"] == SHOP
    assert clicks(message) == []


def test_links_of_a_suspended_business_still_lead_on(client: Client, message: Message) -> None:
    Tenant.objects.filter(pk=message.tenant_id).update(state="suspended")

    assert client.get(page(message, link_to(message))).headers["Location"] == SHOP


def test_a_token_of_another_purpose_or_tenant_or_a_long_one_opens_nothing(client: Client, message: Message) -> None:
    link = link_to(message)
    forged = [
        make_token(Purpose.BOOK, message.tenant_id, message.pk),
        make_token(Purpose.CLICK, message.tenant_id, message.pk),
        make_click_token(message.tenant_id + 1, message.pk, link.pk),
        make_click_token(message.tenant_id, message.pk, link.pk + 1),
        page(message, link)[3:-1] + "A",
        "A" * 4096,
        "%00",
    ]

    for token in forged:
        response = client.get(f"/t/{token}")
        assert response.status_code == 404
        assert "Location" not in response.headers
    assert clicks(message) == []


def test_many_clicks_at_once_write_no_more_than_a_few_rows(transactional_db: None) -> None:
    with acting_for_all("test set-up"):
        message = make_reached(factories.make_tenant())
        where = page(message, link_to(message))

    def click() -> list[int]:
        return [Client().get(where, headers={"User-Agent": PERSON}).status_code for _ in range(5)]

    statuses = at_once(*[click] * 6)

    assert statuses == [[302] * 5] * 6
    with acting_for(message.tenant_id):
        assert 1 <= len(clicks(message)) <= MOST_CLICKS


def test_the_report_counts_messages_by_the_best_that_is_known_of_who_clicked(client: Client, message: Message) -> None:
    first, second = link_to(message), link_to(message, "https://shop.example.com/old")
    for seconds, link in ((2, first), (3, second)):
        with at(later(seconds)):
            client.get(page(message, link), headers={"User-Agent": PERSON})
    told = results(message.tenant, now=later(9000))
    assert told["clicks"] == {"person": 0, "doubtful": 0, "machine": 1}

    with at(later(7000)):
        client.get(page(message, second), headers={"User-Agent": PERSON})

    told = results(message.tenant, now=later(9000))
    assert told["campaigns"][0]["clicks"] == told["clicks"] == {"person": 1, "doubtful": 0, "machine": 0}
