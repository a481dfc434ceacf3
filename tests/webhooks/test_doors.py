"""Webhooks from the outside: the console, the API, the command, the schedule, what Home says, and the metrics."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from campaigns.operating import attention_webhooks, metrics, webhooks
from tenants.access.keys import create_key
from tenants.access.models import IdempotentRequest
from tenants.accounts.models import Tenant
from tenants.journal.models import AuditEntry
from tenants.webhooks import endpoints, opaque, signing
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests import factories
from tests.calling import Call, caller
from tests.console import furnishing
from tests.providers.http_server import Answer, serving
from tests.webhooks.making import NOW, feed, happen, make_endpoint, only
from winback.tenancy import acting_for, acting_for_all

WANTED = {"url": "https://hooks.example.com/in", "kinds": ["customer.dormant"]}


@pytest.fixture
def call(client: Client, tenant: Tenant) -> Call:
    _, key = create_key(tenant, name="test", now=timezone.now())

    return caller(client, "/api/webhooks", key)


def test_an_endpoint_is_made_read_changed_and_removed(call: Call, tenant: Tenant) -> None:
    made = call("POST", "", WANTED)
    assert made.status_code == 201
    where = f"/{made.json()['id']}"
    assert "secret" not in made.content.decode()

    assert call("GET", where).json()["url"] == WANTED["url"]
    assert [one["id"] for one in call("GET").json()["endpoints"]] == [made.json()["id"]]
    changed = call("PATCH", where, {"kinds": ["message.sent"], "state": "disabled"}).json()
    assert (changed["kinds"], changed["url"], changed["state"]) == (["message.sent"], WANTED["url"], "disabled")
    assert call("PATCH", where, {"state": "active"}).json()["state"] == "active"
    assert call("DELETE", where).json() == {"done": True}
    assert call("GET", where).status_code == 404
    actions = AuditEntry.objects.for_tenant(tenant).order_by("sequence").values_list("action", flat=True)
    assert list(actions) == [
        "webhook.added", "webhook.changed", "webhook.disabled", "webhook.enabled", "webhook.removed",
    ]  # fmt: skip


def test_the_same_idempotency_key_makes_one_endpoint_and_keeps_no_secret(call: Call, tenant: Tenant) -> None:
    first, second = (call("POST", "", WANTED, **{"Idempotency-Key": "once"}) for _ in range(2))

    assert first.json() == second.json()
    assert WebhookEndpoint.objects.for_tenant(tenant).count() == 1
    assert "whsec_" not in json.dumps(list(IdempotentRequest.objects.values_list("body", flat=True)))


def test_a_program_reads_a_secret_for_an_hour_and_each_reading_is_kept(call: Call, tenant: Tenant) -> None:
    where = f"/{call('POST', '', WANTED).json()['id']}"
    endpoint = WebhookEndpoint.objects.for_tenant(tenant).get()

    assert call("GET", f"{where}/secret").json()["secret"] == signing.opened(endpoint.secrets)[0].text
    assert call("POST", f"{where}/rotate-secret", {"at_once": False}).json() == {"done": True}
    endpoint.refresh_from_db()
    new = call("GET", f"{where}/secret").json()["secret"]
    assert [new, 2] == [signing.opened(endpoint.secrets)[0].text, len(signing.opened(endpoint.secrets))]
    WebhookEndpoint.objects.for_tenant(tenant).update(secret_made_at=timezone.now() - timedelta(hours=2))
    gone = call("GET", f"{where}/secret")

    assert (gone.status_code, gone.json()["code"]) == (410, "secret_not_shown_any_more")
    assert AuditEntry.objects.for_tenant(tenant).filter(action="webhook.secret_read").count() == 2
    assert new.encode() not in bytes(endpoint.secrets)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"url": "http://example.com/"}, "url"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "url"),
        ({"url": "https://user:pw@example.com/"}, "url"),
        ({"kinds": []}, "kinds"),
        ({"kinds": ["tenant.deleted"]}, "kinds"),
    ],
    ids=str,
)
def test_what_cannot_be_an_endpoint_is_refused_with_its_field(call: Call, wanted: dict[str, Any], field: str) -> None:
    refused = call("POST", "", WANTED | wanted)

    assert (refused.status_code, refused.json()["code"]) == (422, "endpoint_invalid")
    assert refused.json()["errors"][0]["path"] == field


def test_another_tenant_s_endpoint_is_as_missing_as_a_made_up_one(client: Client, call: Call, tenant: Tenant) -> None:
    with acting_for_all_in_test():
        other = factories.make_tenant()
        theirs = make_endpoint(other)
        delivery = endpoints.send_test(theirs, now=NOW, actor="test")
        secret_of_theirs = opaque.make("endpoint", other.pk, theirs.pk)
        as_ours = opaque.make("endpoint", tenant.pk, theirs.pk)
        their_delivery = opaque.make("delivery", other.pk, delivery.pk)
    answers = [
        call(method, f"/{identity}{rest}", body)
        for identity in (secret_of_theirs, as_ours, "hook_" + "a" * 26, "1", "..%2f")
        for method, rest, body in (
            ("GET", "", None), ("GET", "/secret", None), ("PATCH", "", {"state": "disabled"}), ("DELETE", "", None),
            ("POST", "/test", None), ("POST", "/rotate-secret", {}), ("GET", "/deliveries", None),
            ("POST", f"/deliveries/{their_delivery}/replay", None),
        )
    ]  # fmt: skip

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    with acting_for_all_in_test():
        assert WebhookEndpoint.objects.get(pk=theirs.pk).state == "active"


def acting_for_all_in_test() -> Any:
    """Another tenant's rows are made from outside the test's own scope."""
    import contextlib  # noqa: PLC0415

    from winback import tenancy  # noqa: PLC0415

    @contextlib.contextmanager
    def outside() -> Any:
        scope = tenancy._current.set(None)
        try:
            with acting_for_all("test set-up"):
                yield
        finally:
            tenancy._current.reset(scope)
            current = tenancy.current_scope()
            if current is not None:
                tenancy._apply(current)

    return outside()


def test_a_key_without_the_scope_may_do_nothing_here(call: Call, tenant: Tenant) -> None:
    _, narrow = create_key(tenant, name="narrow", now=timezone.now(), scopes=["results:read"])

    assert call("GET", "", key=narrow).json()["code"] == "scope_missing"
    assert call("GET", "/kinds", key=narrow).status_code == 403
    assert call("POST", "", WANTED, key=narrow).status_code == 403


def test_deliveries_are_listed_and_sent_again(call: Call, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    where = f"/{opaque.make('endpoint', tenant.pk, endpoint.pk)}"
    happen(tenant)
    feed(tenant)
    WebhookDelivery.objects.for_tenant(tenant).update(state="given_up", status=500, excerpt="oh no", settled_at=NOW)
    assert call("POST", f"{where}/test").status_code == 202

    shown = call("GET", f"{where}/deliveries?state=given_up").json()["deliveries"]
    assert [(one["kind"], one["status"], one["excerpt"]) for one in shown] == [("customer.dormant", 500, "oh no")]
    again = call("POST", f"{where}/deliveries/{shown[0]['id']}/replay")
    assert (again.status_code, again.json()) == (202, {"done": True})
    assert set(WebhookDelivery.objects.for_tenant(tenant).values_list("state", flat=True)) == {"waiting"}
    period = {"since": "2026-09-01T00:00:00Z", "until": "2026-10-01T00:00:00Z"}
    assert call("POST", f"{where}/replay", period).json() == {"again": 1, "missed": 0}
    assert call("POST", f"{where}/replay", {**period, "until": "2026-08-01T00:00:00Z"}).status_code == 422
    assert call("GET", "/kinds").json()["kinds"][0]["kind"] == "customer.dormant"


@pytest.fixture
def owner(client: Client, tenant: Tenant) -> Client:
    client.force_login(furnishing.member(tenant, "owner"))
    return client


def test_an_owner_adds_an_endpoint_and_sees_its_secret_once(owner: Client, tenant: Tenant) -> None:
    shown = owner.post("/console/tenants/webhookendpoint/add/", WANTED | {"description": "CRM"}).content.decode()

    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", shown)
    endpoint = WebhookEndpoint.objects.for_tenant(tenant).get()
    page = owner.get(f"/console/tenants/webhookendpoint/{endpoint.pk}/change/").content.decode()
    assert secret is not None
    assert secret.group() == signing.opened(endpoint.secrets)[0].text
    assert "whsec_" not in page
    assert "Send a test" in page
    owner.post(
        f"/console/tenants/webhookendpoint/{endpoint.pk}/set-up/", WANTED | {"description": "ERP", "personal": "on"}
    )
    endpoint.refresh_from_db()
    assert (endpoint.description, endpoint.personal) == ("ERP", True)
    replaced = owner.post(f"/console/tenants/webhookendpoint/{endpoint.pk}/rotate/", {"at_once": "on"})
    endpoint.refresh_from_db()
    assert signing.opened(endpoint.secrets)[0].text in replaced.content.decode().replace("&#x2B;", "+")
    assert len(signing.opened(endpoint.secrets)) == 1


def test_the_console_says_what_is_wrong_with_a_url(owner: Client, tenant: Tenant) -> None:
    refused = owner.post("/console/tenants/webhookendpoint/add/", WANTED | {"url": "https://10.0.0.1/"})

    assert refused.status_code == 422
    assert "not on the public internet" in refused.content.decode()
    assert not WebhookEndpoint.objects.for_tenant(tenant).exists()


def test_an_owner_tests_switches_off_replays_and_removes(owner: Client, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    page = f"/console/tenants/webhookendpoint/{endpoint.pk}"

    owner.post(f"{page}/send-test/")
    delivery = only(tenant)
    assert delivery.kind == "webhook.test"
    WebhookDelivery.objects.for_tenant(tenant).update(state="given_up", settled_at=NOW)
    owner.post(f"/console/tenants/webhookdelivery/{delivery.pk}/send-again/")
    assert only(tenant).state == "waiting"
    owner.post(f"{page}/disable/")
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.disabled_reason) == ("disabled", "person")
    happen(tenant)
    owner.post(f"{page}/enable/")
    owner.post(f"{page}/replay/", {"since": "2026-09-01T00:00", "until": "2026-10-05T00:00"})
    assert WebhookDelivery.objects.for_tenant(tenant).filter(kind="customer.dormant").count() == 1
    owner.post(f"{page}/remove/", {"confirmed": "yes"})
    assert not WebhookEndpoint.objects.for_tenant(tenant).exists()


@pytest.mark.parametrize("role", ["manager", "operator", "analyst"])
def test_nobody_else_sees_where_a_business_is_told(client: Client, tenant: Tenant, role: str) -> None:
    endpoint = make_endpoint(tenant)
    client.force_login(furnishing.member(tenant, role))

    for page in ("", "add/", f"{endpoint.pk}/change/", f"{endpoint.pk}/rotate/"):
        assert client.get(f"/console/tenants/webhookendpoint/{page}").status_code == 403
    assert client.get("/console/tenants/webhookdelivery/").status_code == 403


def test_the_command_tells_what_has_happened(tenant: Tenant, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.WINBACK_ALLOW_PRIVATE_ADDRESSES = True
    with serving(lambda _: Answer()) as server:
        make_endpoint(tenant, server.url)
        happen(tenant, now=timezone.now())
        call_command("deliver_webhooks", tenant=tenant.slug, json=True)
        told = json.loads(capsys.readouterr().out)
        call_command("deliver_webhooks", tenant=tenant.slug, json=True)

    assert told == {"queued": 1, "arrived": 1, "failed": 0, "given_up": 0, "put_off": 0}
    assert len(server.requests) == 1


def test_only_active_tenants_with_an_endpoint_in_use_are_worked_for(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    make_endpoint(ours)
    make_endpoint(theirs)
    Tenant.objects.filter(pk=theirs.pk).update(state="suspended")

    assert webhooks.tenants_told() == [ours.pk]


def test_home_says_which_webhook_is_in_trouble(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, description="CRM")
    rows = WebhookEndpoint.objects.for_tenant(tenant)
    assert list(attention_webhooks.webhooks(tenant, NOW)) == []

    rows.update(failing_since=NOW - timedelta(hours=2))
    assert [item.title for item in attention_webhooks.webhooks(tenant, NOW)] == ["The webhook to CRM does not arrive"]
    endpoints.disable(endpoint, reason="gone", now=NOW, actor="winback")
    (item,) = attention_webhooks.webhooks(tenant, NOW)
    assert (item.severity, "410" in item.why) == ("broken", True)
    rows.update(state="disabled", disabled_reason="person", failing_since=None)
    happen(tenant)
    assert list(attention_webhooks.webhooks(tenant, NOW)) == []
    endpoints.enable(endpoint, now=NOW, actor="test")
    endpoints.send_test(endpoint, now=NOW, actor="test")
    WebhookDelivery.objects.for_tenant(tenant).update(state="given_up", settled_at=NOW)
    assert "did not arrive" in next(iter(attention_webhooks.webhooks(tenant, NOW))).title


def test_the_metrics_count_what_waits(db: None) -> None:
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant()
    with acting_for(tenant.pk):
        endpoint = make_endpoint(tenant)
        endpoints.send_test(endpoint, now=NOW, actor="test")

    text = metrics.text(now=NOW + timedelta(minutes=2))

    assert "winback_webhook_endpoints 1" in text
    assert "winback_webhooks_due 1" in text
    assert "winback_webhooks_oldest_seconds 120" in text
