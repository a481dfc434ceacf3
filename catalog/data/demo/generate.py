"""Make the bundled sample business: contacts.csv, jobs.csv and jobs_after.csv.

    python3 -m catalog.data.demo.generate [OUT_DIR]

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
from datetime import datetime
from pathlib import Path

from catalog.data.demo.drawing import AS_OF, HERE, WORDS, Draw
from catalog.data.demo.people import CONTACT_COLUMNS, Person, Town, make_person, written
from catalog.data.demo.visits import Visit, visits_of

PEOPLE = 2616
DUPLICATES = 24
JOB_COLUMNS = [
    *("external_id", "contact_external_id", "completed_at", "amount", "currency", "service", "status"),
    *("items", "location"),
]


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
