"""Make the bundled sample business: contacts.csv, jobs.csv and jobs_after.csv.

    python3 catalog/data/demo/generate.py [OUT_DIR]

Nobody in these files exists. Everything is drawn from SEED with the standard library alone; running it again, on any
Python from 3.11, gives the same bytes. For that reason only ``Random.random()`` is used (the one method whose sequence
Python promises to keep) and no logarithms or exponentials (their last digit depends on the machine).

Every customer is drawn from streams of its own: one for who it is, one for what it does. What customers do is drawn
month by month over the whole span, without knowing where AS_OF lies; jobs.csv is what the business would have on file
at AS_OF, jobs_after.csv what came in the 90 days after it. Nothing in the draw knows of messages, offers or arms.
"""

import argparse
import csv
import json
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).resolve().parent
WORDS: dict[str, Any] = json.loads((HERE / "words.json").read_text(encoding="utf-8"))

SEED = 20260930
PEOPLE = 2616
DUPLICATES = 24
OPENS = date(2023, 10, 1)  # the first month on file
AS_OF = datetime(2026, 9, 30, 12, 0)
AFTER = AS_OF + timedelta(days=90)

# What a customer is, and how many of a hundred are. "plan": two visits a year; "lapsed": on the way out when the file
# begins; "estimate": asked once and never bought.
KINDS = (
    ("plan", 15),
    ("annual", 23),
    ("repair", 33),
    ("install", 10),
    ("commercial", 3),
    ("lapsed", 12),
    ("estimate", 4),
)
# How much more or less breaks in January … December.
SEASON = (1.5, 1.2, 0.7, 0.6, 0.8, 1.2, 1.8, 1.7, 0.8, 0.9, 1.2, 1.5)
SPRING, FALL = (3, 4, 5), (9, 10, 11)
# Area codes; a few people kept the number of the place they came from.
AREAS_OF_PORTLAND = (("503", 70), ("971", 27), ("206", 1), ("480", 1), ("312", 1))
AREAS_OF_VANCOUVER = (("360", 92), ("503", 8))

SMS_TEXT = (
    "I agree to get marketing texts from Alder & Ash Heating and Cooling at this number. Consent is no condition of "
    "purchase. Message and data rates may apply. Reply STOP to end, HELP for help."
)
CONTACT_COLUMNS = [
    *("external_id", "email", "phone", "first_name", "last_name", "company", "address", "city", "region"),
    *("postal_code", "country", "timezone", "tags", "acquired_on", "acquisition_channel"),
    *("email_consent", "email_consent_at", "email_consent_source"),
    *("sms_consent", "sms_consent_at", "sms_consent_source", "sms_consent_text"),
]
JOB_COLUMNS = [
    *("external_id", "contact_external_id", "completed_at", "amount", "currency", "service", "status"),
    *("items", "location"),
]


