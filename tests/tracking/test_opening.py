"""The picture of a mail that was opened: kept a few times, flagged, and only where the brand wants it."""

import pytest
from django.test import Client

from campaigns.delivery.links import Purpose, make_token
from campaigns.planning.models import Message
from campaigns.tracking.clicking import MOST_OPENS
from campaigns.tracking.models import Interaction
from tenants.accounts.models import Brand, Tenant
from tests.tracking.making import make_reached

PERSON = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15"


@pytest.fixture
def message(tenant: Tenant) -> Message:
    return make_reached(tenant)


def pixel(message: Message) -> str:
    return f"/o/{make_token(Purpose.OPEN, message.tenant_id, message.pk)}.gif"


def opens(message: Message) -> list[str]:
    rows = Interaction.objects.for_tenant(message.tenant_id).filter(kind="opened").order_by("pk")
    return [row.data["confidence"] for row in rows]


@pytest.mark.parametrize(
    ("agent", "confidence"),
    [
        ("Mozilla/5.0", "machine"),
        ("", "machine"),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", "doubtful"),
        ("YahooMailProxy; https://help.yahoo.com", "doubtful"),
        ("Barracuda Sentinel", "machine"),
        (PERSON, "person"),
    ],
)
def test_an_open_is_flagged_by_who_fetched_the_picture(
    client: Client, message: Message, agent: str, confidence: str
) -> None:
    Brand.objects.for_tenant(message.tenant_id).update(tracks_opens=True)

    response = client.get(pixel(message), headers={"User-Agent": agent})

    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/gif")
    assert opens(message) == [confidence]


def test_a_flood_on_the_pixel_writes_a_few_rows_and_then_nothing(client: Client, message: Message) -> None:
    Brand.objects.for_tenant(message.tenant_id).update(tracks_opens=True)
    for _ in range(20):
        client.get(pixel(message), headers={"User-Agent": PERSON})

    assert len(opens(message)) == MOST_OPENS


def test_the_picture_is_the_same_whatever_the_token_and_counts_only_where_the_brand_wants_it(
    client: Client, message: Message
) -> None:
    true, false = client.get(pixel(message)), client.get("/o/nonsense.gif")

    assert (true.status_code, true.content) == (false.status_code, false.content)
    told = [{name: value for name, value in each.headers.items() if name != "Expires"} for each in (true, false)]
    assert told[0] == told[1]  # but for the second in which it was asked
    assert opens(message) == []
    assert client.head(pixel(message)).status_code == 200
