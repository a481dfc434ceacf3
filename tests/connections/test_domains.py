"""A business's sending domain: looked up, kept with its date, and what that means for its e-mail."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from campaigns.planning import campaigning
from tenants.accounts.models import Brand, Tenant
from tenants.connections import domain_evidence, domains, probing
from tenants.connections.connecting import connect
from tenants.connections.models import SendingDomain
from tests import factories
from tests.providers.domains.dns_server import Running, serving
from winback.providers.email.smtp import SmtpProvider
from winback.providers.handing import ProbeResult
from winback.tenancy import acting_for

SIGNED = Path(__file__).parents[1] / "providers" / "domains" / "signed"
OAK = "oak.example.com"


@pytest.fixture
def server(settings: Any) -> Iterator[Running]:
    zone = {
        OAK: {"TXT": ["v=spf1 mx -all"], "MX": [f"10 mx.{OAK}"]},
        f"s1._domainkey.{OAK}": {"TXT": [(SIGNED / "key.txt").read_text().strip()]},
        f"_dmarc.{OAK}": {"TXT": ["v=DMARC1; p=none; rua=mailto:d@oak.example.com"]},
    }
    with serving(zone) as running:
        settings.WINBACK_DNS_SERVERS = [running.address]
        yield running


@pytest.fixture
def shop(tenant: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """No sandbox, sends from its own domain by SMTP."""
    tenant.sandbox = False
    tenant.save()
    Brand.objects.for_tenant(tenant).update(sender_email=f"hello@{OAK}")
    monkeypatch.setattr(SmtpProvider, "probe", lambda self: ProbeResult(True, "It answers."))
    connect(tenant, kind="email", provider="smtp", options={"host": "mail.example.com"}, now=now, actor="a")
    return tenant


def email(shop: Tenant, now: datetime) -> tuple[str, str]:
    finding = probing.refresh(shop, ["email"], now=now)["email"]
    return finding.state, finding.code


def test_a_domain_in_order_changes_nothing(shop: Tenant, server: Running, now: datetime) -> None:
    (looked,) = domains.look_up(shop, now=now)

    assert (looked.row.state, looked.row.checked_at) == ("ready", now)
    assert email(shop, now) == ("ready", "")


def test_a_missing_record_degrades_and_stops_a_bulk_sender(shop: Tenant, server: Running, now: datetime) -> None:
    del server.names.zone[f"_dmarc.{OAK}"]
    domains.look_up(shop, now=now)
    assert email(shop, now) == ("degraded", "domain_not_ready")

    SendingDomain.objects.for_tenant(shop).update(busiest_day=5_000)
    assert email(shop, now) == ("missing", "domain_not_ready")


def test_every_brand_from_which_a_running_campaign_sends_counts(shop: Tenant, server: Running, now: datetime) -> None:
    for code in ("elm", "ash"):
        Brand.objects.create(tenant=shop, code=code, name=code, sender_email=f"a@{code}.example.com", is_default=False)
    domains.look_up(shop, now=now)
    assert email(shop, now) == ("ready", "")
    campaign = factories.make_campaign(shop, state="draft", brand=Brand.objects.for_tenant(shop).get(code="elm"))

    campaigning.launch(campaign, now=now, actor="test")
    assert email(shop, now) == ("degraded", "domain_not_ready")
    judged = domain_evidence.judge(shop, now=now)
    assert judged is not None
    assert judged.domain == "elm.example.com"

    campaigning.pause(campaign, reason="by hand", now=now, actor="test")
    assert email(shop, now) == ("ready", "")


def test_a_dns_that_gives_no_answer_leaves_what_was_known(shop: Tenant, server: Running, now: datetime) -> None:
    domains.look_up(shop, now=now)
    server.names.broken.add(OAK)

    (looked,) = domains.look_up(shop, now=now + timedelta(days=1))

    assert looked.undecided
    assert (looked.row.state, looked.row.checked_at) == ("ready", now)


def test_evidence_of_last_week_says_nothing(shop: Tenant, server: Running, now: datetime) -> None:
    del server.names.zone[f"_dmarc.{OAK}"]
    domains.look_up(shop, now=now)

    assert domain_evidence.judge(shop, now=now + timedelta(days=8)) is None


def test_it_is_looked_up_once_a_day(shop: Tenant, server: Running, now: datetime) -> None:
    assert len(domains.look_up_daily(shop, now=now)) == 1
    assert domains.look_up_daily(shop, now=now + timedelta(hours=22)) == []
    assert len(domains.look_up_daily(shop, now=now + timedelta(hours=24))) == 1


def test_a_sandbox_and_a_tenant_without_a_provider_are_not_looked_at(
    tenant: Tenant, server: Running, now: datetime
) -> None:
    assert domains.look_up(tenant, now=now) == []
    assert server.names.asked == []


def test_the_command_says_what_to_add(shop: Tenant, server: Running, now: datetime) -> None:
    server.names.zone[OAK]["TXT"] = []
    out = StringIO()

    call_command("check_domain", tenant=shop.slug, json=True, stdout=out)

    found = json.loads(out.getvalue())["domains"][OAK]
    assert found["state"] == "degraded"
    assert found["findings"][0]["record"]["value"] == "v=spf1 mx ~all"


def test_a_message_that_is_brought_tells_the_selector_and_is_kept_with_its_date(
    shop: Tenant, server: Running, now: datetime
) -> None:
    out = StringIO()
    file = str(SIGNED / "one-click-unsigned.eml")

    call_command("check_message", file, tenant=shop.slug, json=True, as_of=now.isoformat(), stdout=out)

    row = SendingDomain.objects.for_tenant(shop).get(domain=OAK)
    assert "message_one_click_unsigned" in json.loads(out.getvalue())["findings"]
    assert (row.dkim_selectors, row.message_state, row.message_checked_at) == (["s1"], "degraded", now)
    assert email(shop, now) == ("degraded", "domain_not_ready")


def test_a_message_of_somebody_else_is_refused(shop: Tenant, server: Running) -> None:
    with pytest.raises(CommandError, match=r"football\.example\.com"):
        call_command("check_message", str(SIGNED / "rfc8463.eml"), tenant=shop.slug)


def test_one_tenants_domains_are_not_anothers(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    mine, theirs = two_tenants
    with acting_for(theirs.pk):
        domains.ensure(theirs, OAK, now=now)

    with acting_for(mine.pk):
        assert not SendingDomain.objects.for_tenant(mine).exists()
