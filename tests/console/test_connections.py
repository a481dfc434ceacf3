"""The pages of connections and sending domains: their order, a test, the records to add."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from campaigns.audience.addresses import address_hmac
from campaigns.audience.platform_suppressing import suppress_everywhere
from campaigns.audience.suppressing import suppress
from campaigns.operating import connection_jobs
from tenants.access.models import User
from tenants.accounts.models import Brand
from tenants.activation import jobs
from tenants.connections.connecting import connect, in_order
from tenants.connections.models import Connection
from tenants.journal.models import Task
from tests.console.conftest import Business
from tests.console.walking import address, audited_actions, row_now
from tests.factories import NOW
from winback.tenancy import acting_for

CONNECT_SMTP = "/console/tenants/connection/add/?kind=email&provider=smtp"
Browse = Callable[[User], Client]


def deed(row: Any, name: str) -> str:
    return address(type(row), name, row.pk)


def test_the_order_is_changed_by_one_place(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])
    with acting_for(ours.tenant.pk):
        second = connect(ours.tenant, kind="email", provider="local", label="Second", priority=90, now=NOW, actor="a")
        last = connect(ours.tenant, kind="email", provider="local", label="Last", priority=90, now=NOW, actor="a")

    client.post(deed(last, "move_up"))

    with acting_for(ours.tenant.pk):
        keys = list(in_order(ours.tenant, "email").values_list("pk", flat=True))
    assert keys[-2:] == [last.pk, second.pk]


def test_a_test_goes_to_the_member_who_asks(ours: Business, browse: Browse, settings: Any, tmp_path: Any) -> None:
    settings.WINBACK_HOME = tmp_path
    connection: Connection = ours.rows["connection"]

    browse(ours.people["owner"]).post(deed(connection, "send_test"))
    task = carried_out(ours, "test_connection")

    (mail,) = tmp_path.rglob("*.eml")
    assert ours.people["owner"].email in mail.read_text()
    assert (task.state, task.arguments) == (Task.State.DONE, {"connection": connection.pk})


def carried_out(ours: Business, kind: str) -> Task:
    with acting_for(ours.tenant.pk):
        task = Task.objects.for_tenant(ours.tenant).get(kind=kind)
    connection_jobs.carry_out(tenant=ours.tenant.pk, task=task.pk)
    with acting_for(ours.tenant.pk):
        task.refresh_from_db()
    return task


def test_a_connection_that_waits_its_turn_is_tried_by_itself(ours: Business, browse: Browse) -> None:
    with acting_for(ours.tenant.pk):
        spare = connect(ours.tenant, kind="email", provider="smtp", label="Spare", priority=90, now=NOW, actor="a",
                        options={"host": "127.0.0.1", "port": "25"})  # fmt: skip

    browse(ours.people["owner"]).post(deed(spare, "probe"))
    task = carried_out(ours, "probe_connection")

    assert task.state == Task.State.FAILED
    assert "127.0.0.1" in task.error


@pytest.mark.parametrize("role", ["analyst", "operator"])
def test_who_may_not_manage_connections_sends_no_test(role: str, ours: Business, browse: Browse) -> None:
    assert browse(ours.people[role]).post(deed(ours.rows["connection"], "send_test")).status_code == 403


def test_a_sending_domain_shows_the_record_to_add(ours: Business, browse: Browse) -> None:
    row = ours.rows["sendingdomain"]

    page = browse(ours.people["owner"]).get(address(type(row), "change", row.pk)).content.decode()

    assert f"_dmarc.{row.domain}" in page
    assert 'data-copy="v=DMARC1; p=none;' in page


def test_a_message_that_is_brought_is_checked_and_not_kept(ours: Business, browse: Browse) -> None:
    row = ours.rows["sendingdomain"]
    raw = "From: somebody@elsewhere.example\n\nHello"

    browse(ours.people["owner"]).post(deed(row, "check_message"), {"message": raw})
    with acting_for(ours.tenant.pk):
        task = Task.objects.for_tenant(ours.tenant).get(kind="check_message")
    jobs.check_message(tenant=ours.tenant.pk, task=task.pk)

    with acting_for(ours.tenant.pk):
        task.refresh_from_db()
    assert (task.state, task.arguments) == (Task.State.FAILED, {})
    assert "brand of this business" in task.error


def smtp(**fields: str) -> dict[str, str]:
    return {"label": "Post", "host": "mail.example.com", "port": "587", "security": "starttls", "username": "",
            "password": "", "domain_limits": "", "brand": ""} | fields  # fmt: skip


def test_the_limits_to_a_mailbox_provider_are_typed_in_and_shown(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])

    answer = client.post(CONNECT_SMTP, smtp(domain_limits="gmail.com 3\noak.shop 0"))

    with acting_for(ours.tenant.pk):
        made = Connection.objects.for_tenant(ours.tenant).get(label="Post")
    assert made.settings["domain_limits"] == {"gmail.com": 3.0, "oak.shop": 0.0}
    assert "gmail.com 3, oak.shop 0; else Google 10" in client.get(answer.headers["Location"]).content.decode()


def test_a_sender_that_is_known_is_not_held_back(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])

    answer = client.post(CONNECT_SMTP, smtp(known_sender="on"))

    with acting_for(ours.tenant.pk):
        made = Connection.objects.for_tenant(ours.tenant).get(label="Post")
    assert made.settings["slow_start"] is False
    assert "No: it is known" in client.get(answer.headers["Location"]).content.decode()


def test_a_limit_that_is_none_is_named_and_nothing_is_kept(ours: Business, browse: Browse) -> None:
    answer = browse(ours.people["owner"]).post(CONNECT_SMTP, smtp(domain_limits="gmail.com plenty"))

    assert answer.status_code == 422
    assert "gmail.com: “plenty” is no number from 0 to 1,000" in answer.content.decode()
    with acting_for(ours.tenant.pk):
        assert not Connection.objects.for_tenant(ours.tenant).filter(label="Post").exists()


def test_a_kept_secret_is_sent_to_no_other_host_and_the_form_says_so(ours: Business, browse: Browse) -> None:
    with acting_for(ours.tenant.pk):
        row = connect(ours.tenant, kind="email", provider="smtp", label="Post", credentials={"password": "old"},
                      options={"host": "a.example"}, now=NOW, actor="a")  # fmt: skip
    client, told = browse(ours.people["owner"]), smtp(host="mine.example")

    refused = client.post(deed(row, "set_up"), told)

    said = "Host says where a kept secret is sent. Give it anew to change this: Password."
    assert refused.status_code == 422
    assert said in refused.content.decode()
    with acting_for(ours.tenant.pk):
        row.refresh_from_db()
    assert not bytes(row.pending)
    assert client.post(deed(row, "set_up"), told | {"password": "new"}).status_code == 302


def test_a_connection_of_a_name_that_is_taken_stays(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])
    client.post(CONNECT_SMTP, smtp(host="first.example"))

    again = client.post(CONNECT_SMTP, smtp(host="second.example"))

    assert "There is a connection of this name" in again.content.decode()
    with acting_for(ours.tenant.pk):
        assert Connection.objects.for_tenant(ours.tenant).get(label="Post").settings["host"] == "first.example"


def test_a_connection_is_given_to_one_brand_and_back_to_all(ours: Business, browse: Browse) -> None:
    client, connection = browse(ours.people["owner"]), ours.rows["connection"]
    with acting_for(ours.tenant.pk):
        other = Brand.objects.create(tenant=ours.tenant, code="other", name="Other", is_default=False)

    client.post(deed(connection, "set_up"), {"brand": other.pk})
    assert row_now(ours, "connection").brand_id == other.pk
    client.post(deed(connection, "set_up"), {"brand": ""})

    assert row_now(ours, "connection").brand_id is None
    assert audited_actions(ours).count("connection.brand") == 2


def test_another_business_s_brand_is_no_choice(ours: Business, theirs: Business, browse: Browse) -> None:
    with acting_for(ours.tenant.pk):
        Brand.objects.create(tenant=ours.tenant, code="other", name="Other", is_default=False)

    answer = browse(ours.people["owner"]).post(
        deed(ours.rows["connection"], "set_up"), {"brand": theirs.rows["brand"].pk}
    )

    assert answer.status_code == 422
    assert row_now(ours, "connection").brand_id is None


@pytest.fixture
def texts(ours: Business) -> Connection:
    with acting_for(ours.tenant.pk):
        return connect(ours.tenant, kind="sms", provider="local", label="Texts", now=NOW, actor="a")


def ask_for_text(client: Client, texts: Connection, number: str = "(312) 555-0199", agreed: str = "on") -> Any:
    return client.post(deed(texts, "send_test_text"), {"number": number, "agreed": agreed})


def test_a_test_text_goes_to_the_phone_that_is_named_and_the_number_is_not_kept(
    ours: Business, texts: Connection, browse: Browse, settings: Any, tmp_path: Any
) -> None:
    settings.WINBACK_HOME = tmp_path

    ask_for_text(browse(ours.people["owner"]), texts)
    task = carried_out(ours, "test_text")

    (sent,) = tmp_path.rglob("*.json")
    assert "+13125550199" in sent.read_text()
    assert "Reply STOP" in sent.read_text()
    assert (task.state, task.arguments) == (Task.State.DONE, {"connection": texts.pk})


@pytest.mark.parametrize("told", [{"number": "5"}, {"number": "+18005550100"}, {"agreed": ""}])
def test_no_test_text_goes_where_none_may(
    told: dict[str, str], ours: Business, texts: Connection, browse: Browse
) -> None:
    assert ask_for_text(browse(ours.people["owner"]), texts, **told).status_code == 422
    with acting_for(ours.tenant.pk):
        assert not Task.objects.for_tenant(ours.tenant).filter(kind="test_text").exists()


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_number_that_said_stop_gets_no_test(
    everywhere: bool, ours: Business, texts: Connection, browse: Browse, settings: Any, tmp_path: Any
) -> None:
    settings.WINBACK_HOME = tmp_path
    client = browse(ours.people["owner"])
    ask_for_text(client, texts)
    with acting_for(ours.tenant.pk):
        task = Task.objects.for_tenant(ours.tenant).get(kind="test_text")
        if everywhere:
            suppress_everywhere("+13125550199", channel="sms", reason="legal", note="An order of a court.", actor="a",
                                now=NOW)  # fmt: skip
        else:
            suppress(ours.tenant, channel="sms", address_hmac=address_hmac("+13125550199"), reason="opt_out",
                     source="test", now=NOW)  # fmt: skip

    again = ask_for_text(client, texts)
    connection_jobs.carry_out(tenant=ours.tenant.pk, task=task.pk)

    assert again.status_code == 422
    assert "it is suppressed" in again.content.decode()
    assert not list(tmp_path.rglob("*.json"))


def test_this_door_is_no_way_to_write_to_many(ours: Business, texts: Connection, browse: Browse) -> None:
    client = browse(ours.people["owner"])

    answers = [ask_for_text(client, texts).status_code for _ in range(11)]

    assert answers == [302] * 10 + [422]
