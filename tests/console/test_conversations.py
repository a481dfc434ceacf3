"""Conversations by text in the console and the API: who waits, answering, and saying what was meant."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.audience.models import ContactTag, Suppression
from campaigns.tracking import thread_outbox
from campaigns.tracking.thread_models import Conversation, ThreadText
from tenants.access.keys import create_key
from tenants.access.models import User
from tenants.connections.models import Connection
from tenants.journal.models import AuditEntry
from tests.console.conftest import Business
from tests.console.walking import address
from tests.tracking.texting import NUMBER, also_at, sms_connection, text
from winback.providers.sms.fake import FakeSmsProvider
from winback.tenancy import acting_for

Browse = Callable[[User], Client]
LIST = "/console/campaigns/conversation/"


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    FakeSmsProvider.sent.clear()
    yield
    FakeSmsProvider.sent.clear()


def written(business: Business, body: str, **contact: Any) -> Conversation:
    """Somebody of the business's customers texts, now."""
    with acting_for(business.tenant.pk):
        if not Connection.objects.for_tenant(business.tenant).filter(kind="sms").exists():
            sms_connection(business.tenant)
        also_at(business.tenant, **contact)
        received = text(business.tenant, body, now=timezone.now())
        assert received.conversation_id is not None
        found: Conversation = Conversation.objects.for_tenant(business.tenant).get(pk=received.conversation_id)
        return found


def again(row: Conversation) -> Conversation:
    with acting_for(row.tenant_id):
        found: Conversation = Conversation.objects.for_tenant(row.tenant_id).get(pk=row.pk)
        return found


def in_force(business: Business) -> set[tuple[str, str]]:
    with acting_for(business.tenant.pk):
        rows = Suppression.objects.for_tenant(business.tenant).filter(lifted_at=None).exclude(reason="staff")
        return set(rows.values_list("channel", "reason"))


def deed(row: Conversation, name: str) -> str:
    return address(Conversation, name, row.pk)


def test_whoever_waits_longest_stands_first(ours: Business, browse: Browse) -> None:
    written(ours, "Are you there?", first_name="Quentin")

    page = browse(ours.people["operator"]).get(LIST).content.decode()

    assert page.index("oakmark") < page.index("Quentin"), "waits since September"
    assert "Are you there?" in page
    assert "Waiting for you" in page


def test_a_reply_leaves_once_and_stops_the_clock(ours: Business, browse: Browse) -> None:
    row = written(ours, "Do you have time on Friday?")
    client = browse(ours.people["operator"])
    page = client.get(f"{LIST}{row.pk}/change/").content.decode()
    key = page.split('name="key" value="')[1].split('"')[0]

    for _ in range(2):
        client.post(deed(row, "reply"), {"text": "Friday at 9 – see you!", "key": key})
    with acting_for(ours.tenant.pk):
        thread_outbox.send_due(ours.tenant, now=timezone.now())

    assert [(each.recipient, each.body) for each in FakeSmsProvider.sent] == [(NUMBER, "Friday at 9 - see you!")]
    assert (again(row).state, again(row).waiting_since) == ("answered", None)
    after = client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "Friday at 9" in after
    assert "Sent" in after
    with acting_for(ours.tenant.pk):
        assert AuditEntry.objects.for_tenant(ours.tenant).filter(action="conversation.replied").count() == 1


def test_to_a_stopped_number_nothing_can_be_written_and_the_page_says_why(ours: Business, browse: Browse) -> None:
    row = written(ours, "STOP")
    client = browse(ours.people["operator"])

    page = client.get(f"{LIST}{row.pk}/change/").content.decode()
    response = client.post(deed(row, "reply"), {"text": "Please stay!", "key": "6f0a4c1e-8d5b-4a53-9d35-6b1b5a6a9d10"})

    assert "This number gets no texts" in page
    assert "<textarea" not in page
    assert response.status_code == 422
    with acting_for(ours.tenant.pk):
        assert not ThreadText.objects.for_tenant(ours.tenant).filter(kind="reply").exists()


def test_without_a_connection_the_page_says_what_to_do(ours: Business, browse: Browse) -> None:
    row = written(ours, "Hello?")
    with acting_for(ours.tenant.pk):
        Connection.objects.for_tenant(ours.tenant).filter(kind="sms").update(state="disabled")

    page = browse(ours.people["operator"]).get(f"{LIST}{row.pk}/change/").content.decode()

    assert "connect a provider" in page


def test_what_may_be_a_stop_is_for_a_person_to_say(ours: Business, browse: Browse) -> None:
    row = written(ours, "not interested")
    client = browse(ours.people["operator"])
    home = client.get("/console/").content.decode()

    client.post(deed(row, "not_an_opt_out"))

    assert "1 text may be a wish to stop" in home
    assert again(row).state == "waiting"
    assert in_force(ours) == set()


def test_a_person_can_say_that_it_is_a_stop(ours: Business, browse: Browse) -> None:
    row = written(ours, "not interested")
    client = browse(ours.people["operator"])

    asked = client.post(deed(row, "opted_out")).content.decode()
    before = in_force(ours)
    client.post(deed(row, "opted_out"), {"confirmed": "yes"})

    assert "Stop all texts" in asked
    assert before == {("all", "reply_unclear")}
    assert in_force(ours) == {("sms", "unsubscribed")}
    assert again(row).state == "done"


