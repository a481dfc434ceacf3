"""The scan over a real business: every count as the oracle has it, who is who, and a past that is replayed."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from benchmarks.data import online_retail
from campaigns.audience import dormancy
from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.audience.models import ContactStat
from tenants.accounts.models import Tenant
from tests.audience import histories
from tests.data import needs_shared_data, shared_data_file
from tests.factories import make_tenant
from tests.oracle.dormancy import count, judge_all
from tests.oracle.history import History, moment, read_history
from winback.tenancy import acting_for, acting_for_all

pytestmark = [needs_shared_data, pytest.mark.slow]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    out = tmp_path_factory.mktemp("online_retail")
    online_retail.convert(shared_data_file(online_retail.SOURCE).parent, out)
    return read_history(out / "contacts.csv", out / "jobs.csv", zone="Europe/London")


@pytest.fixture
def shop(history: History, db: None) -> Iterator[Tenant]:
    """The shop with its whole history, also what lies after the moment that is scanned."""
    with acting_for_all("test set-up"):
        tenant = make_tenant("shop", niche="e-commerce", timezone="Europe/London", country="GB", currency="GBP")
    with acting_for(tenant.pk):
        histories.load(tenant, history)
        yield tenant


def open_cohorts(tenant: Tenant) -> dict[str | None, int]:
    rows = DormancyEpisode.objects.for_tenant(tenant).filter(state=DormancyEpisode.State.OPEN)
    return dict(rows.values_list("contact__external_id", "cohort_months"))


def test_every_count_of_online_retail_is_the_oracle_s(shop: Tenant, history: History) -> None:
    as_of = moment("2011-12-09", history.zone)
    verdicts = judge_all(history, as_of=as_of, open_given_up=True)
    counts = count(verdicts)

    report = dormancy.scan(now=as_of, tenant=shop)[shop.pk]

    assert report.opened == counts.opened
    assert report.by_cohort == {str(months): number for months, number in counts.by_cohort.items()}
    assert report.excluded == counts.excluded
    assert report.closed == sum(verdict.given_up and verdict.opened for verdict in verdicts.values()) == 49
    assert open_cohorts(shop) == {
        key: verdict.cohort for key, verdict in verdicts.items() if verdict.opened and not verdict.given_up
    }
    assert dict(DormancyEpisode.objects.for_tenant(shop).values_list("contact__external_id", "cohort_at")) == {
        key: verdict.cohort_at for key, verdict in verdicts.items() if verdict.opened
    }


def test_scanned_day_by_day_a_past_of_which_all_is_imported_stays_true(shop: Tenant, history: History) -> None:
    """Twenty days, with what attributing does (closing by business) done by hand, against the oracle each day."""
    day = date(2010, 10, 20)
    opened: Counter[str] = Counter()
    for _ in range(20):
        now = moment(day.isoformat(), history.zone)

        report = dormancy.scan(now=now, tenant=shop)[shop.pk]
        opened.update(report.by_cohort)
        histories.close_by_business(shop, now=now)
        dormancy.scan(now=now, tenant=shop)

        verdicts = judge_all(history, as_of=now)
        assert open_cohorts(shop) == {key: verdict.cohort for key, verdict in verdicts.items() if verdict.opened}, day
        reasons = dict(ContactStat.objects.for_tenant(shop).values_list("contact__external_id", "not_open_reason"))
        assert reasons == {key: (verdict.reasons or ("",))[0] for key, verdict in verdicts.items()}, day
        day += timedelta(days=1)

    assert dormancy.scan(now=now, tenant=shop, full=True)[shop.pk].opened == 0
    assert opened["6"] > 100
