"""The team, keys, connections and modules from the console: who may, and what never comes out."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants.access.models import ApiKey, Membership, User
from tenants.accounts.models import Brand, Tenant
from tenants.activation.models import ModuleActivation
from tenants.connections import rotating
from tenants.connections.connecting import credentials_of
from tenants.connections.models import Connection
from tenants.journal.models import AuditEntry
from tests.console.conftest import Business
from tests.console.walking import address, deed, row_now
from tests.factories import NOW
from winback.providers.email.smtp import SmtpProvider
from winback.providers.handing import ProbeResult
from winback.tenancy import acting_for

Browse = Callable[[User], Client]
MODULE = "/console/catalog/module/dormant_customer_reactivation"


def test_a_key_is_shown_once_and_revoked_for_good(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])

    shown = client.post(
        "/console/tenants/apikey/add/", {"name": "Website", "scopes": ["results:read"]}
    ).content.decode()
    text = re.search(r"wb_\w+_\w+_[\w-]{43}", shown)
    assert text is not None
    with acting_for(ours.tenant.pk):
        key = ApiKey.objects.for_tenant(ours.tenant).get(name="Website")
    assert text.group() not in client.get(address(ApiKey, "change", key.pk)).content.decode()

    client.post(deed(key, "revoke"))
    with acting_for(ours.tenant.pk):
        assert ApiKey.objects.get(pk=key.pk).revoked_at is None  # it asks first
    client.post(deed(key, "revoke"), {"confirmed": "yes"})
    with acting_for(ours.tenant.pk):
        assert ApiKey.objects.get(pk=key.pk).revoked_at is not None


def test_somebody_new_gets_a_password_once_and_can_sign_in(ours: Business, browse: Browse, client: Client) -> None:
    fields = {"email": "New@example.com", "role": "operator"}

    page = browse(ours.people["owner"]).post("/console/tenants/membership/add/", fields).content.decode()

    secret = re.search(r'class="wb-secret"[^>]*value="([^"]+)"', page)
    assert secret is not None
    signed_in = client.post(
        "/console/login/?next=/console/", {"username": "new@example.com", "password": secret.group(1)}
    )
    assert signed_in.status_code == 302
    assert client.get("/console/").status_code == 200


def test_the_last_owner_stays(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])
    with acting_for(ours.tenant.pk):
        membership = Membership.objects.for_tenant(ours.tenant).get(role="owner")

    demoted = client.post(deed(membership, "change_role"), {"role": "analyst"})
    removed = client.post(deed(membership, "remove"), {"confirmed": "yes"}, follow=True)

    assert demoted.status_code == 422
    assert "only owner" in removed.content.decode()
    with acting_for(ours.tenant.pk):
        assert Membership.objects.for_tenant(ours.tenant).filter(role="owner").count() == 1


@pytest.mark.parametrize("role", ["manager", "operator", "analyst"])
def test_nobody_but_an_owner_changes_the_team(role: str, ours: Business, browse: Browse) -> None:
    client = browse(ours.people[role])
    membership = ours.rows["membership"]

    assert client.post(deed(membership, "change_role"), {"role": "owner"}).status_code == 403
    assert (
        client.post("/console/tenants/membership/add/", {"email": "x@example.com", "role": "owner"}).status_code == 403
    )


def test_secrets_of_a_connection_go_in_and_never_come_out(
    ours: Business, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browse(ours.people["owner"])
    fields = {
        "label": "Mail",
        "host": "smtp.example.com",
        "username": "oak",
        "password": "hush hush hush",
        "security": "starttls",
    }

    client.post("/console/tenants/connection/add/?kind=email&provider=smtp", fields)
    with acting_for(ours.tenant.pk):
        connection = Connection.objects.for_tenant(ours.tenant).get(label="Mail")
    pages = [client.get(address(Connection, "change", connection.pk)), client.get(deed(connection, "set_up"))]
    refused = client.post(deed(connection, "set_up"), fields | {"host": "mail.example.com", "password": ""})
    assert (refused.status_code, "Give it anew" in refused.content.decode()) == (422, True)
    client.post(deed(connection, "set_up"), fields | {"host": "mail.example.com"})

    assert all("hush hush hush" not in page.content.decode() for page in pages)
    with acting_for(ours.tenant.pk):
        connection.refresh_from_db()
        assert connection.settings["host"] == "smtp.example.com"  # until the provider has answered to the new one
        assert b"hush" not in bytes(connection.pending)
    monkeypatch.setattr(SmtpProvider, "probe", lambda self: ProbeResult(self.told("host") == "mail.example.com", ""))
    assert rotating.try_proposed(connection, now=NOW, actor="test") == ""
    with acting_for(ours.tenant.pk):
        connection.refresh_from_db()
        assert connection.settings["host"] == "mail.example.com"
        assert credentials_of(connection)["password"] == "hush hush hush"
        audit = AuditEntry.objects.for_tenant(ours.tenant).filter(subject_kind="connection")
        assert "hush" not in str(list(audit.values_list("data", flat=True)))


def test_a_connection_that_is_switched_off_suspends_the_module_and_home_says_so(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])
    client.get("/console/")

    client.post(deed(ours.rows["connection"], "pause"))

    assert row_now(ours, "moduleactivation").state == ModuleActivation.State.SUSPENDED
    home = client.get("/console/").content.decode()
    assert "oakmark outbox is switched off" in home
    assert "has stopped" in home


def test_a_module_is_activated_by_a_form_and_says_what_is_missing(theirs: Business, browse: Browse) -> None:
    with acting_for(theirs.tenant.pk):
        ModuleActivation.objects.for_tenant(theirs.tenant).update(state="retired")
    client = browse(theirs.people["manager"])
    settings: dict[str, Any] = {
        "dormant_cohorts_months": "12, 6", "channels": ["email"], "offer": "elmmark-offer", "holdout_share": "0.1",
        "daily_enrolment_cap": "50", "frequency_cap_touches": "3", "frequency_cap_days": "7",
        "give_up_after_months": "24", "reenrol_after_days": "180", "exclude_do_not_contact": "on",
        "do_not_contact_tags": "dnc\nlegal hold",
    }  # fmt: skip

    wrong = client.post(f"{MODULE}/activate/", settings | {"holdout_share": "0.9", "channels": []})
    assert wrong.status_code == 422
    asked = client.post(f"{MODULE}/activate/", settings, follow=True).content.decode()

    with acting_for(theirs.tenant.pk):
        activation = ModuleActivation.objects.for_tenant(theirs.tenant).get()
    assert activation.settings["dormant_cohorts_months"] == [6, 12]
    assert activation.settings["do_not_contact_tags"] == ["dnc", "legal hold"]
    assert activation.settings["offer"] == "elmmark-offer"
    assert activation.state == ModuleActivation.State.DEFERRED
    assert "No jobs were imported" in asked
    assert 'href="/console/campaigns/importbatch/"' in asked


def test_an_operator_activates_nothing(ours: Business, browse: Browse) -> None:
    assert browse(ours.people["operator"]).get(f"{MODULE}/change-settings/").status_code == 403


def test_platform_staff_make_a_business_with_its_owner(ours: Business, root: User, browse: Browse) -> None:
    fields = {
        "name": "Fir Plumbing", "slug": "fir", "niche": "hvac", "plan": "starter", "country": "US",
        "timezone": "America/Chicago", "owner_email": "fir@example.com",
    }  # fmt: skip

    page = browse(root).post("/console/tenants/tenant/add/", fields).content.decode()

    assert "first password" in page
    assert Tenant.objects.get(slug="fir").name == "Fir Plumbing"
    assert browse(ours.people["owner"]).post("/console/tenants/tenant/add/", fields).status_code == 403


def test_a_manager_says_where_nobody_is_followed(ours: Business, browse: Browse) -> None:
    with acting_for(ours.tenant.pk):
        brand = Brand.objects.for_tenant(ours.tenant).get()
    fields = {"name": brand.name, "code": brand.code, "colour": "#123456", "tracks_clicks": "on"}
    page = address(Brand, "change", brand.pk)
    client = browse(ours.people["manager"])

    wrong = client.post(page, fields | {"not_followed_in": "fr, Bavaria"})
    right = client.post(page, fields | {"not_followed_in": "fr, US-ca, EU, FR"})

    assert "BAVARIA is no place" in wrong.content.decode()
    assert right.status_code == 302
    with acting_for(ours.tenant.pk):
        brand.refresh_from_db()
    assert brand.not_followed_in == ["FR", "US-CA", "EU"]
