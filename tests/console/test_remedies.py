"""A message that did not leave says why, by which law, and what to do; no page of it is a dead end."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from campaigns.compliance.guards import GUARDS
from campaigns.operating.remedies import _REMEDIES, remedy
from campaigns.planning.models import Message
from tenants.access.models import User
from tests.console.conftest import Business
from tests.console.walking import address
from tests.factories import NOW
from tests.house.test_reasons import from_guards
from winback.tenancy import acting_for

Browse = Callable[[User], Client]


def test_every_no_of_a_guard_has_something_to_do_or_says_that_there_is_nothing() -> None:
    assert GUARDS
    assert {code for code in from_guards() if code != "withdrawn"} - set(_REMEDIES) <= NOBODYS_BUSINESS


NOBODYS_BUSINESS = {"contact", "consent", "restricted", "contact_restricted"}
"""Parts of codes, and what only a manager's own deed on the contact's page changes."""


def test_each_leads_to_a_page_that_is_there(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])

    for code in _REMEDIES:
        told = remedy(code, ours.rows["contact"], "email", ours.rows["moduleactivation"])
        assert told is not None
        assert told.text.endswith(".")
        assert not told.url or client.get(told.url).status_code == 200, code


def test_where_nobody_is_any_more_nothing_is_missing(ours: Business) -> None:
    contact = ours.rows["contact"]
    contact.state = contact.State.ERASED

    assert {remedy(code, contact, "email") for code in ("no_email", "no_email_consent")} == {
        remedy("booked", contact, "")
    }


@pytest.fixture
def refused(ours: Business) -> Message:
    message: Message = ours.rows["message"]
    facts: dict[str, Any] = {"rule": "email-us", "consent": ours.rows["consent"].pk}
    with acting_for(ours.tenant.pk):
        message.state, message.reason = Message.State.BLOCKED, "email_consent_withdrawn"
        message.verdicts = [
            {"guard": "consent", "allowed": False, "reason": message.reason, "facts": facts, "at": NOW.isoformat()}
        ]
        message.save()
    return message


def test_a_blocked_message_names_the_law_and_leads_on(ours: Business, refused: Message, browse: Browse) -> None:
    page = browse(ours.people["owner"]).get(address(Message, "change", refused.pk)).content.decode()

    assert "The person said no to e-mail." in page
    assert "The rule: CAN-SPAM, 15 USC 7704" in page
    assert f"/console/campaigns/consent/add/?contact={refused.contact_id}&amp;channel=email" in page
    assert address(type(ours.rows["consent"]), "change", ours.rows["consent"].pk) in page


def test_the_form_it_leads_to_knows_whom_and_what_it_is_about(ours: Business, refused: Message, browse: Browse) -> None:
    told = remedy(refused.reason, ours.rows["contact"], "email")
    assert told is not None

    page = browse(ours.people["owner"]).get(told.url).content.decode()

    assert f'<option value="{refused.contact_id}" selected>' in page
    assert '<option value="email" selected>' in page


def test_a_contact_and_its_messages_lead_to_what_it_has_texted(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])
    thread = address(type(ours.rows["conversation"]), "change", ours.rows["conversation"].pk)

    for row in (ours.rows["contact"], ours.rows["message"]):
        page = client.get(address(type(row), "change", row.pk)).content.decode()
        assert f'<a href="{thread}">0 texts: waiting for you</a>' in page
