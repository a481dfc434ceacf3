"""The main job on a real shop, command by command, against a computation that uses neither our SQL nor our models."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from benchmarks.data import online_retail
from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.planning.models import Enrolment, Message
from tenants.accounts.models import Tenant
from tests.data import needs_shared_data, shared_data_file
from tests.oracle.attribution import AssignmentRow, by_arm
from tests.oracle.dormancy import add_months, count, judge_all
from tests.oracle.history import History, moment, read_history
from tests.oracle.lift import difference
from winback.tenancy import acting_for, acting_for_all

pytestmark = [needs_shared_data, pytest.mark.slow, pytest.mark.usefixtures("catalog")]
MODULE = "dormant_customer_reactivation"
LAST_DAY = "2011-12-09"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("online_retail")
    online_retail.convert(shared_data_file(online_retail.SOURCE).parent, out)
    return out


@pytest.fixture(scope="module")
def history(files: Path) -> History:
    return read_history(files / "contacts.csv", files / "jobs.csv", zone="Europe/London")


class Shop:
    """Runs commands on one tenant and reads what they report."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def run(self, command: str, *arguments: str, as_of: str = "") -> dict[str, Any]:
        named = [f"--as-of={as_of}"] if as_of else []
        call_command(command, *arguments, "--tenant=shop", "--json", *named)
        answer: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return answer

    def snapshot(self) -> list[Any]:
        """Every row of every table that the commands write, so that a second run can be seen to change nothing."""
        tables = ("contact", "job", "contactstat", "consent", "contacttag", "assignment", "dormancyepisode", "campaign",
                  "enrolment", "message", "touch", "reactivation")  # fmt: skip
        with acting_for_all("compare"), connection.cursor() as cursor:
            rows = []
            for table in tables:
                cursor.execute(
                    f"SELECT count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') "
                    f"FROM campaigns_{table} t"
                )
                rows.append((table, *cursor.fetchone()))
        return rows


