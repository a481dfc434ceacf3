"""The address at which providers report: kept once, acknowledged, and nothing kept of what is not theirs."""

import json
import logging

import pytest
from django.db import OperationalError
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.tracking import inbox, refusals
from campaigns.tracking.models import InboxItem
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect
from tenants.connections.hooks import path_of, replace_address, token_of
from tests import factories
from tests.conftest import OutsideClient
from tests.tracking.reporting import SECRET, about, make_reporting, report
from winback.queues import get_queue
from winback.tenancy import (
    NoTenantScope,
    OutsideTenantScope,
    acting_for,
    acting_for_all,
    one_statement,
    prepared_statement,
)


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    get_queue("default").connection.delete(refusals._key(timezone.now()))


def kept(tenant: Tenant) -> list[InboxItem]:
    return list(InboxItem.objects.for_tenant(tenant).order_by("pk"))


def test_keeps_what_arrives_and_answers_as_the_provider_wants(tenant: Tenant, client: Client) -> None:
    connection = make_reporting(tenant)

    answer = report(client, connection, about(None, "delivered"))

    (item,) = kept(tenant)
    assert (answer.status_code, answer.content) == (200, b"kept")
    assert (item.state, item.connection_id, item.urgent) == ("waiting", connection.pk, False)
    assert json.loads(bytes(item.body))[0]["kind"] == "delivered"
    assert item.headers["content-type"] == "application/json"


def test_an_identical_repeat_is_kept_once_and_answered_alike(tenant: Tenant, client: Client) -> None:
    connection = make_reporting(tenant)
    said = about(None, "complained")

    answers = [report(client, connection, said) for _ in range(20)]

    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b"kept")}
    assert [item.urgent for item in kept(tenant)] == [True]


def test_keeps_no_secret_of_the_request(tenant: Tenant, client: Client) -> None:
    connection = make_reporting(tenant)

    client.post(
        path_of(connection),
        "[]",
        content_type="application/json",
        headers={"x-fake-secret": SECRET, "authorization": "Basic c2VjcmV0", "cookie": "a=secret"},
    )

    (item,) = kept(tenant)
    assert not {"authorization", "cookie"} & set(item.headers)


def test_refuses_what_is_not_authentic_and_keeps_only_its_number(
    tenant: Tenant, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    connection = make_reporting(tenant)
    caplog.set_level(logging.DEBUG)

    answers = [
        report(client, connection, about(None, "complained", address="robin@example.com"), secret=secret)
        for secret in ("", "wrong", "wröng", "x" * 5000)
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert answers[0].headers["WWW-Authenticate"].startswith("Basic")
    assert kept(tenant) == []
    assert "robin@example.com" not in caplog.text
    assert refusals.of_connections(tenant.pk, [connection.pk], now=timezone.now()) == {connection.pk: 4}
    assert refusals.today(now=timezone.now()) == 4


def test_an_unset_secret_refuses_everybody(tenant: Tenant, client: Client) -> None:
    connection = make_reporting(tenant, credentials={})

    assert report(client, connection, about(None, "delivered"), secret="").status_code == 401


def test_every_wrong_address_is_answered_alike(tenant: Tenant, client: Client) -> None:
    connection = make_reporting(tenant)
    token = token_of(connection)
    flipped = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]

    answers = [
        report(client, connection, about(None, "delivered"), path=path)
        for path in (
            f"/hooks/fake/{flipped}/",
            f"/hooks/fake/{'A' * 44}/",
            "/hooks/fake/x/",
            f"/hooks/fake/{'é' * 20}/",
            f"/hooks/fake/{'A' * 4000}/",
            f"/hooks/postmark/{token}/",
            f"/hooks/local/{token}/",
        )
    ]

    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b"Not found.")}
    assert kept(tenant) == []


def test_the_secret_of_another_tenant_opens_nothing(two_tenants: tuple[Tenant, Tenant], client: Client) -> None:
    ours, theirs = two_tenants
    connection = make_reporting(ours)
    make_reporting(theirs, credentials={"webhook_secret": "theirs"})

    assert report(client, connection, about(None, "delivered"), secret="theirs").status_code == 401
    report(client, connection, about(None, "delivered"))

    with acting_for(theirs.pk):
        assert kept(theirs) == []
    with acting_for(ours.pk):
        assert len(kept(ours)) == 1


def test_a_new_address_ends_the_old_one_at_once(tenant: Tenant, client: Client) -> None:
    connection = make_reporting(tenant)
    old = path_of(connection)
    report(client, connection, about(None, "delivered"), path=old)

    replace_address(connection, actor="test", now=factories.NOW)

    assert report(client, connection, about(None, "delivered"), path=old).status_code == 404
    assert report(client, connection, about(None, "delivered")).status_code == 200


