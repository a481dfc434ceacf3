"""When a recipient may be written to: dated rules, in the recipient's own time, the strictest one holding.

All rules that match a place hold together, in every zone that the place may be in. What is not known counts against
sending: a contact whose state is unknown keeps the hours of every state, and a text for which no rule is found waits.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from campaigns.audience.models import Channel
from campaigns.audience.regions import CANADA, US, zones_of_place
from catalog.models import QuietHoursRule

HORIZON = timedelta(days=14)
HOLIDAY = 7
"""The weekday of a rule that holds on the public holidays of its place, whatever weekday they are."""
COURTESY = "email-courtesy"
"""The rule that is no law: the module's setting email_courteous_hours turns it off."""

Window = tuple[int, int]
"""Seconds of the wall clock since midnight: from, and until but not including."""

WHOLE_DAY: Window = (0, 86_400)
_STEP = timedelta(hours=6)


@dataclass(frozen=True)
class Rule:
    """One rule of one weekday; ``window`` None: closed all day."""

    code: str
    channel: str
    country: str
    region: str
    weekday: int
    window: Window | None
    valid_from: date
    valid_to: date | None

    def may_hold_in(self, country: str, region: str) -> bool:
        """Whether it holds in this place, or may: an unknown country or region is every one."""
        if self.country and country and self.country != country:
            return False
        return not self.region or not region or self.region == region

    def holds_on(self, day: date) -> bool:
        if self.valid_from > day or (self.valid_to is not None and day > self.valid_to):
            return False
        if self.weekday == HOLIDAY:
            return day in holidays_of(self.country, self.region, day.year)
        return self.weekday == day.weekday()


@lru_cache(maxsize=200)
def holidays_of(country: str, region: str, year: int) -> frozenset[date]:
    """The public holidays of a state, with the days on which they are observed."""
    import holidays  # noqa: PLC0415  a third of a second, for the few places whose rules name holidays

    return frozenset(holidays.country_holidays(country, subdiv=region or None, years=year))


Rules = tuple[Rule, ...]


def load_rules(channel: str) -> Rules:
    """Every rule of a channel, whatever its dates."""
    return tuple(
        Rule(
            code=row.code,
            channel=row.channel,
            country=row.country,
            region=row.region,
            weekday=row.weekday,
            window=_window(row.opens, row.closes),
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )
        for row in QuietHoursRule.objects.filter(channel=channel).order_by("code")
    )


def _window(opens: time | None, closes: time | None) -> Window | None:
    if opens is None or closes is None:
        return None
    return opens.hour * 3600 + opens.minute * 60 + opens.second, closes.hour * 3600 + closes.minute * 60 + closes.second


def window_on(rules: Iterable[Rule], day: date, *, without_rule: Window | None = WHOLE_DAY) -> Window | None:
    """The hours that every rule in force on a local day leaves open; None: none."""
    holding = [rule for rule in rules if rule.holds_on(day)]
    if not holding:
        return without_rule
    opens, closes = WHOLE_DAY
    for rule in holding:
        if rule.window is None:
            return None
        opens, closes = max(opens, rule.window[0]), min(closes, rule.window[1])
    return (opens, closes) if opens < closes else None


def next_allowed(
    moment: datetime, zones: Sequence[ZoneInfo], window_of: Callable[[date], Window | None]
) -> datetime | None:
    """The moment itself when every zone is open then, else the next one at which all are; None within the horizon.

    ``window_of`` gives the open hours of a local day. There must be a zone.
    """
    if not zones:
        raise ValueError("Quiet hours are asked without a time zone.")
    moment = moment.astimezone(UTC)
    if all(_is_open(zone, moment, window_of) for zone in zones):
        return moment
    until = moment + HORIZON
    spans = [_open_spans(zone, moment, until, window_of) for zone in zones]
    current = [next(own, None) for own in spans]
    found = moment
    settled = 0
    while settled < len(zones):
        settled = 0
        for number, own in enumerate(spans):
            span = current[number]
            while span is not None and span[1] <= found:
                span = next(own, None)
            if span is None:
                return None
            current[number] = span
            if span[0] > found:
                found = span[0]
            else:
                settled += 1
    return found if found < until else None