@pytest.fixture
def shop(db: None, files: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    made = Shop(capsys)
    call_command(
        "create_tenant", "shop", "--name=A gift shop", "--niche=e-commerce", "--timezone=Europe/London", "--country=GB",
        "--currency=GBP", "--address=1 High Street, London", "--sandbox", "--json",
    )  # fmt: skip
    capsys.readouterr()
    contacts = made.run("import_contacts", str(files / "contacts.csv"))
    jobs = made.run("import_jobs", str(files / "jobs.csv"))
    assert (contacts["created"], contacts["rejected"]) == (5_939, 0)
    assert (jobs["created"], jobs["rejected"]) == (44_866, 0)
    return made


def arm_of(tenant: Tenant, household_key: str, share: int) -> str:
    """The documented draw (campaigns.audience.assigning), written down a second time."""
    digest = hashlib.sha256(f"{tenant.holdout_salt}:{household_key}".encode()).hexdigest()
    return "held_out" if int(digest[:15], 16) % 10_000 < share else "treated"


def test_the_commands_one_by_one_agree_with_the_oracle_and_run_twice_change_nothing_more(
    shop: Shop, files: Path, history: History
) -> None:
    as_of = moment(LAST_DAY, history.zone)
    verdicts = judge_all(history, as_of=as_of, open_given_up=True)
    counts = count(verdicts)

    assert shop.run("activate_module", MODULE, as_of=LAST_DAY)["state"] == "activated"
    scanned = shop.run("scan_dormant", as_of=LAST_DAY)
    assert scanned["opened"] == counts.opened
    assert scanned["by_cohort"] == {str(months): number for months, number in counts.by_cohort.items()}
    assert scanned["excluded"] == counts.excluded

    planned = shop.run("plan_messages", as_of=LAST_DAY)
    sent = shop.run("send_due", as_of=LAST_DAY)
    tenant = Tenant.objects.get(slug="shop")
    local_day = as_of.astimezone(history.zone).date()
    writable = {
        key: verdict.last_job_at
        for key, verdict in verdicts.items()
        if verdict.opened
        and not verdict.given_up
        and verdict.last_job_at
        and add_months(verdict.last_job_at.astimezone(history.zone).date(), 24) > local_day
    }
    latest = sorted(writable.values(), reverse=True)[199]  # the day's cap is 200, the most recently lapsed first
    with acting_for(tenant.pk):
        enrolled = dict(Enrolment.objects.for_tenant(tenant).values_list("contact__external_id", "arm"))
        assert {key for key, at in writable.items() if at > latest} <= set(enrolled)
        assert set(enrolled) <= {key for key, at in writable.items() if at >= latest}
        households = dict(
            Enrolment.objects.for_tenant(tenant).values_list("contact__external_id", "contact__household__key")
        )
        assert enrolled == {key: arm_of(tenant, household, 2_000) for key, household in households.items()}
        held_out = sum(arm == "held_out" for arm in enrolled.values())
        assert (planned["enrolled"], planned["planned"], planned["ghost"]) == (200, 200 - held_out, held_out)
        # At noon in London it is evening in Tokyo and Sydney: those wait for their morning.
        assert sent["sent"] + sent["ghost"] + sent["postponed"] == 200
        assert sent["postponed"] < 10
        assert scanned["held_out"] == sum(
            arm_of(tenant, key, 2_000) == "held_out"
            for key in DormancyEpisode.objects.for_tenant(tenant)
            .filter(state="open")
            .values_list("contact__household__key", flat=True)
        )
        assert (
            not Message.objects.for_tenant(tenant)
            .filter(arm="held_out")
            .exclude(state__in=["ghost", "postponed"])
            .exists()
        )
    shop.run("attribute_jobs", as_of=LAST_DAY)

    before, report = shop.snapshot(), shop.run("report", as_of=LAST_DAY)
    again = {
        "import_contacts": shop.run("import_contacts", str(files / "contacts.csv")),
        "import_jobs": shop.run("import_jobs", str(files / "jobs.csv")),
        "scan_dormant": shop.run("scan_dormant", as_of=LAST_DAY),
        "plan_messages": shop.run("plan_messages", as_of=LAST_DAY),
        "send_due": shop.run("send_due", as_of=LAST_DAY),
        "attribute_jobs": shop.run("attribute_jobs", as_of=LAST_DAY),
    }
    assert shop.run("activate_module", MODULE, as_of=LAST_DAY)["state"] == "activated"
    assert (again["import_contacts"]["unchanged"], again["import_jobs"]["unchanged"]) == (5_939, 44_866)
    assert (again["scan_dormant"]["opened"], again["plan_messages"]["enrolled"], again["send_due"]["sent"]) == (0, 0, 0)
    assert shop.snapshot() == before
    assert shop.run("report", as_of=LAST_DAY) == report


def test_what_came_back_in_the_summer_is_what_the_oracle_counts(shop: Shop, history: History) -> None:
    shop.run("activate_module", MODULE, '--settings={"daily_enrolment_cap": 2000}', as_of="2011-06-09")
    shop.run("scan_dormant", as_of="2011-06-09")
    shop.run("plan_messages", as_of="2011-06-09")
    shop.run("attribute_jobs", as_of="2011-07-31")
    report = shop.run("report", as_of="2011-07-31")

    tenant = Tenant.objects.get(slug="shop")
    with acting_for(tenant.pk):
        rows = Enrolment.objects.for_tenant(tenant).values_list("contact__external_id", "arm", "enrolled_at")
        assignments = [AssignmentRow(str(contact), arm, at) for contact, arm, at in rows]
    assert len(assignments) > 500
    as_of = moment("2011-07-31", history.zone)
    lines = by_arm(assignments, history.jobs_by_contact(), window_days=30, as_of=as_of)
    treated, held_out = lines["treated"], lines["held_out"]
    expected = difference(
        treated.reactivated_of_matured, treated.matured, held_out.reactivated_of_matured, held_out.matured
    )
    assert (report["assigned_treated"], report["assigned_held_out"]) == (treated.assigned, held_out.assigned)
    assert (report["matured_treated"], report["matured_held_out"]) == (treated.matured, held_out.matured)
    assert report["reactivated_treated"] == treated.reactivated > 20
    assert report["reactivated_held_out"] == held_out.reactivated
    assert report["revenue"] == f"{treated.revenue:.2f}"
    assert report["reactivation_rate"] == pytest.approx(treated.rate, abs=1e-6)
    assert report["lift"]["low"] == pytest.approx(expected.low, abs=1e-6)
    assert report["lift"]["high"] == pytest.approx(expected.high, abs=1e-6)
