"""Read contacts and jobs files the way docs/import.md says, in plain Python."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

JOB_STATUSES = frozenset({"completed", "scheduled", "cancelled", "refunded"})
CONSENT_WORDS = frozenset({"", "yes", "no"})


@dataclass(frozen=True)
class ContactRow:
    """A contact as its file states it."""

    external_id: str
    email: str
    phone: str
    tags: frozenset[str]
    email_consent: str
    sms_consent: str


@dataclass(frozen=True)
class JobRow:
    """A job as its file states it, its time made an instant."""

    external_id: str
    contact: str
    at: datetime
    amount: Decimal
    status: str

    @property
    def counts(self) -> bool:
        """Whether this is business: completed, and not refunded."""
        return self.status == "completed"


@dataclass
class History:
    """All contacts and jobs of one business, by external id, and the line numbers of the rows that were refused."""

    zone: ZoneInfo
    contacts: dict[str, ContactRow] = field(default_factory=dict)
    jobs: dict[str, JobRow] = field(default_factory=dict)
    contact_rows: int = 0
    job_rows: int = 0
    rejected_contact_lines: list[int] = field(default_factory=list)
    rejected_job_lines: list[int] = field(default_factory=list)

    def jobs_by_contact(self) -> dict[str, list[JobRow]]:
        """Every contact's jobs, oldest first; contacts without one have an empty list."""
        found: dict[str, list[JobRow]] = {key: [] for key in self.contacts}
        for job in self.jobs.values():
            found[job.contact].append(job)
        for jobs in found.values():
            jobs.sort(key=lambda job: (job.at, job.external_id))
        return found


def moment(text: str, zone: ZoneInfo) -> datetime:
    """The instant that a cell means: local time of the zone unless it says otherwise; a date alone means noon."""
    text = text.strip()
    is_date = len(text) == len("2026-09-30")
    stated = datetime.combine(date.fromisoformat(text), time(12)) if is_date else datetime.fromisoformat(text)
    if stated.tzinfo is None:
        stated = stated.replace(tzinfo=zone)
    return stated.astimezone(UTC)


def money(text: str) -> Decimal:
    """Digits with a point and perhaps a minus; a currency sign, a comma or an exponent is refused."""
    text = text.strip()
    if not text:
        return Decimal(0)
    if set(text) - set("-0123456789."):
        raise ValueError(f"{text!r} is not an amount")
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not an amount") from error


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        for row in reader:
            yield reader.line_num, {key.strip().lower(): (value or "").strip() for key, value in row.items() if key}


def _contact(row: dict[str, str], zone: ZoneInfo) -> ContactRow:
    if not (row.get("external_id") or row.get("email") or row.get("phone")):
        raise ValueError("nothing to know this contact by")
    if row.get("acquired_on"):
        date.fromisoformat(row["acquired_on"])
    for channel in ("email", "sms"):
        if row.get(f"{channel}_consent", "").lower() not in CONSENT_WORDS:
            raise ValueError(f"{channel}_consent is neither yes nor no")
        if row.get(f"{channel}_consent_at"):
            moment(row[f"{channel}_consent_at"], zone)
    return ContactRow(
        external_id=row.get("external_id", ""),
        email=row.get("email", "").lower(),
        phone=row.get("phone", ""),
        tags=frozenset(tag.strip().lower() for tag in row.get("tags", "").split(";") if tag.strip()),
        email_consent=row.get("email_consent", "").lower(),
        sms_consent=row.get("sms_consent", "").lower(),
    )


def _job(row: dict[str, str], history: History, contact_by_email: dict[str, str]) -> JobRow:
    contact = row.get("contact_external_id") or contact_by_email.get(row.get("contact_email", "").lower(), "")
    if contact not in history.contacts:
        raise ValueError("a job of a contact that is not known")
    status = row.get("status", "").lower() or "completed"
    if status not in JOB_STATUSES:
        raise ValueError(f"{status!r} is no status")
    if not row.get("external_id") or not row.get("completed_at"):
        raise ValueError("a job needs an id and a time")
    return JobRow(
        external_id=row["external_id"],
        contact=contact,
        at=moment(row["completed_at"], history.zone),
        amount=money(row.get("amount", "")),
        status=status,
    )


def read_history(contacts: Path, jobs: Path, *more_jobs: Path, zone: str) -> History:
    """Both files of a business (gzipped or not), later rows with the same id winning; then further files of jobs."""
    history = History(zone=ZoneInfo(zone))
    for line, row in _rows(contacts):
        history.contact_rows += 1
        try:
            contact = _contact(row, history.zone)
        except ValueError:
            history.rejected_contact_lines.append(line)
            continue
        history.contacts[contact.external_id or contact.email or contact.phone] = contact
    contact_by_email = {contact.email: key for key, contact in history.contacts.items() if contact.email}
    for path in (jobs, *more_jobs):
        for line, row in _rows(path):
            history.job_rows += 1
            try:
                job = _job(row, history, contact_by_email)
            except ValueError:
                history.rejected_job_lines.append(line)
                continue
            history.jobs[job.external_id] = job
    return history
