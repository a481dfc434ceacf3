"""Connections through the developer API: connected and changed, and no secret comes out."""

import hashlib
import json
from typing import Any

import pytest
from django.test import Client

from tenants.access.models import IdempotentRequest, User
from tenants.accounts.models import Brand, Tenant
from tenants.activation import jobs
from tenants.connections import connecting, rotating
from tenants.connections.models import Connection
from tenants.journal.models import AuditEntry, Task
from tenants.webhooks import opaque
from tests import factories
from tests.at_once import at_once
from tests.calling import Call
from tests.connections.calling import LOCAL, PASSWORD, SMTP, carry_out, made, row_of
from winback.encryption import encrypt
from winback.providers import registry
from winback.tenancy import acting_for


def test_a_provider_is_connected_read_and_found_to_answer(call: Call, business: Tenant) -> None:
    where = made(call, LOCAL, label="Ours")
    carry_out(business)

    shown = call("GET", where).json()

    assert (shown["label"], shown["state"], shown["order"], shown["change"]) == ("Ours", "active", 1, None)
    assert shown["found"]["state"] == "ready"
    assert [one["label"] for one in call("GET", "?kind=email").json()["connections"]] == ["Ours"]
    assert call("GET", "?kind=sms").json() == {"connections": []}
    assert [(one["what"], one["state"]) for one in call("GET", f"{where}/tries").json()["tries"]] == [("probe", "done")]


def test_every_provider_says_what_it_is_told(call: Call) -> None:
    assert "smtp" in registry.EMAIL
    known = {(one["kind"], one["provider"]): one for one in call("GET", "/providers").json()["providers"]}

    assert ("email", "fake") not in known
    fields = {field["name"]: field["secret"] for field in known["email", "smtp"]["fields"]}
    assert (fields["host"], fields["password"]) == (False, True)


def test_a_secret_goes_in_and_comes_out_nowhere(call: Call, business: Tenant, caplog: Any) -> None:
    first, second = (call("POST", "", SMTP, **{"Idempotency-Key": "once"}) for _ in range(2))
    where = f"/{first.json()['id']}"
    carry_out(business)
    answers = [
        first, second, call("GET", where), call("GET"), call("PATCH", where, {"limits": {"per_second": 5}}),
        call("POST", f"{where}/probe"), call("GET", f"{where}/tries"), call("POST", "", SMTP),
        call("POST", "", SMTP | {"label": "C", "settings": {"password": PASSWORD}}),
        call("POST", "", SMTP | {"label": "D", "credentials": {"password": [PASSWORD]}}),
        call("POST", "", SMTP | {"label": "E", "provider": "twilio"}),
    ]  # fmt: skip

    assert (first.status_code, first.json()) == (201, second.json())
    assert first.json()["credentials"] == ["password"]
    row = row_of(business, "Post")
    assert connecting.credentials_of(row) == {"password": PASSWORD}
    told = [answer.content.decode() for answer in answers]
    with acting_for(business.pk):
        told += [json.dumps(list(IdempotentRequest.objects.values("body", "fingerprint")))]
        told += [json.dumps(list(AuditEntry.objects.for_tenant(business).values("action", "data")))]
        told += [json.dumps(list(Task.objects.for_tenant(business).values("arguments", "result", "error", "title")))]
    told += [caplog.text, json.dumps(row.settings)]
    assert not [text for text in told if PASSWORD in text]
    assert PASSWORD.encode() not in bytes(row.credentials) + bytes(row.pending)


