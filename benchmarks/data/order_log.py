"""Turn the CDNOW and ESSEC purchase logs into files for import_contacts and import_jobs.

    python3 benchmarks/data/order_log.py cdnow SHARED_DATA_DIR OUT_DIR
    python3 benchmarks/data/order_log.py essec SHARED_DATA_DIR OUT_DIR

Both sources know a customer number, a day and an amount, and nothing else; neither may be bundled with the product
(see the README of the data folder). A purchase has no number of its own: it becomes ``<customer>-<day>-<n>``, n
counting the purchases of that customer on that day in file order. It has no time of day: it is written as noon. Every
purchase is ``completed``, one of 0.00 too: it was a visit. Currency: US dollars for CDNOW, euros for ESSEC (assumed).

Contacts are made up around the customer numbers, as in online_retail.py: ``c<number>@example.invalid``, e-mail consent
``yes`` since the first purchase with a source that says that it was invented.
"""

import argparse
import csv
import gzip
from collections import Counter
from pathlib import Path

SOURCES = {"cdnow": ("cdnow_sample.csv.gz", "USD"), "essec": ("essec_purchases_half.csv.gz", "EUR")}
CONSENT_SOURCE = "invented for this data set: the source has no consent"

CONTACT_COLUMNS = [
    "external_id",
    "email",
    "acquired_on",
    "email_consent",
    "email_consent_at",
    "email_consent_source",
]
JOB_COLUMNS = ["external_id", "contact_external_id", "completed_at", "amount", "currency", "status"]


def convert(which: str, shared_data: Path, out: Path) -> tuple[int, int]:
    """Write contacts.csv and jobs.csv; return how many rows each has."""
    source, currency = SOURCES[which]
    with gzip.open(shared_data / source, "rt", encoding="utf-8", newline="") as lines:
        purchases = sorted(csv.DictReader(lines), key=lambda row: row["date"])  # stable: file order within a day
    first_seen: dict[str, str] = {}
    for purchase in purchases:
        first_seen.setdefault(purchase["customer_id"], purchase["date"])

    out.mkdir(parents=True, exist_ok=True)
    with (out / "contacts.csv").open("w", encoding="utf-8", newline="") as file:
        contacts = csv.writer(file, lineterminator="\n")
        contacts.writerow(CONTACT_COLUMNS)
        for number in sorted(first_seen, key=int):
            day = first_seen[number]
            contacts.writerow([number, f"c{number}@example.invalid", day, "yes", f"{day} 12:00:00", CONSENT_SOURCE])
    with (out / "jobs.csv").open("w", encoding="utf-8", newline="") as file:
        jobs = csv.writer(file, lineterminator="\n")
        jobs.writerow(JOB_COLUMNS)
        on_that_day: Counter[str] = Counter()
        for purchase in purchases:
            key = f"{purchase['customer_id']}-{purchase['date']}"
            on_that_day[key] += 1
            jobs.writerow(
                [
                    f"{key}-{on_that_day[key]}",
                    purchase["customer_id"],
                    f"{purchase['date']} 12:00:00",
                    purchase["amount"],
                    currency,
                    "completed",
                ]
            )
    return len(first_seen), len(purchases)


def main() -> None:
    """Parse, convert, report."""
    parser = argparse.ArgumentParser(description="CDNOW or ESSEC purchases as contacts.csv and jobs.csv")
    parser.add_argument("which", choices=sorted(SOURCES))
    parser.add_argument("shared_data", type=Path, help="the folder that holds the gzipped purchases")
    parser.add_argument("out", type=Path, help="where contacts.csv and jobs.csv are written")
    arguments = parser.parse_args()
    contacts, jobs = convert(arguments.which, arguments.shared_data, arguments.out)
    print(f"{contacts} contacts, {jobs} jobs in {arguments.out}")


if __name__ == "__main__":
    main()