class Draw:
    """Draws from one stream, by ``random()`` alone."""

    def __init__(self, number: int, purpose: int) -> None:
        self._random = Random(SEED * 1_000_000 + number * 10 + purpose).random

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def pick(self, items: Sequence[Any]) -> Any:
        """One of them, all alike."""
        return items[self.whole(0, len(items) - 1)]

    def weighted(self, items: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """One of several sequences whose last element is its weight."""
        at = self._random() * sum(item[-1] for item in items)
        for item in items:
            at -= item[-1]
            if at < 0:
                return item
        return items[-1]


@dataclass
class Person:
    """A customer, as the cells of its row, with what it is and since when."""

    number: int
    kind: str
    since: date
    cells: dict[str, str]
    paired: bool = False


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


def phone_number(order: int, area: str) -> str:
    """The n-th number of our 555 exchange: the range kept for fiction first (0100-0199), then from 2000 on."""
    return f"+1{area}555{100 + order if order < 100 else 1900 + order:04d}"


def written(phone: str, draw: Draw) -> str:
    """A number the way somebody typed it."""
    area, exchange, line = phone[2:5], phone[5:8], phone[8:]
    forms = ((f"({area}) {exchange}-{line}", 55), (f"{area}-{exchange}-{line}", 20), (f"{area}.{exchange}.{line}", 8))
    return str(draw.weighted((*forms, (phone, 17)))[0])


class Town:
    """Gives out addresses, phone numbers and mailboxes, each once."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._mailboxes: dict[str, int] = {}

    def phone(self, draw: Draw, region: str) -> str:
        """A new number with an area code that people there have."""
        areas = AREAS_OF_VANCOUVER if region == "WA" else AREAS_OF_PORTLAND
        area = draw.weighted(areas)[0]
        order = self._lines.get(area, 0)
        self._lines[area] = order + 1
        return phone_number(order, area)

    def mailbox(self, draw: Draw, first: str, last: str) -> str:
        """A new address below a domain that is reserved for examples."""
        plain = f"{first}.{last}".lower().translate(str.maketrans("éëñíó", "eenio", "' "))
        domain = draw.pick(("mail.example.com", "home.example.net", "post.example.org", "inbox.example.com"))
        taken = self._mailboxes.get(plain, 0)
        self._mailboxes[plain] = taken + 1
        return f"{plain}{taken + 1 if taken else ''}@{domain}"


def moment_after(draw: Draw, day: date) -> datetime:
    """A moment at or after a day, before AS_OF."""
    start = max(day, date(2021, 3, 1))
    span = max((AS_OF.date() - start).days - 1, 0)
    later = start + timedelta(days=draw.whole(0, min(span, 400)))
    return datetime(later.year, later.month, later.day, draw.whole(8, 19), draw.whole(0, 59))


def permissions(cells: dict[str, str], draw: Draw, since: date) -> None:
    """E-mail and SMS consent with its evidence, for a share of those who have the address."""
    if cells["email"]:
        said = draw.weighted((("yes", 80), ("no", 4), ("", 16)))[0]
        cells["email_consent"] = said
        if said:
            cells["email_consent_at"] = moment_after(draw, since).isoformat()
            cells["email_consent_source"] = draw.pick(
                ("online booking form", "service agreement", "website newsletter box")
            )
    if cells["phone"]:
        said = draw.weighted((("yes", 54), ("no", 5), ("", 41)))[0]
        cells["sms_consent"] = said
        if said:
            cells["sms_consent_at"] = moment_after(draw, since).isoformat()
            cells["sms_consent_source"] = draw.pick(("online booking form", "tablet signature at the visit"))
            cells["sms_consent_text"] = SMS_TEXT if said == "yes" else ""


def since_when(draw: Draw) -> date:
    """Six in ten were customers before the file begins; the others came evenly over its three years."""
    if draw.chance(0.60):
        return date(2015, 1, 1) + timedelta(days=draw.whole(0, (OPENS - date(2015, 1, 1)).days - 1))
    return OPENS + timedelta(days=draw.whole(0, (AS_OF.date() - OPENS).days - 3))


def make_person(number: int, town: Town, neighbour: Person | None) -> Person:
    """One customer; now and then the second person of the household before."""
    draw = Draw(number, 1)
    kind, since = draw.weighted(KINDS)[0], since_when(draw)
    if kind == "lapsed" and since >= OPENS:
        kind = "repair"
    cells = dict.fromkeys(CONTACT_COLUMNS, "")
    cells |= {"external_id": f"C-{number + 1000}", "country": "US", "acquired_on": since.isoformat()}
    cells["acquisition_channel"] = draw.weighted(WORDS["channels"])[0]
    cells["first_name"], cells["last_name"] = draw.pick(WORDS["first_names"]), draw.pick(WORDS["last_names"])
    together = neighbour is not None and not neighbour.paired and not neighbour.cells["company"] and draw.chance(0.10)
    if neighbour is not None and together:
        kind = draw.weighted((("repair", 5), ("annual", 2), ("lapsed", 2)))[0]
        for column in ("address", "city", "region", "postal_code", "timezone"):
            cells[column] = neighbour.cells[column]
        if draw.chance(0.8):
            cells["last_name"] = neighbour.cells["last_name"]
    else:
        city, region, postal_code, _ = draw.weighted(WORDS["places"])
        side = "" if region == "WA" else draw.pick(("SE ", "NE ", "SW ", "N "))
        street = f"{side}{draw.pick(WORDS['streets'])} {draw.pick(WORDS['street_types'])}"
        cells |= {"address": f"{draw.whole(112, 9890)} {street}", "city": city, "region": region}
        cells["postal_code"] = postal_code
        if draw.chance(0.008):  # moved south, still owns the house here
            cells |= {"city": "Tempe", "region": "AZ", "postal_code": "85281", "timezone": "America/Phoenix"}
    if kind == "commercial":
        cells["company"] = draw.pick(WORDS["companies"])
    mailbox, phone = town.mailbox(draw, cells["first_name"], cells["last_name"]), town.phone(draw, cells["region"])
    cells["email"] = "" if draw.chance(0.08) else mailbox
    cells["phone"] = "" if draw.chance(0.05) else written(phone, draw)
    if neighbour is not None and together:
        cells["email"] = neighbour.cells["email"] if draw.chance(0.25) else cells["email"]
        cells["phone"] = neighbour.cells["phone"] if draw.chance(0.45) else cells["phone"]
    permissions(cells, draw, since)
    tags = [tag for tag, share in (("vip", 0.03), ("rental", 0.04), ("do-not-contact", 0.018)) if draw.chance(share)]
    tags += ["maintenance plan"] if kind == "plan" else ["commercial"] if kind == "commercial" else []
    cells["tags"] = "; ".join(tags)
    if draw.chance(0.02):  # typed with caps lock on, or with blanks around
        cells["last_name"] = cells["last_name"].upper()
        cells["first_name"] = f" {cells['first_name']} "
    return Person(number, kind, since, cells, paired=together)


def duplicate(person: Person, number: int, visits: list[Visit]) -> Person:
    """The same person entered a second time: other spelling, other id, and the later half of the visits."""
    draw = Draw(number, 1)
    cells = person.cells | {"external_id": f"C-{number + 1000}", "email": person.cells["email"].upper(), "tags": ""}
    digits = "".join(letter for letter in cells["phone"] if letter.isdigit())[-10:]
    cells["phone"] = written(f"+1{digits}", draw) if digits else ""
    mine = sorted((visit for visit in visits if visit.contact == person.cells["external_id"]), key=lambda v: v.at)
    for visit in mine[len(mine) // 2 :]:
        visit.contact = cells["external_id"]
    if mine:
        cells["acquired_on"] = mine[len(mine) // 2].at.date().isoformat()
    return Person(number, person.kind, person.since, cells)


def job_cells(number: str, visit: Visit, at: datetime, status: str) -> dict[str, str]:
    """A row of jobs.csv or jobs_after.csv."""
    return {
        "external_id": number,
        "contact_external_id": visit.contact,
        "completed_at": at.isoformat(),
        "amount": f"{visit.cents // 100}.{visit.cents % 100:02d}",
        "currency": "USD",
        "service": WORDS["services"][visit.service][0],
        "status": status,
        "items": json.dumps(visit.items, separators=(",", ":")) if visit.items else "",
        "location": visit.location,
    }


def job_files(visits: list[Visit]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """What is on file at AS_OF, and what the 90 days after it add to it or change in it."""
    before, after = [], []
    visits.sort(key=lambda visit: (visit.booked_for or visit.at, visit.contact, visit.service))
    for order, visit in enumerate(visits):
        number = f"J-{order + 20001}"
        if visit.booked_for is not None and visit.booked_for > AS_OF:
            before.append(job_cells(number, visit, visit.booked_for, "scheduled"))
            after.append(job_cells(number, visit, visit.at, visit.status))
        elif visit.at <= AS_OF:
            # Every 1,500th was done and never ticked off: a booking in the past, which is no business and not ahead.
            status = "scheduled" if order % 1500 == 700 else visit.status
            before.append(job_cells(number, visit, visit.at, status))
        else:
            after.append(job_cells(number, visit, visit.at, visit.status))
    return before, after


def spoil(contacts: list[dict[str, str]], jobs: list[dict[str, str]]) -> None:
    """The rows that every real export has and no importer should take, and three contacts that are written twice."""
    blank = dict.fromkeys(CONTACT_COLUMNS, "")
    contacts[1700:1700] = [
        blank | {"first_name": "Walk-in", "last_name": "Customer"},
        blank | {"external_id": "C-9001", "first_name": "Pat", "last_name": "Lowe", "acquired_on": "02/31/2025"},
        blank | {"external_id": "C-9002", "first_name": "Sam", "last_name": "Reed", "email_consent": "maybe"},
        blank | {"external_id": "C-9003", "first_name": "Kim", "last_name": "York", "sms_consent_at": "last spring"},
    ]
    contacts.extend(row | {"city": "Portland", "region": "OR", "postal_code": "97202"} for row in contacts[500:503])
    model = job_cells(
        "", Visit("C-1001", datetime(2025, 5, 6, 10, 0), "ac_tune_up", 13900, ""), datetime(2025, 5, 6, 10), "completed"
    )
    jobs[4000:4000] = [
        model | {"external_id": "J-90001", "amount": "$139.00"},
        model | {"external_id": "J-90002", "amount": "1,390.00"},
        model | {"external_id": "J-90003", "completed_at": "2025-02-30T10:00:00"},
        model | {"external_id": "J-90004", "completed_at": ""},
        model | {"external_id": "J-90005", "status": "done"},
        model | {"external_id": "J-90006", "contact_external_id": "C-99999"},
        model | {"external_id": "", "amount": "89.00"},
    ]


def write(path: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    """One CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def generate(out: Path) -> None:
    """Draw everything and write the three files."""
    town, people = Town(), list[Person]()
    for number in range(1, PEOPLE + 1):
        people.append(make_person(number, town, people[-1] if people else None))
    visits = [visit for person in people for visit in visits_of(person)]
    twice = [person for person in people if person.kind in ("plan", "annual") and not person.paired][7::29][:DUPLICATES]
    people += [duplicate(person, PEOPLE + order + 1, visits) for order, person in enumerate(twice)]
    contacts = [person.cells for person in people]
    before, after = job_files(visits)
    spoil(contacts, before)
    out.mkdir(parents=True, exist_ok=True)
    write(out / "contacts.csv", CONTACT_COLUMNS, contacts)
    write(out / "jobs.csv", JOB_COLUMNS, before)
    write(out / "jobs_after.csv", JOB_COLUMNS, after)


def main() -> None:
    """Parse, generate."""
    parser = argparse.ArgumentParser(description="Make the bundled sample business")
    parser.add_argument(
        "out", type=Path, nargs="?", default=HERE, help="where the files go (default: beside this script)"
    )
    generate(parser.parse_args().out)


if __name__ == "__main__":
    main()
