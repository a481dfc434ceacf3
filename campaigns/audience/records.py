"""From the text of a row to the values of a contact or a job, or the reason why it is rejected."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from campaigns.audience import addresses
from campaigns.audience.models import Job
from campaigns.audience.reading import BROKEN
from campaigns.audience.regions import zones_of_place
from winback.money import to_minor

CONTACT_COLUMNS = {
    "external_id", "email", "phone", "first_name", "last_name", "company", "address", "city", "region", "postal_code",
    "country", "timezone", "tags", "acquired_on", "acquisition_channel", "email_consent", "email_consent_at",
    "email_consent_source", "sms_consent", "sms_consent_at", "sms_consent_source", "sms_consent_text",
}  # fmt: skip
JOB_COLUMNS = {
    "external_id", "contact_external_id", "contact_email", "completed_at", "amount", "currency", "service", "status",
    "items", "location",
}  # fmt: skip
_ZONES = available_timezones()
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_LATEST = timedelta(days=366 * 5)
_MOST_MINOR = 10**15  # more than anybody was ever paid; sums of it still fit
_MOST_NESTED = 20
# The codes that people write for one of ISO 3166.
_MEANT = {"UK": "GB", "EL": "GR"}


class Zone(IntEnum):
    """How much a row says about its person's time zone."""

    UNKNOWN = 0
    FOUND = 1
    STATED = 2


class Rejected(ValueError):
    """The row breaks a rule; the message is the reason that stands in the rejects file."""


@dataclass(frozen=True)
class Setting:
    """What the rows of a file are read against."""

    zone: ZoneInfo
    country: str
    region: str
    currency: str
    now: datetime


@dataclass(slots=True)
class ConsentClaim:
    """What a file says about permission over one channel."""

    state: str
    stated_at: datetime | None
    source: str
    wording: str


@dataclass(slots=True)
class ContactRecord:
    """The values of one contact row; the country is empty where the row names none."""

    external_id: str | None
    email: str
    email_key: str | None
    phone: str
    phone_key: str | None
    names: tuple[str, str, str]
    place: tuple[str, str, str, str, str]
    zones: tuple[str, ...]
    zone_known: Zone
    acquired_on: date | None
    acquisition_channel: str
    tags: list[str]
    consents: dict[str, ConsentClaim] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class JobRecord:
    """The values of one job row."""

    external_id: str
    contact_external_id: str | None
    contact_email_key: str | None
    completed_at: datetime
    amount_minor: int
    currency: str
    service: str
    status: str
    items: str
    location: str
    attributes: dict[str, str] = field(default_factory=dict)


def moment(text: str, zone: ZoneInfo, name: str) -> datetime:
    """A time as the file gives it: without a zone it is the tenant's, a date alone is 12:00 of that day.

    A local time that a clock change skips or repeats is read as the earlier offset, as Python's fold=0 does.
    """
    try:
        if len(text) <= 10:  # no room for a time: a date, in any of ISO's spellings
            value = datetime.combine(date.fromisoformat(text), time(12))
        else:
            value = datetime.fromisoformat(text)
    except ValueError as error:
        raise Rejected(f"{name}: {_short(text)} is no time (write 2026-09-30 or 2026-09-30T14:00)") from error
    if not 1900 <= value.year <= 9000:
        raise Rejected(f"{name}: the year {value.year} cannot be meant")
    return value if value.tzinfo else value.replace(tzinfo=zone)


@lru_cache(maxsize=10_000)
def _zones_of_place(country: str, region: str) -> tuple[str, ...]:
    return zones_of_place(country, region)


def contact_record(row: Mapping[str, str], setting: Setting) -> ContactRecord:
    """The contact of a row; raises Rejected."""
    _refuse_broken(row)
    get = row.get
    external_id = get("external_id", "") or None
    if external_id is not None and len(external_id) > 200:
        raise Rejected("external_id: longer than 200 characters")
    email = get("email", "")
    email_key = addresses.email_key(email) if email else None
    if email and email_key is None:
        raise Rejected(f"email: {_short(email)} is no e-mail address")
    stated_country = get("country", "").upper()
    stated_country = _MEANT.get(stated_country, stated_country)
    country = stated_country or setting.country
    if not _COUNTRY.match(country):
        raise Rejected(f"country: {_short(country)} is no two-letter ISO 3166 code")
    phone = get("phone", "")
    phone_key = addresses.phone_e164(phone, country) if phone else None
    if phone and phone_key is None:
        raise Rejected(f"phone: {_short(phone)} is no valid number in {country}")
    if external_id is None and email_key is None and phone_key is None:
        raise Rejected("needs one of external_id, email, phone")
    region = get("region", "")
    stated = get("timezone", "")
    if stated and stated not in _ZONES:
        raise Rejected(f"timezone: {_short(stated)} is no IANA zone")
    zones, known = _zones(country, region, phone_key, stated, setting)
    acquired = get("acquired_on", "")
    return ContactRecord(
        external_id=external_id,
        email=email,
        email_key=email_key,
        phone=phone_key or "",
        phone_key=phone_key,
        names=(get("first_name", "")[:200], get("last_name", "")[:200], get("company", "")[:200]),
        place=(
            get("address", "")[:300],
            get("city", "")[:200],
            region[:60],
            get("postal_code", "")[:20],
            stated_country,
        ),
        zones=zones,
        zone_known=known,
        acquired_on=moment(acquired, setting.zone, "acquired_on").date() if acquired else None,
        acquisition_channel=get("acquisition_channel", "")[:120],
        tags=_tags(get("tags", "")),
        consents=_consents(row, setting),
        attributes={name: value for name, value in row.items() if name not in CONTACT_COLUMNS and value},
    )


