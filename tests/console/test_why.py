"""What a message's and a contact's page say of the rules: lists of words, caps of the law, and who is followed."""

import html
import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.audience.models import Contact
from campaigns.planning.models import Message
from tenants.access.models import User
from tests import factories
from tests.console.conftest import Business
from tests.console.walking import address
from winback.tenancy import acting_for

Browse = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: factories.NOW)


def words_of(client: Client, row: Message | Contact) -> str:
    """What a page says, without its tags."""
    page = client.get(address(type(row), "change", row.pk)).content.decode()
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_a_message_names_the_lists_of_words_it_was_judged_by_with_their_versions(
    ours: Business, browse: Browse
) -> None:
    message = ours.rows["message"]
    message.verdicts = [
        {
            "guard": "sms_opt_out", "version": 1, "allowed": True, "at": factories.NOW.isoformat(), "when": "send",
            "facts": {"segments": 2}, "lists": {"stop_instructions": 3, "shorteners": 1},
        },
        {
            "guard": "address_kind", "version": 1, "allowed": False, "reason": "role_address", "when": "claim",
            "facts": {"lists": {"role_accounts": 1}},
        },
    ]  # fmt: skip
    with acting_for(ours.tenant.pk):
        message.save()

    said = words_of(browse(ours.people["analyst"]), message)

    assert "Lists of words: shorteners (version 1), stop instructions (version 3)" in said
    assert "Lists: role accounts (version 1)" in said


@pytest.mark.parametrize(
    ("region", "caps"),
    [
        ("GA", ["Household’s cap: 1 of 3 in 7 days"]),
        ("FL", ["Household’s cap: 1 of 3 in 7 days", "Cap of the law: 0 of 3 in 24 hours (Fla. Stat. 501.616(6)(b)"]),
        ("", ["Cap of the law: 0 of 3 in 24 hours, kept because the state is not known (Fla. Stat. 501.616(6)(b)"]),
    ],
)
def test_a_contact_shows_each_cap_that_holds_and_why(
    ours: Business, browse: Browse, region: str, caps: list[str]
) -> None:
    contact = ours.rows["contact"]
    contact.region = region
    with acting_for(ours.tenant.pk):
        contact.save()

    said = words_of(browse(ours.people["analyst"]), contact)

    assert [cap for cap in caps if cap not in said] == []
    assert ("Cap of the law" in said) is (region != "GA")


def test_a_manager_records_that_somebody_will_not_be_followed_and_the_page_says_so(
    ours: Business, browse: Browse
) -> None:
    contact, client = ours.rows["contact"], browse(ours.people["manager"])
    before = words_of(client, contact)
    fields = {
        "contact": contact.pk, "purpose": "tracking", "channel": "email", "state": "withdrawn",
        "stated_at": "2026-09-30T11:00", "source": "phone call", "proven_by": "call of 30 September",
    }  # fmt: skip

    wrong = client.post("/console/campaigns/consent/add/", fields | {"channel": "sms"})
    right = client.post("/console/campaigns/consent/add/", fields)

    assert "Nothing in a text is followed" in wrong.content.decode()
    assert right.status_code == 302
    after = words_of(client, contact)
    assert "May Counting opens and clicks" in before
    assert "May not Counting opens and clicks The person said no to it." in after


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("consent/?purpose=tracking", 0),
        ("consent/?purpose=marketing", 1),
        ("contact/?dormant=yes", 1),
        ("contact/?dormant=9", 0),
        ("recipientdomain/?takes_mail__exact=0", 1),
    ],
)
def test_a_filter_that_a_page_offers_may_be_linked_to(ours: Business, browse: Browse, path: str, count: int) -> None:
    page = browse(ours.people["analyst"]).get(f"/console/campaigns/{path}")

    assert page.status_code == 200
    assert page.context["cl"].result_count == count


def test_what_a_page_does_not_offer_is_refused(ours: Business, browse: Browse) -> None:
    for query in ("purpose__startswith=t", "recorded_by=x", "contact__email__startswith=a", "dormant=yes"):
        assert browse(ours.people["analyst"]).get(f"/console/campaigns/consent/?{query}").status_code == 400
