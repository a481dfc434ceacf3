"""Consent that is dated ahead: an error by the clock, kept for its day in a replay, and no way around a no."""

from datetime import timedelta
from pathlib import Path

import pytest

from campaigns.audience.consent import NotRecorded, report_consent
from campaigns.audience.models import Consent, Contact
from tenants.accounts.models import Tenant
from tests import factories
from tests.audience.importing import rejects, run, written
from tests.audience.stating import HEADER, LATER, TODAY, TOMORROW, state, take

BOTH = "external_id,email_consent,email_consent_at,sms_consent,sms_consent_at,sms_consent_text\n"


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        (f"yes,{TOMORROW},,,", "email_consent_at"),
        (f"yes,{TODAY},yes,{TOMORROW},I agree", "sms_consent_at"),
        ("yes,2062-09-30T08:00Z,,,", "email_consent_at"),
    ],
)
def test_a_yes_of_a_day_to_come_is_refused_with_its_reason(
    tenant: Tenant, tmp_path: Path, cells: str, column: str
) -> None:
    answer = run("contacts", tenant, written(tmp_path, f"{BOTH}c1,{cells}\nc2,yes,{TODAY},yes,{TODAY},I agree\n"))

    (refused,) = rejects(answer)
    assert (refused["line"], refused["external_id"]) == ("2", "c1")
    assert refused["reason"].startswith(f"{column}: '20")
    assert "lies in the future, so nobody has said yes yet" in refused["reason"]
    kept = Consent.objects.for_tenant(tenant).values_list("contact__external_id", "channel", "state")
    assert sorted(kept) == [("c2", "email", "given"), ("c2", "sms", "given")]


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_a_no_of_a_day_to_come_is_heeded_at_once(tenant: Tenant, tmp_path: Path, channel: str) -> None:
    cells = {"email": f"no,{TOMORROW},,,", "sms": f",,no,{TOMORROW},"}
    run("contacts", tenant, written(tmp_path, f"{BOTH}c1,{cells[channel]}\n"))

    fact = Consent.objects.for_tenant(tenant).get()
    assert (fact.channel, fact.state, fact.stated_at) == (channel, "withdrawn", None)
    run("contacts", tenant, written(tmp_path, f"{BOTH}c1,{cells[channel]}\n"))
    assert Consent.objects.for_tenant(tenant).count() == 1


@pytest.mark.parametrize("rows", [[f"yes,{TOMORROW},web form"], [f"no,{TODAY},", f"yes,{TOMORROW},web form"]])
def test_a_replay_keeps_a_yes_that_was_said_since_and_it_holds_from_its_own_moment_on(
    tenant: Tenant, tmp_path: Path, rows: list[str]
) -> None:
    for row in (*rows, rows[-1]):
        answer = run("contacts", tenant, written(tmp_path, f"{HEADER}c1,{row}\n"), clock=LATER + timedelta(days=30))

    assert (answer["rejected"], answer["unchanged"], answer["consents_to_come"]) == (0, 1, 1)
    assert Consent.objects.for_tenant(tenant).count() == len(rows)
    assert state(tenant, now=LATER - timedelta(hours=1)) == ("withdrawn" if len(rows) == 2 else None)
    assert state(tenant, now=LATER) == "given"


def test_a_no_before_a_yes_to_come_holds_after_it_too(tenant: Tenant, tmp_path: Path) -> None:
    """Which of them was said last only the person knows: a replay is no way around a no."""
    run("contacts", tenant, written(tmp_path, f"{HEADER}c1,yes,{TOMORROW},\n"), clock=LATER)

    take(tenant, tmp_path, f"no,{TODAY},")

    assert state(tenant, now=LATER) == "withdrawn"


def test_a_yes_to_come_turns_nothing_on_again_after_a_no_of_a_later_day(tenant: Tenant, tmp_path: Path) -> None:
    clock = LATER + timedelta(days=30)
    run("contacts", tenant, written(tmp_path, f"{HEADER}c1,no,2026-10-20,\n"), clock=clock)

    run("contacts", tenant, written(tmp_path, f"{HEADER}c1,yes,{TOMORROW},web form\n"), clock=clock)

    assert state(tenant, now=clock) == "withdrawn"


def test_a_replay_takes_no_yes_that_the_clock_has_not_reached(tenant: Tenant, tmp_path: Path) -> None:
    file = written(tmp_path, f"{HEADER}c1,yes,2026-10-03,\n")

    answer = run("contacts", tenant, file, clock=LATER)

    assert "lies in the future" in rejects(answer)[0]["reason"]


def test_a_yes_to_come_is_no_answer_to_a_no_that_was_reported(tenant: Tenant, tmp_path: Path) -> None:
    for row in (f"no,{TODAY},", f"yes,{TOMORROW},web form"):
        run("contacts", tenant, written(tmp_path, f"{HEADER}c1,{row}\n"), clock=LATER)
    contact = Contact.objects.for_tenant(tenant).get(external_id="c1")

    with pytest.raises(NotRecorded, match="They said no after that"):
        report_consent(
            contact, "email", "given", purpose="marketing", stated_at=factories.NOW - timedelta(days=1), source="form",
            wording="I agree", evidence={}, now=factories.NOW, actor="test",
        )  # fmt: skip


def test_what_is_a_day_to_come_is_asked_of_the_tenants_own_clock(tenant: Tenant, tmp_path: Path) -> None:
    evening = factories.NOW + timedelta(hours=10)  # 22:00 in Chicago, the first of October elsewhere

    take(tenant, tmp_path, f"yes,{TODAY}T23:30,", now=evening)
    take(tenant, tmp_path, f"no,{TODAY}T23:45,", now=evening)

    assert [fact.stated_at is not None for fact in Consent.objects.for_tenant(tenant)] == [True, True]