def _zones(
    country: str, region: str, phone_key: str | None, stated: str, setting: Setting
) -> tuple[tuple[str, ...], Zone]:
    """Every zone that the person may be in, and how that is known."""
    if stated:
        return (stated,), Zone.STATED
    found = _zones_of_place(country, region) or (addresses.zones_of_number(phone_key) if phone_key else ())
    return (found, Zone.FOUND) if found else ((setting.zone.key,), Zone.UNKNOWN)


def job_record(row: Mapping[str, str], setting: Setting) -> JobRecord:
    """The job of a row; raises Rejected."""
    _refuse_broken(row)
    get = row.get
    external_id = get("external_id", "")
    if not external_id or len(external_id) > 200:
        raise Rejected("external_id: every job needs one, of at most 200 characters")
    contact_id, contact_email = get("contact_external_id", "") or None, get("contact_email", "")
    email_key = addresses.email_key(contact_email) if contact_email else None
    if contact_id is None and email_key is None:
        raise Rejected("needs contact_external_id or a valid contact_email")
    status = (get("status", "") or Job.Status.COMPLETED).lower()
    if status not in Job.Status.values:
        raise Rejected(f"status: {_short(status)} is none of {', '.join(Job.Status.values)}")
    if not get("completed_at", ""):
        raise Rejected("completed_at: is empty")
    completed_at = moment(get("completed_at", ""), setting.zone, "completed_at")
    if completed_at > setting.now + _LATEST:
        raise Rejected(f"completed_at: {completed_at:%Y-%m-%d} lies more than five years ahead")
    currency = get("currency", "").upper() or setting.currency
    if not _CURRENCY.match(currency):
        raise Rejected(f"currency: {_short(currency)} is no ISO 4217 code")
    amount = _amount(get("amount", ""), currency)
    return JobRecord(
        external_id=external_id,
        contact_external_id=contact_id,
        contact_email_key=email_key,
        completed_at=completed_at,
        amount_minor=amount,
        currency=currency,
        service=get("service", "")[:200],
        status=status,
        items=_items(get("items", "")),
        location=get("location", "")[:200],
        attributes={name: value for name, value in row.items() if name not in JOB_COLUMNS and value},
    )


def _amount(text: str, currency: str) -> int:
    if len(text) > 40:
        raise Rejected(f"amount: {_short(text)} is not an amount")
    try:
        amount = to_minor(text or "0", currency)
    except ValueError as error:
        raise Rejected(f"amount: {error}") from error
    if abs(amount) > _MOST_MINOR:
        raise Rejected(f"amount: {text} is too large to be meant")
    return amount


def _refuse_broken(row: Mapping[str, str]) -> None:
    if BROKEN in row:
        raise Rejected(row[BROKEN])


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")


def _tags(text: str) -> list[str]:
    """Tags trimmed and lower case; ``winback:`` ones are ours and never come from a file."""
    names = (part.strip().lower()[:80] for part in text.split(";"))
    return sorted({name for name in names if name and not name.startswith("winback:")})


def _consents(row: Mapping[str, str], setting: Setting) -> dict[str, ConsentClaim]:
    found = {}
    for channel in ("email", "sms"):
        word = row.get(f"{channel}_consent", "").lower()
        if word not in {"", "yes", "no"}:
            raise Rejected(f"{channel}_consent: {_short(word)} is none of yes, no and empty")
        at = row.get(f"{channel}_consent_at", "")
        stated_at = moment(at, setting.zone, f"{channel}_consent_at") if at else None
        if word:
            found[channel] = ConsentClaim(
                state="given" if word == "yes" else "withdrawn",
                stated_at=stated_at,
                source=row.get(f"{channel}_consent_source", "")[:300],
                wording=row.get("sms_consent_text", "") if channel == "sms" else "",
            )
    return found


def _items(text: str) -> str:
    if not text:
        return "[]"
    try:
        value: Any = json.loads(text, parse_constant=_no_number)
        _refuse_unstorable(value, _MOST_NESTED)
        kept = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"items: is no JSON that can be kept ({_short(str(error))})") from error
    if not isinstance(value, list):
        raise Rejected("items: must be a JSON list")
    return kept


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _refuse_unstorable(value: Any, depth: int) -> None:
    """What JSON allows and PostgreSQL does not: zero bytes, halves of characters, nesting without end."""
    if not depth:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a zero byte")
        value.encode()  # a half of a surrogate pair cannot be encoded, which is a ValueError
    elif isinstance(value, list):
        for each in value:
            _refuse_unstorable(each, depth - 1)
    elif isinstance(value, dict):
        for name, each in value.items():
            _refuse_unstorable(name, depth - 1)
            _refuse_unstorable(each, depth - 1)