def test_a_person_can_say_that_it_is_a_wrong_number(ours: Business, browse: Browse) -> None:
    row = written(ours, "Who is this?")

    browse(ours.people["operator"]).post(deed(row, "wrong_number"), {"confirmed": "yes"})

    assert in_force(ours) == {("sms", "wrong_person")}
    with acting_for(ours.tenant.pk):
        assert ContactTag.objects.for_tenant(ours.tenant).filter(name="winback:wrong_number").exists()


def test_it_is_handed_to_somebody_of_the_team_and_closed(ours: Business, theirs: Business, browse: Browse) -> None:
    row = written(ours, "Hello?")
    client = browse(ours.people["operator"])

    client.post(deed(row, "assign"), {"user": theirs.people["manager"].pk})
    stranger = again(row).assigned_to_id
    client.post(deed(row, "assign"), {"user": ours.people["manager"].pk})
    client.post(deed(row, "done"))

    assert stranger is None
    assert again(row).assigned_to_id == ours.people["manager"].pk
    assert (again(row).state, again(row).waiting_since) == ("done", None)


def test_an_analyst_reads_and_does_nothing(ours: Business, browse: Browse) -> None:
    row = written(ours, "Hello?")
    client = browse(ours.people["analyst"])

    assert client.get(f"{LIST}{row.pk}/change/").status_code == 200
    for name in ("reply", "opted_out", "wrong_number", "done", "assign", "not_an_opt_out"):
        assert client.post(deed(row, name), {"confirmed": "yes", "text": "x"}).status_code == 403
    assert again(row).state == "waiting"


def test_what_a_person_wrote_is_shown_as_text(ours: Business, browse: Browse) -> None:
    row = written(ours, "<script>alert(1)</script>")

    page = browse(ours.people["operator"]).get(f"{LIST}{row.pk}/change/").content.decode()

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


class TestApi:
    def _key(self, business: Business, *scopes: str) -> dict[str, str]:
        with acting_for(business.tenant.pk):
            return {
                "Authorization": f"Bearer {create_key(business.tenant, name='k', now=timezone.now(), scopes=scopes)[1]}"
            }

    def _post(self, client: Client, path: str, body: dict[str, str], headers: dict[str, str]) -> Any:
        return client.post(path, json.dumps(body), content_type="application/json", headers=headers)

    def test_lists_reads_and_answers(self, ours: Business, client: Client) -> None:
        row = written(ours, "Do you have time?", external_id="c-77")
        headers = self._key(ours, "conversations:read", "conversations:write")

        listed = client.get("/api/conversations?state=waiting", headers=headers).json()
        answered = self._post(client, f"/api/conversations/{row.pk}/reply", {"text": "Yes!"}, headers)

        assert listed["conversations"][0]["contact"] == "c-77"
        assert listed["next"] is None
        assert answered.status_code == 200
        assert [(each["kind"], each["text"]) for each in answered.json()["texts"]] == [
            ("received", "Do you have time?"), ("reply", "Yes!"),
        ]  # fmt: skip

    def test_says_why_nothing_can_be_written(self, ours: Business, client: Client) -> None:
        row = written(ours, "STOP")

        response = self._post(client, f"/api/conversations/{row.pk}/reply", {"text": "Hi"}, self._key(ours))

        assert (response.status_code, response.json()["code"]) == (409, "not_answered")

    def test_hides_those_of_others_and_keeps_to_its_scopes(
        self, ours: Business, theirs: Business, client: Client
    ) -> None:
        row = written(theirs, "Hello?")
        headers = self._key(ours)

        assert client.get(f"/api/conversations/{row.pk}", headers=headers).json()["code"] == "conversation_not_found"
        assert self._post(client, f"/api/conversations/{row.pk}/reply", {"text": "Hi"}, headers).status_code == 404
        assert "elmmark" not in client.get("/api/conversations", headers=headers).content.decode()
        reading = self._key(ours, "conversations:read")
        mine = written(ours, "Hello?")
        assert self._post(client, f"/api/conversations/{mine.pk}/reply", {"text": "Hi"}, reading).status_code == 403

    @pytest.mark.parametrize("cursor", ["x", "////", "MjAyNg==", "MjAyNi0wMS0wMSAx"])
    def test_a_cursor_of_its_own_making_is_refused(self, ours: Business, client: Client, cursor: str) -> None:
        response = client.get(f"/api/conversations?cursor={cursor}", headers=self._key(ours))

        assert response.status_code == 422

    def test_pages(self, ours: Business, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("campaigns.tracking.api.PAGE", 1)
        written(ours, "Hello?")
        headers = self._key(ours)

        first = client.get("/api/conversations", headers=headers).json()
        second = client.get(f"/api/conversations?cursor={first['next']}", headers=headers).json()

        assert first["conversations"][0]["id"] != second["conversations"][0]["id"]
        assert second["next"] is None
