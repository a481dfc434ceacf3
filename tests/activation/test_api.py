"""The developer API over HTTP: keys, the catalog, activation, problem documents, idempotency."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants.access import idempotency
from tenants.access.keys import create_key
from tenants.access.models import ApiKey, IdempotentRequest
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tenants.connections.connecting import connect
from tenants.connections.evidence import note_data

CODE = "dormant_customer_reactivation"
MODULES = "/api/catalog/modules"
ACTIVATE = "/api/tenants/activate-module"
Call = Callable[..., Any]


@pytest.fixture
def key(tenant: Tenant, catalog: None) -> str:
    return create_key(tenant, name="test", now=timezone.now())[1]


@pytest.fixture
def get(client: Client, key: str) -> Call:
    def call(address: str, **headers: str) -> Any:
        return client.get(address, headers={"Authorization": f"Bearer {key}", **headers})

    return call


@pytest.fixture
def post(client: Client, key: str) -> Call:
    def call(body: Any, address: str = ACTIVATE, **headers: str) -> Any:
        return client.post(
            address,
            body if isinstance(body, str) else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}", **headers},
        )

    return call


@pytest.fixture
def complete(tenant: Tenant) -> Tenant:
    """The tenant lacks nothing."""
    now = timezone.now()
    for kind in ("email", "sms"):
        connect(tenant, kind=kind, provider="local", now=now, actor="test")
    note_data(tenant, "contacts", rows=5, newest_at=None, now=now)
    note_data(tenant, "jobs", rows=5, newest_at=now, now=now)
    return tenant


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["detail"]
    return body


def test_the_module_is_its_whole_record(get: Call) -> None:
    record = get(f"{MODULES}?code={CODE}").json()

    assert record["code"] == CODE
    assert record["trigger"] == "customer.dormant"
    assert record["status"] == "guided"
    assert record["required_capabilities"] == ["crm", "email", "sms"]
    assert record["guards"] == ["email_footer", "can_spam", "sms_opt_out"]
    assert [action["code"] for action in record["actions"]] == [
        "send_email",
        "send_sms",
        "offer_booking_link",
        "tag_contact",
    ]
    assert record["settings"]["properties"]["dormant_cohorts_months"]["default"] == [6, 9, 12]
    assert len(record["recommended_niches"]) == 6
    assert len(record["checksum"]) == 64


def test_without_a_code_the_modules_are_listed_and_can_be_narrowed_to_a_niche(get: Call) -> None:
    assert [module["code"] for module in get(MODULES).json()["modules"]] == [CODE]
    assert len(get(f"{MODULES}?niche=hvac").json()["modules"]) == 1
    assert get(f"{MODULES}?niche=e-commerce").json()["modules"] == []


def test_an_unknown_module_is_a_typed_404(get: Call) -> None:
    assert_problem(get(f"{MODULES}?code=nothing"), 404, "module_not_found")


def test_an_etag_answers_304_while_nothing_changed(get: Call) -> None:
    tag = get(f"{MODULES}?code={CODE}")["ETag"]

    assert get(f"{MODULES}?code={CODE}", **{"If-None-Match": tag}).status_code == 304
    assert get(f"{MODULES}?code={CODE}", **{"If-None-Match": f"W/{tag}"}).status_code == 304
    assert get(f"{MODULES}?code={CODE}", **{"If-None-Match": '"other"'}).status_code == 200


def test_a_complete_tenant_is_activated(post: Call, complete: Tenant) -> None:
    response = post({"module_code": CODE, "settings": {"dormant_cohorts_months": [9, 6]}})

    assert response.status_code == 200
    body = response.json()
    assert body["state"] == "activated"
    assert body["activation_id"] == ModuleActivation.objects.for_tenant(complete).get().pk
    assert body["module_code"] == CODE
    assert body["settings"]["dormant_cohorts_months"] == [6, 9]
    assert set(body["requirements"]) == {"currently_due", "eventually_due", "past_due", "pending_verification"}


def test_an_incomplete_tenant_is_deferred_with_what_is_missing(post: Call, tenant: Tenant) -> None:
    response = post({"module_code": CODE})

    assert response.status_code == 202
    body = response.json()
    assert body["state"] == "deferred"
    sms = next(each for each in body["requirements"]["currently_due"] if "sms" in each["code"])
    assert sms["code"] == "capability.sms.not_connected"
    assert sms["kind"] == "capability"
    assert sms["alternatives"] == ["mode:email_only"]
    assert sms["fix"]["console"].startswith("/console/")


def test_the_same_call_twice_answers_the_same(post: Call, complete: Tenant) -> None:
    assert post({"module_code": CODE}).json() == post({"module_code": CODE}).json()


def test_wrong_settings_are_named_by_path(post: Call, tenant: Tenant) -> None:
    body = assert_problem(post({"module_code": CODE, "settings": {"holdout_share": 2}}), 422, "settings_invalid")

    assert body["errors"][0]["path"] == "settings.holdout_share"
    assert not ModuleActivation.objects.for_tenant(tenant).exists()


def test_activating_an_unknown_module_is_a_typed_404(post: Call) -> None:
    assert_problem(post({"module_code": "nothing"}), 404, "module_not_found")


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"module_code": 5}', '{"module_code": "x", "settings": []}'])
def test_a_malformed_request_is_a_typed_4xx(post: Call, body: str) -> None:
    response = post(body)

    assert response.status_code in (400, 422)
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] in ("request_invalid", "bad_request")


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer wb_1_abcdefgh_" + "a" * 43, "Basic wb", "Bearer \u00e9", "Bearer wb_1"]
)
def test_without_a_valid_key_everything_is_401(client: Client, catalog: None, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    response = client.get(MODULES, headers=headers)

    assert_problem(response, 401, "unauthorized")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_key_in_the_query_string_is_refused(client: Client, key: str) -> None:
    assert_problem(client.get(f"{MODULES}?key={key}&authorization=Bearer+{key}"), 401, "unauthorized")


def test_a_revoked_key_is_refused(get: Call, tenant: Tenant) -> None:
    ApiKey.objects.for_tenant(tenant).update(revoked_at=timezone.now())

    assert_problem(get(MODULES), 401, "unauthorized")


def test_a_key_without_the_scope_may_not_activate(client: Client, tenant: Tenant, catalog: None) -> None:
    _, text = create_key(tenant, name="reader", now=timezone.now(), scopes=["results:read"])
    answer = client.post(
        ACTIVATE,
        json.dumps({"module_code": CODE}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {text}"},
    )

    assert_problem(answer, 403, "scope_missing")
    assert client.get(MODULES, headers={"Authorization": f"Bearer {text}"}).status_code == 200


def test_a_suspended_tenant_is_refused(get: Call, tenant: Tenant) -> None:
    Tenant.objects.update(state=Tenant.State.SUSPENDED)

    assert_problem(get(MODULES), 403, "tenant_suspended")


def test_an_unknown_address_and_a_wrong_method_are_problems_too(get: Call) -> None:
    assert_problem(get("/api/nothing"), 404, "not_found")
    assert_problem(get(ACTIVATE), 405, "method_not_allowed")


def test_an_idempotency_key_answers_the_same_without_doing_it_again(post: Call, complete: Tenant) -> None:
    first = post({"module_code": CODE}, **{"Idempotency-Key": "k1"})
    note_data(complete, "jobs", rows=0, newest_at=None, now=timezone.now())

    again = post({"module_code": CODE}, **{"Idempotency-Key": "k1"})

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert post({"module_code": CODE}).status_code == 202


def test_an_answer_is_forgotten_when_nobody_asks_for_it_again(post: Call, complete: Tenant) -> None:
    post({"module_code": CODE}, **{"Idempotency-Key": "k1"})
    asked_at = IdempotentRequest.objects.for_tenant(complete).get().created_at

    assert idempotency.tidy(complete, now=asked_at + idempotency.KEPT_FOR) == 0
    assert idempotency.tidy(complete, now=asked_at + idempotency.KEPT_FOR + timedelta(seconds=1)) == 1


def test_an_idempotency_key_with_another_request_is_refused(post: Call, complete: Tenant) -> None:
    post({"module_code": CODE}, **{"Idempotency-Key": "k1"})

    answer = post({"module_code": CODE, "settings": {}}, **{"Idempotency-Key": "k1"})

    assert_problem(answer, 422, "idempotency_key_reused")


def test_a_refused_request_leaves_its_idempotency_key_free(post: Call, complete: Tenant) -> None:
    post({"module_code": "nothing"}, **{"Idempotency-Key": "k1"})

    assert not IdempotentRequest.objects.for_tenant(complete).exists()
    assert post({"module_code": CODE}, **{"Idempotency-Key": "k1"}).status_code == 200


def test_the_document_is_openapi_3_1_and_open(client: Client, db: None) -> None:
    document = client.get("/api/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    assert MODULES in document["paths"]
    assert ACTIVATE in document["paths"]
    assert document["components"]["securitySchemes"]["KeyAuth"] == {"type": "http", "scheme": "bearer"}


def test_the_pages_show_every_operation_and_load_nothing_from_elsewhere(client: Client, db: None) -> None:
    page = client.get("/api/docs").content.decode()

    assert MODULES in page
    assert ACTIVATE in page
    assert "module_code" in page
    assert "<script" not in page
    assert "style=" not in page
    assert re.findall(r"""(?:src|href|action)=["']?(?:https?:)?//|url\(""", page) == []
