"""An import never turns consent on unless its columns say so, and an older file does not turn it on again."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience.consent import record_consent
from campaigns.audience.models import Consent, Contact
from tenants.accounts.models import Tenant
from tests import factories
from tests.audience.importing import rejects, run, versions, written
from tests.audience.stating import HEADER, LATER, TOMORROW, state, take


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
