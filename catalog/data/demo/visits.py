"""What the customers of the sample business do, month by month, and what it costs them."""

from calendar import monthrange
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from catalog.data.demo.drawing import AFTER, AS_OF, OPENS, WORDS, Draw
from catalog.data.demo.people import Person

# How much more or less breaks in January … December.
SEASON = (1.5, 1.2, 0.7, 0.6, 0.8, 1.2, 1.8, 1.7, 0.8, 0.9, 1.2, 1.5)
SPRING, FALL = (3, 4, 5), (9, 10, 11)


@dataclass
class Visit:
    """A piece of business on the calendar: what the file shows at AS_OF, and what became of it after."""

    contact: str
    at: datetime
    service: str
    cents: int
    status: str  # completed, refunded or cancelled
    items: list[dict[str, str]] = field(default_factory=list)
    location: str = ""
    booked_for: datetime | None = None  # on the calendar at AS_OF, for this moment


def repair(month: int) -> str:
    """What breaks in that month."""
    return "repair_cooling" if 5 <= month <= 9 else "repair_heating"


class Habits:
    """How a customer's life as a customer goes on, month by month. Kinds turn into each other: an annual customer
    leaves ("leaving": one last visit may be due), somebody who left ("gone") calls again when something breaks."""

    def __init__(self, person: Person, draw: Draw) -> None:
        self.kind = person.kind
        self.since = (person.since.year, person.since.month)
        self.draw = draw
        self.work: list[tuple[datetime, str]] = []
        self.spring, self.fall = draw.pick(SPRING), draw.pick(FALL)
        self.home = self.fall if draw.chance(0.55) else self.spring
        seasonal = "furnace_tune_up" if self.home == self.fall else "ac_tune_up"
        self.tune_up = "heat_pump_service" if draw.chance(0.25) else seasonal
        self.due: tuple[int, int] | None = None  # when the annual visit is really made
        self.last_known = self._last_known() if person.since < OPENS else None

    def _last_known(self) -> tuple[int, int] | None:
        """The month on file of the one visit that an old, irregular customer still made."""
        months = {"repair": 34, "install": 34, "lapsed": 15}.get(self.kind)
        if months is None or self.draw.chance(0.12):
            return None
        total = OPENS.year * 12 + OPENS.month - 1 + self.draw.whole(0, months)
        return total // 12, total % 12 + 1

    def live(self) -> list[tuple[datetime, str]]:
        """Every piece of work from OPENS to AFTER, as (moment, service)."""
        year, month = OPENS.year, OPENS.month
        while (year, month) <= (AFTER.year, AFTER.month):
            if (year, month) >= self.since:
                self._month(year, month)
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        return self.work

    def _month(self, year: int, month: int) -> None:
        new = (year, month) == self.since
        breaks = {
            "plan": self._plan,
            "annual": self._annual,
            "leaving": self._leaving,
            "repair": self._repair,
            "install": self._install,
            "commercial": self._commercial,
            "gone": self._gone,
            "lapsed": lambda *_: 0.005,
        }[self.kind](year, month, new)
        if self.last_known == (year, month):
            self._have(year, month, repair(month))
        if self.draw.chance(breaks * SEASON[month - 1]):
            self._have(year, month, repair(month))
            if self.draw.chance(0.06):
                self.work.append((self.work[-1][0] + timedelta(hours=2), "thermostat"))

    def _have(self, year: int, month: int, service: str) -> None:
        """Work done at a quarter of an hour of a working day (Monday to Saturday) of that month."""
        day = date(year, month, self.draw.whole(1, monthrange(year, month)[1]))
        if day.weekday() == 6:
            day += timedelta(days=1 if day.day == 1 else -1)
        moment = datetime(day.year, day.month, day.day, self.draw.whole(8, 16), self.draw.pick((0, 15, 30, 45)))
        self.work.append((moment, service))

    # One method a kind: does this month's regular work and returns the chance that something breaks in it.

    def _plan(self, year: int, month: int, new: bool) -> float:
        if month in (self.spring, self.fall) or new:
            if self.draw.chance(0.93):
                self._have(year, month, "ac_tune_up" if month in SPRING else "furnace_tune_up")
            if self.draw.chance(0.085):
                self.kind = "gone"
        return 0.010

    def _annual(self, year: int, month: int, new: bool) -> float:
        if month == self.home or new:
            late = 0 if new else self.draw.weighted(((0, 62), (1, 20), (2, 10), (3, 8)))[0]
            if self.draw.chance(0.90):
                total = year * 12 + month - 1 + late
                self.due = (total // 12, total % 12 + 1)
            if self.draw.chance(0.24):
                self.kind = "leaving"
        self._due_visit(year, month)
        return 0.009

    def _leaving(self, year: int, month: int, _new: bool) -> float:
        self._due_visit(year, month)
        if self.due is None:
            self.kind = "gone"
        return 0.0

    def _due_visit(self, year: int, month: int) -> None:
        if self.due == (year, month):
            self._have(year, month, self.tune_up)
            if self.draw.chance(0.05):
                self.work.append((self.work[-1][0] + timedelta(hours=1), "duct_cleaning"))
            self.due = None

    def _repair(self, year: int, month: int, new: bool) -> float:
        if new:
            self._have(year, month, repair(month))
            self.kind = "annual" if self.draw.chance(0.16) else "gone" if self.draw.chance(0.35) else "repair"
        return 0.018

    def _install(self, year: int, month: int, new: bool) -> float:
        if new or self.draw.chance(0.0015):
            self._have(year, month, "install")
        elif month == self.home and self.draw.chance(0.40):
            self._have(year, month, self.tune_up)
            self.kind = "annual"
        return 0.004

    def _commercial(self, year: int, month: int, _new: bool) -> float:
        if month % 3 == self.home % 3:
            self._have(year, month, "commercial")
            if self.draw.chance(0.06):
                self.kind = "gone"
        return 0.012

    def _gone(self, year: int, month: int, _new: bool) -> float:
        if month == self.home and self.draw.chance(0.05):
            self._have(year, month, self.tune_up)
            self.kind = "annual"
        return 0.012


def book(visit: Visit, kind: str, draw: Draw) -> None:
    """Put a visit soon after AS_OF on the calendar, where some are cancelled and some moved by a few days."""
    ahead = (visit.at - AS_OF).days
    regular = kind in ("plan", "commercial")
    if not 0 <= ahead < (60 if regular else 21) or not draw.chance(0.77 if regular else 0.15):
        return
    visit.booked_for = visit.at
    if draw.chance(0.08):
        visit.status = "cancelled"
    elif draw.chance(0.12):
        visit.at += timedelta(days=draw.whole(1, 6))


def visits_of(person: Person) -> list[Visit]:
    """The customer's calendar with prices, refunds, cancellations, warranty visits and bookings."""
    if person.kind == "estimate":
        return []
    draw = Draw(person.number, 2)
    work = Habits(person, draw).live()
    contact = person.cells["external_id"]
    location = draw.weighted(WORDS["locations"])[0]
    visits: list[Visit] = []
    for at, service in work:
        _, low, high = WORDS["services"][service]
        cents = draw.whole(low // 500, high // 500) * 500 * (100 + 4 * (at.year - 2023)) // 100
        visit = Visit(contact, at, service, cents, "completed", location=location if draw.chance(0.9) else "")
        if draw.chance(0.18) and service != "install":
            filter_price = draw.whole(18, 46)
            visit.cents += filter_price * 100
            visit.items.append({"name": "Air filter 16x25x4", "quantity": "1", "amount": f"{filter_price}.00"})
        if draw.chance(0.04):
            before = at - timedelta(days=draw.whole(2, 12))
            visits.append(replace(visit, at=before, status="cancelled", items=[]))
            if draw.chance(0.3):
                continue
        if draw.chance(0.014):
            visit.status = "refunded"
        book(visit, person.kind, draw)
        visits.append(visit)
        under_warranty = visit.status == "completed" and (service.startswith("repair") or service == "install")
        if under_warranty and draw.chance(0.035):
            back = visit.at + timedelta(days=draw.whole(3, 15))
            visits.append(Visit(contact, back, "warranty", 0, "completed", location=visit.location))
    return [visit for visit in visits if datetime(OPENS.year, OPENS.month, OPENS.day) <= visit.at < AFTER]
