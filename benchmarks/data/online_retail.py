"""Turn the Online Retail II orders into files for import_contacts and import_jobs.

    python3 benchmarks/data/online_retail.py SHARED_DATA_DIR OUT_DIR

reads SHARED_DATA_DIR/online_retail_ii_orders.csv.gz (UCI Online Retail II, Chen, doi 10.24432/C5CG6D, CC BY 4.0) and
writes OUT_DIR/contacts.csv and OUT_DIR/jobs.csv. Only the standard library is needed; the same input gives the same
bytes.

Jobs are the file's own: one row an invoice, its time as London's wall clock (no zone written), its amount in pounds.
Credit notes (invoice numbers that begin with C, negative amounts) are rows of their own in the source and stay so:
status ``refunded``, the negative amount kept. The invoice that a credit note answers is not named in the source, so it
stays ``completed``. The lines of an order are left out (no ``items``).

Contacts are made up around the file's customer numbers, because it has no addresses: ``c<number>@example.invalid``, a
domain that can never receive anything. ``email_consent`` is ``yes`` for everybody, dated at the first row of the
customer, with a source that says that it was invented; no phone, no SMS consent. The country is that of the customer's
latest row, as an ISO 3166 code; places that are no single country (and "Unspecified") are left empty.
"""

import argparse
import csv
import gzip
from pathlib import Path

SOURCE = "online_retail_ii_orders.csv.gz"
CONSENT_SOURCE = "invented for this data set: the source has no consent"

COUNTRY_CODES = {
    "Australia": "AU",
    "Austria": "AT",
    "Bahrain": "BH",
    "Belgium": "BE",
    "Brazil": "BR",
    "Canada": "CA",
    "Channel Islands": "",  # Jersey or Guernsey
    "Cyprus": "CY",
    "Czech Republic": "CZ",
    "Denmark": "DK",
    "EIRE": "IE",
    "European Community": "",
    "Finland": "FI",
    "France": "FR",
    "Germany": "DE",
    "Greece": "GR",
    "Iceland": "IS",
    "Israel": "IL",
    "Italy": "IT",
    "Japan": "JP",
    "Korea": "KR",
    "Lebanon": "LB",
    "Lithuania": "LT",
    "Malta": "MT",
    "Netherlands": "NL",
    "Nigeria": "NG",
    "Norway": "NO",
    "Poland": "PL",
    "Portugal": "PT",
    "RSA": "ZA",
    "Saudi Arabia": "SA",
    "Singapore": "SG",
    "Spain": "ES",
    "Sweden": "SE",
    "Switzerland": "CH",
    "Thailand": "TH",
    "USA": "US",
    "United Arab Emirates": "AE",
    "United Kingdom": "GB",
    "Unspecified": "",
    "West Indies": "",
}

CONTACT_COLUMNS = [
    "external_id",
    "email",
    "country",
    "acquired_on",
    "email_consent",
    "email_consent_at",
    "email_consent_source",
]
JOB_COLUMNS = ["external_id", "contact_external_id", "completed_at", "amount", "currency", "status"]


def convert(shared_data: Path, out: Path) -> tuple[int, int]:
    """Write contacts.csv and jobs.csv; return how many rows each has."""
    with gzip.open(shared_data / SOURCE, "rt", encoding="utf-8", newline="") as lines:
        orders = sorted(csv.DictReader(lines), key=lambda row: (row["ordered_at"], row["order_id"]))
    first_seen: dict[str, str] = {}
    country: dict[str, str] = {}
    for order in orders:
        first_seen.setdefault(order["customer_id"], order["ordered_at"])
        country[order["customer_id"]] = COUNTRY_CODES[order["country"]]

    out.mkdir(parents=True, exist_ok=True)
    with (out / "contacts.csv").open("w", encoding="utf-8", newline="") as file:
        contacts = csv.writer(file, lineterminator="\n")
        contacts.writerow(CONTACT_COLUMNS)
        for number in sorted(first_seen, key=int):
            seen = first_seen[number]
            contacts.writerow(
                [number, f"c{number}@example.invalid", country[number], seen[:10], "yes", seen, CONSENT_SOURCE]
            )
    with (out / "jobs.csv").open("w", encoding="utf-8", newline="") as file:
        jobs = csv.writer(file, lineterminator="\n")
        jobs.writerow(JOB_COLUMNS)
        for order in orders:
            jobs.writerow(
                [
                    order["order_id"],
                    order["customer_id"],
                    order["ordered_at"],
                    order["amount"],
                    "GBP",
                    order["status"],
                ]
            )
    return len(first_seen), len(orders)


def main() -> None:
    """Parse, convert, report."""
    parser = argparse.ArgumentParser(description="Online Retail II orders as contacts.csv and jobs.csv")
    parser.add_argument("shared_data", type=Path, help=f"the folder that holds {SOURCE}")
    parser.add_argument("out", type=Path, help="where contacts.csv and jobs.csv are written")
    arguments = parser.parse_args()
    contacts, jobs = convert(arguments.shared_data, arguments.out)
    print(f"{contacts} contacts, {jobs} jobs in {arguments.out}")


if __name__ == "__main__":
    main()
