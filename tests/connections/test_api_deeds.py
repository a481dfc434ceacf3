"""What a program does with a connection: pause, order and test it, read where it reports; and whose it is."""

from pathlib import Path

import pytest
from django.utils import timezone

from tenants.access.keys import create_key
from tenants.accounts.models import Tenant
from tenants.connections import connecting, hooks
from tenants.connections.models import Connection
from tenants.journal.models import AuditEntry
from tenants.webhooks import opaque
from tests import factories
from tests.calling import Call
from tests.connections.calling import LOCAL, carry_out, made, row_of
from winback.tenancy import acting_for, acting_for_all


def test_it_is_paused_and_the_next_takes_over(call: Call, business: Tenant) -> None:
    first, second = made(call, LOCAL, label="First"), made(call, LOCAL, label="Second")

    def used() -> str:
        with acting_for(business.pk):
            return str(getattr(connecting.active_connection(business, "email"), "label", ""))

    assert used() == "First"
    assert call("POST", f"{first}/pause").json()["state"] == "disabled"
    assert used() == "Second"
    assert call("POST", f"{first}/resume").json()["state"] == "active"
    keys = [second.strip("/"), first.strip("/")]
    answer = call("POST", "/order", {"kind": "email", "connections": keys})
    assert [one["id"] for one in answer.json()["connections"]] == keys
    assert used() == "Second"
    with acting_for(business.pk):
        actions = list(AuditEntry.objects.for_tenant(business).values_list("action", flat=True))
    assert {"connection.added", "connection.disabled", "connection.resumed", "connection.arranged"} <= set(actions)


def test_an_order_names_each_connection_once(call: Call) -> None:
    first, second = (made(call, LOCAL, label=label).strip("/") for label in ("First", "Second"))
    text = made(call, {"kind": "sms", "provider": "local"}).strip("/")

    for wrong in ([first], [first, first], [first, second, text], []):
        answer = call("POST", "/order", {"kind": "email", "connections": wrong})
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "connections")


@pytest.mark.parametrize(
    ("kind", "to", "pattern"), [("email", "owner@oak.example", "*.eml"), ("sms", "+13125550199", "*.json")]
)
def test_a_test_goes_to_the_team(
    call: Call, business: Tenant, tmp_path: Path, kind: str, to: str, pattern: str
) -> None:
    where = made(call, {"kind": kind, "provider": "local"})

    answer = call("POST", f"{where}/test", {"to": to}, **{"Idempotency-Key": "once"})
    carry_out(business)

    assert answer.status_code == 202
    (message,) = tmp_path.rglob(pattern)
    assert "[Test]" in message.read_text()
    tried = call("GET", f"{where}/tries")
    assert [one["state"] for one in tried.json()["tries"] if one["what"] == "test"] == ["done"]
    assert to not in tried.content.decode() + answer.content.decode()


def test_a_test_goes_to_nobody_else(call: Call, business: Tenant, tmp_path: Path) -> None:
    where = made(call, LOCAL)

    answer = call("POST", f"{where}/test", {"to": "stranger@example.com"})
    carry_out(business)

    assert (answer.status_code, answer.json()["code"]) == (422, "no_test_there")
    assert not list(tmp_path.rglob("*.eml"))


def test_where_it_reports_is_read_and_replaced(call: Call, business: Tenant) -> None:
    sms = {"kind": "sms", "provider": "gateway", "settings": {"url": "https://texts.example.com/send"}}
    where = made(call, sms, label="Texts")

    before = call("GET", f"{where}/webhook")
    assert call("POST", f"{where}/replace-webhook", **{"Idempotency-Key": "new"}).json() == {"done": True}
    after = call("GET", f"{where}/webhook").json()["url"]

    assert before.headers["Cache-Control"] == "no-store"
    assert before.json()["url"] != after == hooks.url_of(row_of(business, "Texts"))
    assert call("GET", f"{made(call, LOCAL)}/webhook").status_code == 404
    with acting_for(business.pk):
        read = AuditEntry.objects.for_tenant(business).filter(action="connection.webhook_read")
        assert read.count() == 2


def test_another_tenant_s_connection_is_as_missing_as_a_made_up_one(call: Call, business: Tenant) -> None:
    with acting_for_all("test set-up"):
        other = factories.make_tenant()
        theirs = connecting.connect(other, kind="email", provider="local", now=factories.NOW, actor="a")
        ids = [opaque.make("connection", who, theirs.pk) for who in (other.pk, business.pk)]
    answers = [
        call(method, f"/{identity}{rest}", body)
        for identity in (*ids, "conn_" + "a" * 26, "1", "..%2f")
        for method, rest, body in (
            ("GET", "", None), ("PATCH", "", {"brand": None}), ("POST", "/probe", None), ("GET", "/tries", None),
            ("POST", "/test", {"to": "owner@oak.example"}), ("POST", "/pause", None), ("POST", "/resume", None),
            ("GET", "/webhook", None), ("POST", "/replace-webhook", None),
        )
    ]  # fmt: skip

    assert {answer.status_code for answer in answers} == {404}
    assert call("POST", "/order", {"kind": "email", "connections": ids[:1]}).status_code == 404
    with acting_for_all("test set-up"):
        assert Connection.objects.get(pk=theirs.pk).state == "active"


def test_a_key_without_the_scope_may_do_nothing_here(call: Call, business: Tenant) -> None:
    with acting_for(business.pk):
        _, narrow = create_key(business, name="narrow", now=timezone.now(), scopes=["webhooks:manage"])
    where = made(call, LOCAL)

    refused = [call("GET", "", key=narrow), call("POST", "", LOCAL, key=narrow), call("GET", where, key=narrow),
               call("GET", "/providers", key=narrow), call("POST", f"{where}/pause", key=narrow),
               call("POST", "/order", {"kind": "email", "connections": []}, key=narrow)]  # fmt: skip

    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "scope_missing")}