def test_what_is_kept_of_a_request_tells_nobody_who_guesses_its_secret(call: Call, business: Tenant) -> None:
    call("POST", "", SMTP, **{"Idempotency-Key": "once"})

    guessed = hashlib.sha256(b"\0".join([b"POST", b"/api/connections", json.dumps(SMTP).encode()])).hexdigest()
    with acting_for(business.pk):
        assert IdempotentRequest.objects.get().fingerprint != guessed


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"provider": "pigeon"}, "provider", "no email provider"),
        ({"provider": "fake"}, "provider", "for tests alone"),
        ({"credentials": {"passwort": "x"}}, "credentials.passwort", "no secret of this name"),
        ({"settings": {"hots": "x"}}, "settings.hots", "no setting of this name"),
        ({"settings": {"host": "x", "password": "x"}}, "settings.password", "give it in credentials"),
        ({"settings": {"host": "x" * 501}}, "settings.host", "more than 500"),
        ({"settings": {}}, "settings", "needs: "),
        ({"settings": {"host": "x", "price_minor": -1}}, "settings.price_minor", "whole number"),
        ({"limits": {"per_second": -1}}, "limits", "per_second"),
        ({"limits": {"domain_limits": {"nonsense": 1}}}, "limits", "is no domain"),
        ({"brand": "nobody"}, "brand", "no brand"),
        ({"kind": "sms", "provider": "local", "credentials": {}, "settings": {}, "limits": {"slow_start": False}},
         "limits.slow_start", "for e-mail"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_cannot_be_connected_is_refused_with_its_place(
    call: Call, business: Tenant, change: dict[str, Any], field: str, told: str
) -> None:
    answer = call("POST", "", SMTP | change)

    assert (answer.status_code, answer.json()["code"]) == (422, "connection_invalid")
    assert answer.json()["errors"][0]["path"] == field
    assert told in answer.json()["detail"]
    with acting_for(business.pk):
        assert not Connection.objects.for_tenant(business).exists()


def test_a_name_that_is_taken_is_no_way_to_replace_a_connection(call: Call, business: Tenant) -> None:
    made(call, LOCAL, label="Ours")

    again = call("POST", "", SMTP | {"label": "Ours"})

    assert (again.status_code, again.json()["code"]) == (409, "connection_exists")
    assert row_of(business, "Ours").provider == "local"


def test_a_connection_that_appears_a_moment_before_stays(
    call: Call, business: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another() -> None:
        with acting_for(business.pk):
            Connection.objects.create(tenant=business, kind="email", label="Post", provider="local",
                                      created_at=factories.NOW)  # fmt: skip

    def encrypted(secret: bytes) -> bytes:
        at_once(another)  # on a connection of its own, after whatever was looked up before
        return encrypt(secret)

    monkeypatch.setattr(connecting, "encrypt", encrypted)

    answer = call("POST", "", SMTP)

    assert (answer.status_code, answer.json()["code"]) == (409, "connection_exists")
    row = row_of(business, "Post")
    assert (row.provider, bytes(row.credentials)) == ("local", b"")


def test_a_secret_that_is_kept_is_sent_to_no_other_place(call: Call, business: Tenant) -> None:
    where = made(call, SMTP)

    refused = call("PATCH", where, {"settings": {"host": "mine.example"}})

    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "settings.host")
    assert refused.json()["detail"].endswith("Give it anew to change this: Password.")
    assert not bytes(row_of(business, "Post").pending)
    change = {"settings": {"host": "other.example"}, "credentials": {"password": "another"}}
    assert call("PATCH", where, change).status_code == 202


def test_new_credentials_are_tried_before_they_are_used(call: Call, business: Tenant) -> None:
    where = made(call, SMTP)

    answer = call("PATCH", where, {"credentials": {"password": "another"}, "limits": {"per_day": 200}})
    then = call("PATCH", where, {"limits": {"per_second": 5}})
    jobs.try_proposed(tenant=business.pk, connection=row_of(business, "Post").pk, actor="test")

    assert (answer.status_code, answer.json()["change"]) == (202, "trying")
    assert then.json()["limits"]["per_day"] is None  # what is tried is not in use yet
    after = call("GET", where).json()
    assert after["change"] == "refused"
    assert "127.0.0.1" in after["change_problem"]
    assert connecting.credentials_of(row_of(business, "Post")) == {"password": PASSWORD}


def test_what_is_changed_in_a_row_is_tried_together(call: Call, business: Tenant) -> None:
    where = made(call, LOCAL, label="Ours", settings={"price_minor": 2})

    call("PATCH", where, {"limits": {"per_day": 200, "per_second": 3}})
    call("PATCH", where, {"limits": {"per_second": None}, "settings": {"price_minor": 5}})
    jobs.try_proposed(tenant=business.pk, connection=row_of(business, "Ours").pk, actor="test")

    after = call("GET", where).json()
    assert (after["change"], after["settings"], after["limits"]["per_day"]) == (None, {"price_minor": 5}, 200)
    assert after["limits"]["per_second"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    [({"settings": {"host": None}}, "settings"), ({"limits": {"per_day": -5}}, "limits"),
     ({"credentials": {"nothing": "x"}}, "credentials.nothing"), ({"brand": "nobody"}, "brand")],
)  # fmt: skip
def test_a_change_that_cannot_be_is_refused(call: Call, business: Tenant, change: Any, field: str) -> None:
    answer = call("PATCH", made(call, SMTP), change)

    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, field)
    assert not bytes(row_of(business, "Post").pending)


