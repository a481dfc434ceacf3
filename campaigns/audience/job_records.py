"""From the text of a row to the values of a job, or the reason why it is rejected."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from campaigns.audience import addresses
from campaigns.audience.models import Job
from campaigns.audience.values import Rejected, Setting, moment, refuse_broken, short, unknown_columns
from winback.money import to_minor

JOB_COLUMNS = frozenset({
    "external_id", "contact_external_id", "contact_email", "completed_at", "amount", "currency", "service", "status",
    "items", "location",
})  # fmt: skip
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_LATEST = timedelta(days=366 * 5)
_MOST_MINOR = 10**15  # more than anybody was ever paid; sums of it still fit
_MOST_NESTED = 20
_STATUSES = frozenset(Job.Status.values)


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


def job_record(row: Mapping[str, str], setting: Setting) -> JobRecord:
    """The job of a row; raises Rejected."""
    refuse_broken(row)
    get = row.get
    external_id = get("external_id", "")
    if not external_id or len(external_id) > 200:
        raise Rejected("external_id: every job needs one, of at most 200 characters")
    contact_id, contact_email = get("contact_external_id", "") or None, get("contact_email", "")
    email_key = addresses.email_key(contact_email) if contact_email else None
    if contact_id is None and email_key is None:
        raise Rejected("needs contact_external_id or a valid contact_email")
    status = (get("status", "") or Job.Status.COMPLETED).lower()
    if status not in _STATUSES:
        raise Rejected(f"status: {short(status)} is none of {', '.join(Job.Status.values)}")
    if not get("completed_at", ""):
        raise Rejected("completed_at: is empty")
    completed_at = moment(get("completed_at", ""), setting.zone, "completed_at")
    if completed_at > setting.read_at + _LATEST:
        raise Rejected(f"completed_at: {completed_at:%Y-%m-%d} lies more than five years ahead")
    currency = get("currency", "").upper() or setting.currency
    if not _CURRENCY.match(currency):
        raise Rejected(f"currency: {short(currency)} is no ISO 4217 code")
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
        attributes={name: row[name] for name in unknown_columns(tuple(row), JOB_COLUMNS) if row[name]},
    )


def _amount(text: str, currency: str) -> int:
    if len(text) > 40:
        raise Rejected(f"amount: {short(text)} is not an amount")
    try:
        amount = to_minor(text or "0", currency)
    except ValueError as error:
        raise Rejected(f"amount: {error}") from error
    if abs(amount) > _MOST_MINOR:
        raise Rejected(f"amount: {text} is too large to be meant")
    return amount


def _items(text: str) -> str:
    if not text:
        return "[]"
    try:
        value: Any = json.loads(text, parse_constant=_no_number)
        _refuse_unstorable(value, _MOST_NESTED)
        kept = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"items: is no JSON that can be kept ({short(str(error))})") from error
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
