"""An import never turns consent on unless its columns say so, and an older file does not turn it on again."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience.consent import NotRecorded, record_consent, report_consent
from campaigns.audience.models import Consent, Contact
from campaigns.compliance.lawful_until import CONSENT
from tenants.accounts.models import Tenant
from tests import factories
from tests.audience.importing import rejects, run, versions, written

HEADER = "external_id,email_consent,email_consent_at,email_consent_source\n"
LATER = factories.NOW + timedelta(days=1)


def state(tenant: Tenant, *, now: datetime = LATER) -> str | None:
    """What holds for c1, as the guards ask it."""
    contact = Contact.objects.for_tenant(tenant).get(external_id="c1")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT consent.state FROM (SELECT %(contact)s::bigint AS contact_id, 'email' AS channel) a {CONSENT}",
            {
                "tenant": tenant.pk,
                "contact": contact.pk,
                "now": now,
                "zone": tenant.timezone,
                "today": now.astimezone(tenant.zone).date(),
            },
        )
        row: Any = cursor.fetchone()
    return row[0] if row else None


def take(tenant: Tenant, directory: Path, *cells: str, now: datetime = factories.NOW) -> None:
    run("contacts", tenant, written(directory, HEADER + "".join(f"c1,{cell}\n" for cell in cells)), now=now)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([",,"], None),
        (["yes,,"], "given"),
        (["no,,"], "withdrawn"),
        (["yes,,", ",,"], "given"),
        (["yes,,", "no,,"], "withdrawn"),
        (["no,,", ",,"], "withdrawn"),
        # What has no date cannot be shown to be newer than a no.
        (["no,,", "yes,,"], "withdrawn"),
        (["no,2025-03-01,", "yes,,"], "withdrawn"),
        (["no,2025-03-01,", "yes,2025-03-01,"], "withdrawn"),
        (["no,2025-03-01,", "yes,2025-02-01,"], "withdrawn"),
        (["no,2025-03-01,", "yes,2025-04-01,"], "given"),
        (["no,,", "yes,2025-04-01,"], "withdrawn"),  # the no was known only at the import, which came later
        (["yes,2025-03-01,", "no,2025-02-01,"], "given"),
        (["yes,2025-03-01,", "no,,"], "withdrawn"),
        # The same file as long ago, after what came in between.
        (["yes,2025-03-01,", "no,2025-04-01,", "yes,2025-03-01,"], "withdrawn"),
        (["no,2025-03-01,", "yes,2025-04-01,", "no,2025-03-01,"], "given"),
        (["no,,", "no,2025-03-01,", "yes,2025-04-01,", "no,,"], "withdrawn"),
    ],
)
def test_file_after_file(tenant: Tenant, tmp_path: Path, files: list[str], expected: str | None) -> None:
    for cells in files:
        take(tenant, tmp_path, cells)

    assert state(tenant) == expected


def test_an_undated_no_yields_to_a_yes_that_was_said_after_it_became_known(tenant: Tenant, tmp_path: Path) -> None:
    take(tenant, tmp_path, "no,,", now=factories.NOW - timedelta(days=30))

    take(tenant, tmp_path, f"yes,{factories.NOW - timedelta(days=1):%Y-%m-%d},")

    assert state(tenant) == "given"


@pytest.mark.parametrize("said", ["yes,,", "yes,2025-03-01,", "yes,2026-09-29,"])
def test_a_file_does_not_undo_what_the_person_did_since(tenant: Tenant, tmp_path: Path, said: str) -> None:
    take(tenant, tmp_path, said)
    contact = Contact.objects.for_tenant(tenant).get(external_id="c1")
    record_consent(
        contact, "email", "withdrawn", stated_at=factories.NOW, source="unsubscribe page", now=factories.NOW,
        actor="person",
    )  # fmt: skip

    take(tenant, tmp_path, said, now=LATER)
    take(tenant, tmp_path, "yes,,another list", now=LATER)

    assert state(tenant) == "withdrawn"


def test_a_stale_no_does_not_undo_the_persons_own_yes_but_a_new_one_does(tenant: Tenant, tmp_path: Path) -> None:
    take(tenant, tmp_path, "no,,crm")
    contact = Contact.objects.for_tenant(tenant).get(external_id="c1")
    record_consent(
        contact, "email", "given", stated_at=factories.NOW, source="preferences page", now=factories.NOW, actor="person"
    )  # fmt: skip

    take(tenant, tmp_path, "no,,crm", now=LATER)
    after_the_same_file = state(tenant)
    take(tenant, tmp_path, "no,,called us", now=LATER)

    assert after_the_same_file == "given"
    assert state(tenant) == "withdrawn"


def test_a_bare_yes_does_not_replace_better_evidence(tenant: Tenant, tmp_path: Path) -> None:
    take(tenant, tmp_path, "yes,2025-03-01,web form")

    take(tenant, tmp_path, "yes,,")

    assert Consent.objects.for_tenant(tenant).get().source == "web form"


TODAY, TOMORROW = "2026-09-30", "2026-10-01"
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


fact = st.tuples(
    st.sampled_from(["yes", "no", ""]), st.sampled_from(["", "2025-01-01", "2025-02-01"]), st.sampled_from(["", "form"])
).map(",".join)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(fact, min_size=1, max_size=5))
def test_any_file_twice_in_a_row_adds_nothing_and_only_a_yes_gives(
    tenant: Tenant, tmp_path: Path, files: list[str]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE campaigns_consent")  # no row of it can be deleted
    for cells in files:
        before = state(tenant) if Contact.objects.for_tenant(tenant).exists() else None
        take(tenant, tmp_path, cells)
        after, facts = state(tenant), versions("campaigns_consent")

        take(tenant, tmp_path, cells)

        assert versions("campaigns_consent") == facts
        if after == "given" and before != "given":
            assert cells.startswith("yes")
        if cells == "no,,":
            assert after == "withdrawn"


def test_a_ground_is_kept_beside_yes_and_no_and_says_neither(tenant: Tenant, tmp_path: Path) -> None:
    file = ["soft_opt_in,2025-03-01,shop checkout", "no,2025-04-01,", "inquired,2025-05-01,web form"]
    for cell in (*file, *file):
        take(tenant, tmp_path, cell)

    rows = Consent.objects.for_tenant(tenant).order_by("id")
    assert [row.state for row in rows] == ["soft_opt_in", "withdrawn", "inquired"]
    assert rows[0].source == "shop checkout"
    assert state(tenant) == "withdrawn"


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("soft_opt_in,,", "email_consent_at: is missing, and soft_opt_in allows nothing without its day"),
        ("inquired,2031-01-01,", "lies in the future, so nobody has said inquired yet"),
        ("perhaps,2025-01-01,", "is none of yes, no, soft_opt_in, inquired and empty"),
    ],
)
def test_a_ground_without_its_day_is_rejected(tenant: Tenant, tmp_path: Path, cell: str, why: str) -> None:
    report = run("contacts", tenant, written(tmp_path, HEADER + f"c1,{cell}\n"))

    assert why in str(rejects(report))


def test_a_text_has_no_ground_but_a_yes(tenant: Tenant, tmp_path: Path) -> None:
    report = run(
        "contacts", tenant, written(tmp_path, "external_id,sms_consent,sms_consent_at\nc1,inquired,2025-01-01\n")
    )

    assert "is none of yes, no and empty" in str(rejects(report))


TRACKING = "external_id,email_consent,tracking_consent,tracking_consent_at,tracking_consent_source\n"


def following(tenant: Tenant) -> list[tuple[str, str, str]]:
    rows = Consent.objects.for_tenant(tenant).filter(purpose="tracking").order_by("pk")
    return list(rows.values_list("channel", "state", "source"))


def test_what_a_file_says_of_following_is_a_fact_of_its_own(tenant: Tenant, tmp_path: Path) -> None:
    for _ in range(2):
        run("contacts", tenant, written(tmp_path, f"{TRACKING}c1,yes,no,2025-03-01,preference form\n"))

    assert following(tenant) == [("email", "withdrawn", "preference form")]
    assert state(tenant) == "given"  # to messages
    assert not Contact.objects.for_tenant(tenant).get().attributes


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["no,2025-03-01,", "yes,2025-02-01,"], ["withdrawn"]),
        (["no,2025-03-01,", "yes,,"], ["withdrawn"]),
        (["no,2025-03-01,", "yes,2025-04-01,"], ["withdrawn", "given"]),
        (["yes,2025-03-01,", "no,2025-04-01,"], ["given", "withdrawn"]),
        (["yes,2025-03-01,", ",,"], ["given"]),
    ],
)
def test_a_file_turns_following_on_no_more_than_messages(
    tenant: Tenant, tmp_path: Path, rows: list[str], expected: list[str]
) -> None:
    for row in rows:
        run("contacts", tenant, written(tmp_path, f"{TRACKING}c1,,{row}\n"))

    assert [each[1] for each in following(tenant)] == expected


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("soft_opt_in,2025-03-01,", "tracking_consent: 'soft_opt_in' is none of yes, no and empty"),
        (
            f"yes,{TOMORROW},",
            "tracking_consent_at: '2026-10-01' lies in the future, so nobody has said yes yet: "
            "correct the day, or leave tracking_consent empty",
        ),
    ],
)
def test_what_cannot_be_meant_of_following_is_rejected(tenant: Tenant, tmp_path: Path, cells: str, reason: str) -> None:
    (refused,) = rejects(run("contacts", tenant, written(tmp_path, f"{TRACKING}c1,,{cells}\n")))

    assert refused["reason"] == reason