@pytest.mark.parametrize("name", ["api_url", "timeout_seconds"])
def test_nothing_is_taken_away_that_could_not_be_given(call: Call, business: Tenant, name: str) -> None:
    with acting_for(business.pk):
        connecting.connect(business, kind="email", provider="postmark", label="Post", now=factories.NOW, actor="a",
                           credentials={"server_token": PASSWORD}, options={name: "7"})  # fmt: skip
        where = f"/{opaque.make('connection', business.pk, Connection.objects.for_tenant(business).get().pk)}"

    answer = call("PATCH", where, {"settings": {name: None}})

    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, f"settings.{name}")
    assert not bytes(row_of(business, "Post").pending)


def test_a_refusal_changes_nothing_of_what_came_with_it(call: Call, business: Tenant) -> None:
    where = made(call, SMTP)

    answer = call("PATCH", where, {"limits": {"per_day": 200}, "brand": "nobody"})

    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "brand")
    assert call("GET", where).json()["change"] is None


def test_two_changes_at_the_same_time_are_both_made(call: Call, business: Tenant) -> None:
    where = made(call, SMTP)

    def change(limits: dict[str, Any]) -> Any:
        return lambda: call("PATCH", where, {"limits": limits}).status_code

    assert at_once(change({"per_day": 200}), change({"per_second": 3})) == [202, 202]
    with acting_for(business.pk):
        _, options = rotating.latest(row_of(business, "Post"))
    assert (options["per_day"], options["per_second"]) == (200, 3)


SECRETS = [
    (kind, code, field.name)
    for kind, found in registry.KINDS.items()
    for code, known in found.items()
    for field in known.fields
    if field.secret
]


@pytest.mark.parametrize("where", ["credentials", "settings"])
def test_no_secret_of_any_provider_is_shown_wherever_it_was_put(
    call: Call, business: Tenant, client: Client, where: str
) -> None:
    assert "smtp" in registry.EMAIL
    client.force_login(User.objects.get(email="owner@oak.example"))
    with acting_for(business.pk):
        rows = [
            connecting.connect(business, kind=kind, provider=code, label=f"{code} {name}", now=factories.NOW, actor="a",
                               **{where if where == "credentials" else "options": {name: PASSWORD}})  # type: ignore[arg-type]
            for kind, code, name in SECRETS
        ]  # fmt: skip
    shown = [call("GET").content.decode()]
    for row in rows:
        shown.append(call("GET", f"/{opaque.make('connection', business.pk, row.pk)}").content.decode())
        shown += [
            client.get(f"/console/tenants/connection/{row.pk}/{page}/").content.decode()
            for page in ("change", "set-up")
        ]

    assert len(rows) > 20
    assert all("<title>" in page or page.startswith("{") for page in shown)
    assert not [page for page in shown if PASSWORD in page]


def test_a_secret_that_stands_among_the_settings_goes_with_the_next_change(call: Call, business: Tenant) -> None:
    with acting_for(business.pk):
        row = connecting.connect(business, kind="email", provider="local", label="Ours", now=factories.NOW, actor="a")
        Connection.objects.for_tenant(business).filter(pk=row.pk).update(
            kind="sms", provider="gateway", settings={"url": "https://sms.example.com/", "webhook_secret": PASSWORD}
        )
    where = f"/{opaque.make('connection', business.pk, row.pk)}"

    assert call("PATCH", where, {"limits": {"per_day": 9}}).status_code == 202
    with acting_for(business.pk):
        _, options = rotating.latest(row_of(business, "Ours"))
    assert options == {"url": "https://sms.example.com/", "per_day": 9}


def test_a_connection_is_given_to_one_brand_and_back(call: Call, business: Tenant) -> None:
    with acting_for(business.pk):
        Brand.objects.create(tenant=business, code="other", name="Other", is_default=False)
    where = made(call, LOCAL)

    assert call("PATCH", where, {"brand": "other"}).json()["brand"] == "other"
    back = call("PATCH", where, {"brand": None})

    assert (back.status_code, back.json()["brand"]) == (200, None)