def _is_open(zone: ZoneInfo, moment: datetime, window_of: Callable[[date], Window | None]) -> bool:
    local = moment.astimezone(zone)
    window = window_of(local.date())
    return window is not None and window[0] <= local.hour * 3600 + local.minute * 60 + local.second < window[1]


def _open_spans(
    zone: ZoneInfo, start: datetime, end: datetime, window_of: Callable[[date], Window | None]
) -> Iterator[tuple[datetime, datetime]]:
    """The spans of UTC in which a zone's wall clock is in the window, in order. A clock put back opens them twice."""
    for first, last, offset in _steady(zone, start, end):
        day = (first + offset).date()
        while True:
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - offset
            if midnight >= last:
                break
            window = window_of(day)
            if window is not None:
                opens = max(midnight + timedelta(seconds=window[0]), first)
                closes = min(midnight + timedelta(seconds=window[1]), last)
                if opens < closes:
                    yield opens, closes
            day += timedelta(days=1)


def _steady(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The stretches of time in which a zone keeps its distance from UTC."""
    begun, offset, place = start, _offset(zone, start), start
    while place < end:
        following = min(place + _STEP, end)
        if _offset(zone, following) != offset:
            low, high = place, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            change = high.replace(microsecond=0)  # clocks change on whole seconds
            yield begun, change, offset
            begun, offset = change, _offset(zone, following)
        place = following
    yield begun, end, offset


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


@lru_cache(maxsize=1_000)
def zone_named(name: str) -> ZoneInfo | None:
    """The zone of an IANA name; None for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def region_code(country: str, region: str) -> str:
    """The region as rules name it; empty where that is not known, which then counts as every region."""
    code = region.strip().upper().removeprefix(f"{country}-")
    regions = {"US": US, "CA": CANADA}.get(country)
    return code if regions is None or code in regions else ""


def _known(names: Sequence[str]) -> list[ZoneInfo]:
    return [zone for name in dict.fromkeys(names) if (zone := zone_named(name)) is not None]


@dataclass
class Hours:
    """The rules of every channel, read once, with an answer kept for each place that was asked about."""

    rules: dict[str, Rules]
    _places: dict[tuple[str, str, str, bool], Callable[[date], Window | None]] = field(default_factory=dict)
    _answers: dict[tuple[str, str, str, tuple[str, ...], datetime, bool], datetime | None] = field(default_factory=dict)

    @classmethod
    def load(cls, now: datetime) -> "Hours":
        """The rules that are in force now or will be."""
        past = (now - timedelta(days=2)).date()
        return cls(
            {
                channel: tuple(rule for rule in load_rules(channel) if rule.valid_to is None or rule.valid_to >= past)
                for channel in Channel.values
            }
        )

    def next_allowed(
        self,
        channel: str,
        country: str,
        region: str,
        zones: Sequence[str],
        now: datetime,
        *,
        courteous: bool = True,
        otherwise: Sequence[str] = (),
    ) -> datetime | None:
        """When this channel may next be used there: now, or later, or None (not within 14 days, or no zone is known).

        ``zones`` are all that the recipient may be in; when none of them is a zone, those of the place are taken, and
        at last those of ``otherwise`` (the tenant's).
        """
        key = (channel, country, region, (*zones, "", *otherwise), now, courteous)
        if key not in self._answers:
            known = _known(zones) or _known(zones_of_place(country, region)) or _known(otherwise)
            window_of = self._window_of(channel, country, region, courteous=courteous)
            self._answers[key] = next_allowed(now, known, window_of) if known else None
        return self._answers[key]

    def _window_of(
        self, channel: str, country: str, region: str, *, courteous: bool
    ) -> Callable[[date], Window | None]:
        key = (channel, country, region, courteous)
        if key not in self._places:
            code = region_code(country, region)
            rules = [
                rule
                for rule in self.rules.get(channel, ())
                if rule.may_hold_in(country, code) and (courteous or not rule.code.startswith(COURTESY))
            ]
            without_rule = None if channel == Channel.SMS else WHOLE_DAY
            self._places[key] = lru_cache(maxsize=64)(lambda day: window_on(rules, day, without_rule=without_rule))
        return self._places[key]
