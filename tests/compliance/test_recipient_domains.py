"""Domains without mail, throw-away addresses and those of machines: found ahead of the first mail, and left out."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience.consent import record_consent
from campaigns.audience.models import Contact
from campaigns.compliance import recipient_domains
from campaigns.compliance.models import RecipientDomain
from campaigns.compliance.recipient_domains import Answer, answer_of, look_up
from campaigns.delivery.sending import send_due
from campaigns.operating import jobs
from campaigns.operating.explaining import explain
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect
from tests import factories
from tests.delivery.making import DAY, make_due, make_sender
from tests.providers.domains.dns_server import Running, serving
from winback.providers.domains.lookup import Lookup
from winback.providers.email.smtp import SmtpProvider
from winback.providers.handing import ProbeResult

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW
ZONE = {
    "good.example.net": {"MX": ["10 mx.good.example.net"]},
    "bare.example.net": {"A": ["192.0.2.1"]},
    "null.example.net": {"MX": ["0 ."]},
    "web.example.net": {"TXT": ["nothing here"]},
}


@pytest.fixture
def server(settings: Any) -> Iterator[Running]:
    with serving(ZONE) as running:
        running.names.broken.add("broken.example.net")
        settings.WINBACK_DNS_SERVERS = [running.address]
        yield running


@pytest.fixture
def live(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """A business that reaches people by SMTP."""
    tenant.sandbox = False
    tenant.save()
    monkeypatch.setattr(SmtpProvider, "probe", lambda self: ProbeResult(True, "It answers."))
    connect(tenant, kind="email", provider="smtp", options={"host": "mail.example.com"}, now=NOW, actor="test")
    return tenant


def dormant(tenant: Tenant, email: str, *, days: int = 200) -> Contact:
    contact = factories.make_contact(tenant, email=email)
    factories.make_episode(contact, lapsed_from=NOW - days * DAY, opened_at=NOW - DAY)
    return contact


@pytest.mark.parametrize(
    ("domain", "answer"),
    [
        ("good.example.net", (True, "")),
        ("bare.example.net", (True, "")),
        ("null.example.net", (False, "null_mx")),
        ("web.example.net", (False, "no_server")),
        ("nowhere.example.org", (False, "no_such_domain")),
        ("broken.example.net", (None, "")),
        ("x" * 70 + ".example.net", (False, "no_such_domain")),
    ],
)
def test_what_the_dns_says_of_a_domain(server: Running, domain: str, answer: tuple[bool | None, str]) -> None:
    assert answer_of(domain, Lookup([server.address])) == Answer(domain, *answer)


def test_each_domain_of_the_dormant_is_asked_about_once_and_kept_with_its_date(live: Tenant, server: Running) -> None:
    for name in ("ann@good.example.net", "bob@good.example.net", "cat@nowhere.example.org", "dan@broken.example.net"):
        dormant(live, name)
    factories.make_contact(live, email="active@web.example.net")  # no lapse: nobody is going to write there

    counts = look_up(live, now=NOW)

    assert counts == {"asked": 3, "refusing": 1, "undecided": 1}
    kept = RecipientDomain.objects.for_tenant(live).order_by("domain")
    assert list(kept.values_list("domain", "takes_mail", "why", "checked_at")) == [
        ("broken.example.net", None, "", None),
        ("good.example.net", True, "", NOW),
        ("nowhere.example.org", False, "no_such_domain", NOW),
    ]
    asked = len(server.names.asked)
    assert look_up(live, now=NOW + timedelta(hours=1))["asked"] == 0
    assert len(server.names.asked) == asked


@pytest.mark.parametrize(
    ("days", "again"), [(6, ["broken"]), (8, ["broken", "null"]), (31, ["broken", "good", "null"])]
)
def test_what_was_kept_is_asked_again_in_time(live: Tenant, server: Running, days: int, again: list[str]) -> None:
    for name in ("good", "null", "broken"):
        dormant(live, f"ann@{name}.example.net")
    look_up(live, now=NOW)
    before = set(RecipientDomain.objects.for_tenant(live).filter(asked_at__gt=NOW).values_list("domain", flat=True))

    look_up(live, now=NOW + days * DAY)

    asked = RecipientDomain.objects.for_tenant(live).filter(asked_at__gt=NOW).order_by("domain")
    assert before == set()
    assert [row.domain.partition(".")[0] for row in asked] == again


def test_no_answer_leaves_what_was_known(live: Tenant, server: Running) -> None:
    dormant(live, "ann@null.example.net")
    look_up(live, now=NOW)
    server.names.broken.add("null.example.net")

    look_up(live, now=NOW + 8 * DAY)

    row = RecipientDomain.objects.for_tenant(live).get()
    assert (row.takes_mail, row.why, row.checked_at, row.asked_at) == (False, "null_mx", NOW, NOW + 8 * DAY)


def test_those_who_are_enrolled_first_are_asked_about_first(
    live: Tenant, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipient_domains, "MOST", 1)
    dormant(live, "ann@good.example.net", days=300)
    dormant(live, "bob@null.example.net", days=190)

    assert [look_up(live, now=NOW)["refusing"] for _ in range(3)] == [1, 0, 0]
    assert RecipientDomain.objects.for_tenant(live).count() == 2


def test_a_sandbox_and_a_business_without_a_provider_ask_nobody(tenant: Tenant, server: Running) -> None:
    dormant(tenant, "ann@good.example.net")
    assert look_up(tenant, now=NOW)["asked"] == 0
    tenant.sandbox = False
    tenant.save()
    assert look_up(tenant, now=NOW)["asked"] == 0

    assert server.names.asked == []


def test_the_regular_planning_asks_ahead_and_so_does_the_command(
    live: Tenant, server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    dormant(live, "ann@null.example.net")
    order: list[str] = []
    asks = recipient_domains.look_up

    def noted(tenant: Tenant, *, now: datetime) -> dict[str, int]:
        order.append("asked")
        return asks(tenant, now=now)

    monkeypatch.setattr("campaigns.operating.jobs.recipient_domains.look_up", noted)
    monkeypatch.setattr("campaigns.operating.jobs.planning.plan", lambda tenant, now: order.append("planned"))
    jobs._plan(live, NOW)
    assert order == ["asked", "planned"]

    dormant(live, "bob@nowhere.example.org")
    out = StringIO()
    call_command("check_recipient_domains", tenant=live.slug, as_of=NOW.isoformat(), json=True, stdout=out)
    assert json.loads(out.getvalue()) == {"asked": 1, "refusing": 1, "undecided": 0}


def test_to_a_domain_without_mail_nothing_leaves_and_the_message_says_why(tenant: Tenant) -> None:
    campaign = make_sender(tenant)
    dead, alive, unknown = (make_due(campaign, email=f"ann@{name}.example.net") for name in ("null", "good", "broken"))
    for domain, takes, why in (("null", False, "null_mx"), ("good", True, ""), ("broken", None, "")):
        RecipientDomain.objects.create(
            tenant=tenant, domain=f"{domain}.example.net", takes_mail=takes, why=why, checked_at=NOW - DAY, asked_at=NOW
        )

    send_due(tenant, now=NOW)

    for message in (dead, alive, unknown):
        message.refresh_from_db()
    assert (dead.state, dead.reason) == ("blocked", "domain_takes_no_mail")
    (verdict,) = [each for each in dead.verdicts if each["guard"] == "recipient_domain"]
    assert verdict["facts"]["why"] == "null_mx"
    assert datetime.fromisoformat(verdict["facts"]["checked_at"]) == NOW - DAY
    assert (alive.state, unknown.state) == ("handed_over", "handed_over")


def test_what_another_business_knows_of_a_domain_is_not_known_here(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    RecipientDomain.objects.create(
        tenant=theirs, domain="good.example.net", takes_mail=False, why="null_mx", checked_at=NOW, asked_at=NOW
    )

    assert email_reasons(factories.make_contact(ours, email="ann@good.example.net")) == []


def email_reasons(contact: Contact) -> list[str]:
    told = explain(contact.tenant, contact, now=NOW)["writable"]["email"]
    found: list[str] = told["reasons"]
    return found


@pytest.mark.parametrize(
    ("email", "reasons"),
    [
        ("noreply@example.com", ["role_address"]),
        ("PostMaster@Example.com", ["role_address"]),
        ("info@example.com", []),
        ("ann@mailinator.com", ["disposable_address"]),
        ("postmaster@mailinator.com", ["disposable_address"]),
        ("ann@notmailinator.com", []),
        ("notnoreply@example.com", []),
    ],
)
def test_what_no_person_reads_is_left_out(tenant: Tenant, email: str, reasons: list[str]) -> None:
    contact = factories.make_contact(tenant, email=email)

    assert email_reasons(contact) == reasons
    verdicts = explain(tenant, contact, now=NOW)["writable"]["email"]["verdicts"]
    (facts,) = [each["facts"] for each in verdicts if each["guard"] == "address_kind"]
    assert facts == ({"lists": {"role_accounts": 1, "disposable_domains": 1}} if reasons else {})


def test_whoever_agreed_to_mail_at_an_office_gets_it_there(tenant: Tenant) -> None:
    contact = factories.make_contact(tenant, email="support@example.com")
    assert email_reasons(contact) == ["role_address"]

    record_consent(contact, "email", "given", stated_at=NOW, source="form", wording="Yes.", now=NOW, actor="test")

    assert email_reasons(contact) == []


@given(local=st.sampled_from(["noreply", "ann"]), domain=st.sampled_from(["mailinator.com", "example.com"]))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_text_does_not_ask_what_the_e_mail_address_is(tenant: Tenant, local: str, domain: str) -> None:
    contact = factories.make_contact(tenant, email=f"{local}@{domain}")

    reasons = explain(tenant, contact, now=NOW)["writable"]["sms"]["reasons"]

    assert reasons == ["no_phone", "no_sms_consent"]
