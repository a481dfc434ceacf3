"""The hours that the catalog's rules leave open: the states of the US, holidays, courteous hours for mail."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.compliance.quiet_hours import Hours
from catalog.models import QuietHoursRule

CHICAGO, DENVER = ZoneInfo("America/Chicago"), ZoneInfo("America/Denver")
NOON = datetime(2026, 9, 30, 17, 0, tzinfo=UTC)  # in Chicago, a Wednesday
EVENING = datetime(2026, 10, 1, 0, 30, tzinfo=UTC)  # 19:30 in Chicago
NIGHT = datetime(2026, 10, 1, 5, 0, tzinfo=UTC)
SUNDAY = datetime(2026, 10, 4, 15, 0, tzinfo=UTC)  # 10:00 in Chicago


def chicago(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO)


STATES = ["AL", "CA", "CT", "FL", "IL", "KY", "LA", "MA", "MD", "MI", "MN", "MS", "NJ", "OK", "RI", "TX", "UT", "WA"]


@pytest.mark.usefixtures("catalog")
class TestRulesOfTheCatalog:
    def ask(self, channel: str, region: str, now: datetime, **more: object) -> datetime | None:
        zones = more.pop("zones", ("America/Chicago",))
        return Hours.load(now).next_allowed(channel, "US", region, zones, now, **more)  # type: ignore[arg-type]

    def test_a_text_goes_out_at_noon_and_waits_at_night(self) -> None:
        assert self.ask("sms", "IL", NOON) == NOON
        assert self.ask("sms", "IL", NIGHT) == chicago("2026-10-01T09:00")

    def test_a_text_waits_for_sunday_noon(self) -> None:
        assert self.ask("sms", "IL", SUNDAY) == chicago("2026-10-04T12:00")

    def test_the_strictest_rule_holds(self) -> None:
        assert self.ask("sms", "KY", NIGHT) == chicago("2026-10-01T10:00")
        assert self.ask(
            "sms", "RI", datetime(2026, 9, 30, 22, 30, tzinfo=UTC), zones=("America/New_York",)
        ) == datetime(2026, 10, 1, 9, 0, tzinfo=ZoneInfo("America/New_York"))
        assert self.ask("sms", "RI", SUNDAY, zones=("America/New_York",)) == datetime(
            2026, 10, 4, 12, 0, tzinfo=ZoneInfo("America/New_York")
        )

    @pytest.mark.parametrize("region", ["", "Kentucky", "??"])
    def test_an_unknown_state_keeps_the_hours_of_all(self, region: str) -> None:
        assert self.ask("sms", region, NIGHT) == chicago("2026-10-01T10:00")
        assert self.ask("sms", region, EVENING) == chicago("2026-10-01T10:00")

    def test_a_state_is_known_in_any_spelling_of_its_code(self) -> None:
        assert self.ask("sms", "us-il", EVENING) == self.ask("sms", " IL ", EVENING) == EVENING

    def test_no_text_on_a_holiday_or_a_sunday_where_the_state_says_so(self) -> None:
        christmas = datetime(2026, 12, 25, 18, tzinfo=UTC)  # a Friday, noon in Chicago
        rules = Hours.load(SUNDAY)

        def opens(region: str, moment: datetime) -> date | None:
            found = rules.next_allowed("sms", "US", region, ("America/Chicago",), moment)
            return found.astimezone(CHICAGO).date() if found is not None else None

        assert {opens(region, christmas) for region in ("AL", "LA", "MS", "RI", "UT")} == {date(2026, 12, 26)}
        assert opens("IL", christmas) == date(2026, 12, 25)
        assert {opens(region, SUNDAY) for region in ("AL", "LA", "MS", "UT")} == {date(2026, 10, 5)}

    def test_every_state_of_the_tables_has_rows_of_its_own(self) -> None:
        states = set(QuietHoursRule.objects.filter(country="US").values_list("region", flat=True))

        assert states == {"", *STATES}
        assert not QuietHoursRule.objects.filter(source="").exists()

    def test_email_keeps_courteous_hours_unless_the_setting_is_off(self) -> None:
        assert self.ask("email", "IL", NIGHT) == chicago("2026-10-01T08:00")
        assert self.ask("email", "IL", NIGHT, courteous=False) == NIGHT
        assert self.ask("sms", "IL", NIGHT, courteous=False) == chicago("2026-10-01T09:00")

    def test_a_zone_that_is_none_falls_to_the_place_and_then_to_the_tenant(self) -> None:
        hours = Hours.load(NIGHT)

        assert hours.next_allowed("sms", "US", "TX", ("Mars/Olympus",), NIGHT) == datetime(
            2026, 10, 1, 9, 0, tzinfo=DENVER
        )
        assert hours.next_allowed("sms", "US", "", ("../etc",), NIGHT, otherwise=("America/Chicago",)) == chicago(
            "2026-10-01T10:00"
        )
        assert hours.next_allowed("sms", "US", "", (), NIGHT) is None

    def test_a_rule_holds_from_and_to_its_dates_in_local_time(self) -> None:
        tomorrow = date(2026, 10, 1)
        QuietHoursRule.objects.create(
            code="email-closed", channel="email", weekday=3, valid_from=tomorrow, valid_to=tomorrow, source="test"
        )

        assert self.ask("email", "IL", NOON) == NOON
        assert self.ask("email", "IL", NIGHT, courteous=False) == chicago("2026-10-02T00:00")
        assert self.ask("email", "IL", NOON + timedelta(days=8)) == NOON + timedelta(days=8)

    def test_places_are_answered_once(self, django_assert_num_queries: object) -> None:
        hours = Hours.load(NIGHT)

        with django_assert_num_queries(0):  # type: ignore[operator]
            first = hours.next_allowed("sms", "US", "IL", ("America/Chicago",), NIGHT)
            assert hours.next_allowed("sms", "US", "IL", ("America/Chicago",), NIGHT) == first


@pytest.mark.django_db
def test_a_text_waits_where_no_rule_is_known() -> None:
    hours = Hours.load(NOON)

    assert hours.next_allowed("sms", "US", "IL", ("America/Chicago",), NOON) is None
    assert hours.next_allowed("email", "US", "IL", ("America/Chicago",), NOON) == NOON
