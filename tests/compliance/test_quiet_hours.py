"""When somebody may be written to, in every zone of the world, on the days on which clocks change and on all others."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.compliance.quiet_hours import HORIZON, Hours, Window, next_allowed
from catalog.models import QuietHoursRule

ZONES = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
CHICAGO, DENVER, BERLIN = (ZoneInfo(name) for name in ("America/Chicago", "America/Denver", "Europe/Berlin"))
MINUTE = timedelta(minutes=1)

moments = st.datetimes(datetime(2015, 1, 1), datetime(2040, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
zones = st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True).map(
    lambda names: [ZoneInfo(name) for name in names]
)
windows = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 1438), st.integers(1, 1439))
    .filter(lambda pair: pair[0] < pair[1])
    .map(lambda pair: (pair[0] * 60, pair[1] * 60)),
)
weeks = st.lists(windows, min_size=7, max_size=7)


def hours(window: str) -> Window:
    opens, closes = (time.fromisoformat(part) for part in window.split("-"))
    return opens.hour * 3600 + opens.minute * 60, closes.hour * 3600 + closes.minute * 60


def open_at(moment: datetime, zones: list[ZoneInfo], week: list[Window | None]) -> bool:
    """As a person would say it: look at the clock on the wall in every place."""
    for zone in zones:
        wall = moment.astimezone(zone)
        window = week[wall.weekday()]
        if window is None or not window[0] <= wall.hour * 3600 + wall.minute * 60 + wall.second < window[1]:
            return False
    return True


def asked(moment: datetime, zones: list[ZoneInfo], week: list[Window | None]) -> datetime | None:
    return next_allowed(moment, zones, lambda day: week[day.weekday()])


@settings(max_examples=400, deadline=None)
@given(moments, zones, weeks)
def test_it_is_open_everywhere_then_and_asking_again_changes_nothing(
    moment: datetime, zones: list[ZoneInfo], week: list[Window | None]
) -> None:
    found = asked(moment, zones, week)

    if found is not None:
        assert found >= moment
        assert open_at(found, zones, week)
        assert asked(found, zones, week) == found


@settings(max_examples=250, deadline=None)
@given(moments, zones, weeks)
def test_nothing_earlier_is_open_minute_by_minute(
    moment: datetime, zones: list[ZoneInfo], week: list[Window | None]
) -> None:
    moment = moment.replace(second=0, microsecond=0)

    found = asked(moment, zones, week)

    end = found or moment + HORIZON
    earlier = moment
    while earlier < end and earlier < moment + timedelta(days=9):
        assert not open_at(earlier, zones, week), f"open at {earlier}, but said {found}"
        earlier += MINUTE


@settings(max_examples=400, deadline=None)
@given(moments, st.timedeltas(timedelta(), timedelta(days=10)), zones, weeks)
def test_a_later_question_never_gets_an_earlier_answer(
    moment: datetime, later: timedelta, zones: list[ZoneInfo], week: list[Window | None]
) -> None:
    first, second = asked(moment, zones, week), asked(moment + later, zones, week)

    if first is not None and second is not None:
        assert first <= second


def changes(zone: ZoneInfo) -> list[datetime]:
    """Every change of a zone's clock in 2025 and 2026, to half a day."""
    steps = [datetime(2025, 1, 1, tzinfo=UTC) + number * timedelta(hours=12) for number in range(2 * 365 * 2)]
    offsets = [step.astimezone(zone).utcoffset() for step in steps]
    return [step for step, before, after in zip(steps, offsets, offsets[1:], strict=False) if before != after]


def test_the_days_on_which_clocks_change_are_kept_to_the_minute() -> None:
    """In every zone, by brute force, with a window that opens within the hour that is lost or doubled."""
    week: list[Window | None] = [hours("01:30-02:30")] * 7
    alike = {
        tuple((change, change.astimezone(zone).utcoffset()) for change in changes(zone)): zone
        for zone in map(ZoneInfo, ZONES)
    }

    for zone in alike.values():
        for change in changes(zone):
            start = change - timedelta(hours=12)
            opened = [at for minute in range(60 * 60) if open_at(at := start + minute * MINUTE, [zone], week)]
            for minute in range(0, 34 * 60, 29):
                at = start + minute * MINUTE
                assert asked(at, [zone], week) == next(each for each in opened if each >= at), zone
    assert len(alike) > 20


def test_a_skipped_hour_opens_when_the_clock_jumps() -> None:
    """8 March 2026: in Chicago 2:00 is followed by 3:00, so a window from 2:30 opens at 3:00, which is 8:00 UTC."""
    week: list[Window | None] = [hours("02:30-05:00")] * 7

    assert asked(datetime(2026, 3, 8, 6, tzinfo=UTC), [CHICAGO], week) == datetime(2026, 3, 8, 8, tzinfo=UTC)


def test_a_doubled_hour_opens_twice() -> None:
    """1 November 2026: 1:00 to 2:00 comes twice in Chicago, so 1:00-1:30 is open from 6:00 and again from 7:00 UTC."""
    week: list[Window | None] = [hours("01:00-01:30")] * 7

    assert asked(datetime(2026, 11, 1, 5, tzinfo=UTC), [CHICAGO], week) == datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert asked(datetime(2026, 11, 1, 6, 30, tzinfo=UTC), [CHICAGO], week) == datetime(2026, 11, 1, 7, tzinfo=UTC)


def test_the_closing_time_is_closed_and_the_opening_time_is_open() -> None:
    week: list[Window | None] = [hours("09:00-20:00")] * 7
    closing = datetime(2026, 9, 30, 20, 0, tzinfo=CHICAGO)

    assert asked(closing - timedelta(seconds=1), [CHICAGO], week) == closing - timedelta(seconds=1)
    assert asked(closing, [CHICAGO], week) == datetime(2026, 10, 1, 9, 0, tzinfo=CHICAGO)
    assert asked(datetime(2026, 10, 1, 9, tzinfo=CHICAGO), [CHICAGO], week) == datetime(2026, 10, 1, 9, tzinfo=CHICAGO)


def test_all_zones_must_be_open_at_once() -> None:
    week: list[Window | None] = [hours("09:00-20:00")] * 7

    assert asked(datetime(2026, 9, 30, 14, 0, tzinfo=UTC), [CHICAGO, DENVER], week) == datetime(
        2026, 9, 30, 9, 0, tzinfo=DENVER
    )
    assert asked(datetime(2026, 10, 1, 1, 30, tzinfo=UTC), [CHICAGO, DENVER], week) == datetime(
        2026, 10, 1, 9, 0, tzinfo=DENVER
    )


def test_zones_that_are_never_open_together_never_allow() -> None:
    week: list[Window | None] = [hours("09:00-12:00")] * 7

    assert asked(datetime(2026, 9, 30, tzinfo=UTC), [CHICAGO, BERLIN], week) is None


def test_a_week_without_opening_never_allows() -> None:
    assert asked(datetime(2026, 9, 30, tzinfo=UTC), [CHICAGO], [None] * 7) is None


def test_without_a_zone_the_question_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        next_allowed(datetime(2026, 9, 30, tzinfo=UTC), [], lambda day: (0, 86_400))


NOON = datetime(2026, 9, 30, 17, 0, tzinfo=UTC)  # in Chicago, a Wednesday
EVENING = datetime(2026, 10, 1, 0, 30, tzinfo=UTC)  # 19:30 in Chicago
NIGHT = datetime(2026, 10, 1, 5, 0, tzinfo=UTC)
SUNDAY = datetime(2026, 10, 4, 15, 0, tzinfo=UTC)  # 10:00 in Chicago


def chicago(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO)


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
