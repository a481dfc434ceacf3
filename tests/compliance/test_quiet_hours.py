"""When somebody may be written to, in every zone of the world, on the days on which clocks change and on all others."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.compliance.quiet_hours import HORIZON, Rule, Window, next_allowed, window_on

ZONES = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
CHICAGO, DENVER, BERLIN = (ZoneInfo(name) for name in ("America/Chicago", "America/Denver", "Europe/Berlin"))

QUARTER = timedelta(minutes=15)
# Since 2015 every clock stands a whole number of quarters from UTC and changes at one, so with windows of whole
# quarters nothing opens or closes in between: a quarter is as good as a minute, at a fifteenth of the time.
FIRST = datetime(2015, 1, 1, tzinfo=UTC)
moments = st.datetimes(datetime(2015, 1, 1), datetime(2040, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
quarters = st.integers(0, 25 * 365 * 96).map(lambda number: FIRST + number * QUARTER)
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
quarter_windows = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 94), st.integers(1, 95)).map(lambda pair: (min(pair) * 900, (max(pair) + 1) * 900)),
)
quarter_weeks = st.lists(quarter_windows, min_size=7, max_size=7)


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


@settings(max_examples=150, deadline=None)
@given(moments, zones, weeks)
def test_it_is_open_everywhere_then_and_asking_again_changes_nothing(
    moment: datetime, zones: list[ZoneInfo], week: list[Window | None]
) -> None:
    found = asked(moment, zones, week)

    if found is not None:
        assert found >= moment
        assert open_at(found, zones, week)
        assert asked(found, zones, week) == found


@settings(max_examples=150, deadline=None)
@given(quarters, zones, quarter_weeks)
def test_nothing_earlier_is_open(moment: datetime, zones: list[ZoneInfo], week: list[Window | None]) -> None:
    found = asked(moment, zones, week)

    end = min(found or moment + HORIZON, moment + timedelta(days=9))
    for number in range((end - moment) // QUARTER):
        earlier = moment + number * QUARTER
        assert not open_at(earlier, zones, week), f"open at {earlier}, but said {found}"


MONDAY = date(2026, 6, 1)
rules = st.lists(
    st.builds(
        Rule,
        code=st.just("rule"),
        channel=st.just("sms"),
        country=st.just("US"),
        region=st.sampled_from(["AL", "RI", "UT"]),
        weekday=st.integers(0, 7),
        window=quarter_windows,
        valid_from=st.integers(-5, 20).map(lambda days: MONDAY + timedelta(days=days)),
        valid_to=st.one_of(st.none(), st.integers(0, 25).map(lambda days: MONDAY + timedelta(days=days))),
    ),
    max_size=12,
)


PUBLIC = {region: holidays.country_holidays("US", subdiv=region, years=2026) for region in ("AL", "RI", "UT")}


def closes(rule: Rule, wall: datetime) -> bool:
    """As a person would say it: the rule is in force on that day there, and against it."""
    day, seconds = wall.date(), wall.hour * 3600 + wall.minute * 60
    meant = day in PUBLIC[rule.region] if rule.weekday == 7 else rule.weekday == day.weekday()
    if not meant or rule.valid_from > day or (rule.valid_to is not None and rule.valid_to < day):
        return False
    return rule.window is None or not rule.window[0] <= seconds < rule.window[1]


def open_by_rules(moment: datetime, zones: list[ZoneInfo], rules: list[Rule]) -> bool:
    return not any(closes(rule, moment.astimezone(zone)) for zone in zones for rule in rules)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 20 * 96), zones, rules)
def test_rules_that_begin_or_end_while_somebody_waits_and_holidays_are_kept(
    start: int, zones: list[ZoneInfo], rules: list[Rule]
) -> None:
    """June and July 2026, with Juneteenth and Independence Day (a Saturday: Friday is observed)."""
    moment = datetime(2026, 6, 14, tzinfo=UTC) + start * QUARTER

    found = next_allowed(moment, zones, lambda day: window_on(rules, day))

    end = found or moment + HORIZON
    assert found is None or open_by_rules(found, zones, rules)
    for number in range(0, (end - moment) // QUARTER, 4):
        assert not open_by_rules(moment + number * QUARTER, zones, rules)


@settings(max_examples=150, deadline=None)
@given(moments, st.timedeltas(timedelta(), timedelta(days=10)), zones, weeks)
def test_a_later_question_never_gets_an_earlier_answer(
    moment: datetime, later: timedelta, zones: list[ZoneInfo], week: list[Window | None]
) -> None:
    first, second = asked(moment, zones, week), asked(moment + later, zones, week)

    if first is not None and second is not None:
        assert first <= second


STEPS = [datetime(2026, 1, 1, tzinfo=UTC) + number * timedelta(hours=12) for number in range(2 * 365)]


def changes(zone: ZoneInfo) -> tuple[tuple[datetime, timedelta | None], ...]:
    """Every change of a zone's clock in 2026, to half a day, with the distance from UTC before it."""
    offsets = [step.astimezone(zone).utcoffset() for step in STEPS]
    known = zip(STEPS, offsets, offsets[1:], strict=False)
    return tuple((step, before) for step, before, after in known if before != after)


def test_the_days_on_which_clocks_change_are_kept() -> None:
    """In every zone, by brute force, with a window that opens within the hour that is lost or doubled."""
    week: list[Window | None] = [hours("01:30-02:30")] * 7
    alike = {changes(zone): zone for zone in map(ZoneInfo, ZONES)}

    for known, zone in alike.items():
        for change, _ in known:
            start = change - timedelta(hours=9)
            opened = [at for number in range(44 * 4) if open_at(at := start + number * QUARTER, [zone], week)]
            for number in range(0, 18 * 4, 3):
                at = start + number * QUARTER
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