def test_a_new_secret_counts_at_once(tenant: Tenant, client: Client) -> None:
    connection = make_reporting(tenant)
    report(client, connection, about(None, "delivered"))

    make_reporting(tenant, credentials={"webhook_secret": "new"})

    assert report(client, connection, about(None, "delivered")).status_code == 401
    assert report(client, connection, about(None, "delivered"), secret="new").status_code == 200


def test_refuses_what_is_too_long(tenant: Tenant, client: Client) -> None:
    connection = make_reporting(tenant)

    assert report(client, connection, body="x" * (inbox.MOST_BYTES + 1)).status_code == 413
    assert report(client, connection, body="x" * inbox.MOST_BYTES).status_code == 200
    assert report(client, connection, path=f"{path_of(connection)}?{'q' * 9000}").status_code == 413


def test_takes_no_other_method(tenant: Tenant, client: Client) -> None:
    connection = make_reporting(tenant)

    assert client.put(path_of(connection), "[]").status_code == 405
    assert client.get(path_of(connection)).status_code == 200
    assert client.head(path_of(connection)).status_code == 200
    assert kept(tenant) == []


def test_needs_neither_cookie_nor_csrf_token(tenant: Tenant) -> None:
    client = OutsideClient(enforce_csrf_checks=True)

    assert report(client, make_reporting(tenant), about(None, "delivered")).status_code == 200


def test_keeps_even_what_cannot_be_read(tenant: Tenant, client: Client) -> None:
    connection = make_reporting(tenant)

    for body in ("", "\x00", "[" * 100_000, "null", '{"a": NaN}'):
        assert report(client, connection, body=body).status_code == 200

    assert len(kept(tenant)) == 5


def test_takes_reports_while_the_connection_is_switched_off(tenant: Tenant, client: Client) -> None:
    connection = make_reporting(tenant)
    type(connection).objects.for_tenant(tenant).filter(pk=connection.pk).update(state="disabled")

    assert report(client, connection, about(None, "complained")).status_code == 200


def test_a_provider_that_reports_nothing_has_no_address(tenant: Tenant, client: Client) -> None:
    connection = connect(tenant, kind="email", provider="local", now=factories.NOW, actor="test")

    assert report(client, connection, about(None, "delivered")).status_code == 404


def test_one_statement_keeps_it(tenant: Tenant, client: Client, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    connection = make_reporting(tenant)
    report(client, connection, about(None, "delivered"))

    with django_assert_max_num_queries(6):  # savepoint, scope, the statement, scope, release; and the test's own scope
        report(client, connection, about(None, "delivered"))


@pytest.mark.django_db(transaction=True)
def test_outside_any_transaction_one_message_to_the_database_keeps_it_for_its_tenant_alone(client: Client) -> None:
    with acting_for_all("test set-up"):
        ours, theirs = factories.make_tenant(), factories.make_tenant()
    with acting_for(ours.pk):
        connection = make_reporting(ours)

    assert report(client, connection, about(None, "delivered")).status_code == 200

    with CaptureQueriesContext(database) as captured:
        assert report(client, connection, about(None, "delivered")).status_code == 200
    assert len([query for query in captured.captured_queries if "inboxitem" in query["sql"]]) == 1
    assert len(captured) == 1
    with acting_for(ours.pk):
        assert len(kept(ours)) == 2
    with acting_for(theirs.pk):
        assert kept(theirs) == []
        with pytest.raises(OutsideTenantScope):
            one_statement(ours.pk, "SELECT count(*) FROM campaigns_inboxitem", {})
    assert one_statement(theirs.pk, "SELECT count(*) FROM campaigns_inboxitem", {}) == [(0,)]
    with pytest.raises(NoTenantScope):
        prepared_statement("SELECT count(*) FROM campaigns_inboxitem", {})
    with database.cursor() as cursor:  # nothing of the scope is left behind
        cursor.execute("SELECT coalesce(current_setting('winback.tenants', true), '')")
        assert cursor.fetchone() == ("",)
        with pytest.raises(NoTenantScope):
            cursor.execute("SELECT 1 FROM campaigns_inboxitem")


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_lost_since_the_last_report_costs_none(client: Client) -> None:
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant()
    with acting_for(tenant.pk):
        connection = make_reporting(tenant)
    assert report(client, connection, about(None, "delivered")).status_code == 200
    with pytest.raises(OperationalError), database.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    answers = [report(client, connection, about(None, "delivered")).status_code for _ in range(2)]

    assert answers == [200, 200]
    with acting_for(tenant.pk):
        assert len(kept(tenant)) == 3


def test_a_statement_that_is_planned_once_a_connection_shows_each_scope_its_own(
    two_tenants: tuple[Tenant, Tenant],
) -> None:
    for each in two_tenants:
        factories.make_contact(each)
    unfiltered = "SELECT tenant_id FROM campaigns_contact WHERE external_id <> %(no)s"

    for _ in range(8):  # PostgreSQL keeps one plan for good after five
        for each in two_tenants:
            with acting_for(each.pk):
                assert prepared_statement(unfiltered, {"no": ""}) == [(each.pk,)]
