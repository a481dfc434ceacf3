"""A provider's report as the row that is staged: bounded, without what PostgreSQL cannot hold, its time made safe.

Every report passes here, so what only some kinds need is worked out for those alone.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from django.conf import settings

from campaigns.audience.addresses import address_hmac, email_key, phone_e164
from campaigns.delivery.routing import reference_of
from campaigns.tracking import engagement
from tenants.connections.models import Connection
from winback.providers.errors import without_addresses
from winback.providers.receiving import Arrival, Report, ReportKind

MOST_KEY = 120
MOST_TEXT = 4_000
_REFERENCE = re.compile(re.escape(reference_of(0)[:-1]) + r"(\d{1,18})\Z")
_FUTURE = timedelta(hours=1)
_LONG_AGO = timedelta(days=400)
_SAYS_NO = frozenset({ReportKind.COMPLAINED, ReportKind.UNSUBSCRIBED})
_NOT_ARRIVED = frozenset({ReportKind.BOUNCED, ReportKind.FAILED})
_FORBIDS = _SAYS_NO | _NOT_ARRIVED
_WORD = {kind: str(kind) for kind in ReportKind}
_OF_A_PERSON = _FORBIDS | {ReportKind.REPLIED}
"""Kinds that concern whoever has the address, whichever message they name."""


class Staged(NamedTuple):
    """The columns of ``reported``, in their order."""

    place: int
    item_id: int
    connection_id: int
    channel: str
    kind: str
    key: str
    reference_id: int | None
    referenced: bool
    provider_id: str
    address: str
    digest: str
    bounce: str
    code: str
    data: str
    occurred_at: datetime

    @property
    def may_suppress(self) -> bool:
        return self.kind in _FORBIDS


def staged(report: Report, *, place: int, item_id: int, opened: Connection, arrival: Arrival) -> Staged:
    """One report of one connection, ready to be matched."""
    kind, reference = report.kind, report.reference
    found = _REFERENCE.match(reference) if reference else None
    address = _address(report, opened) if report.address and kind in _OF_A_PERSON else ""
    told = _TOLD.get(kind)
    return Staged(
        place,
        item_id,
        opened.id,
        opened.kind,
        _WORD[kind],
        _key(opened.id, report.key),
        int(found[1]) if found else None,
        bool(reference),
        _clean(report.provider_id)[:200],
        address,
        address_hmac(address) if address else "",
        str(report.bounce) if kind in _NOT_ARRIVED else "",
        _clean(report.code)[:60],
        "{}" if told is None else told(report),
        _moment(report.occurred_at, arrival.received_at),
    )


def _clean(text: str) -> str:
    """Without NUL and lone surrogates, which no text of PostgreSQL holds."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _key(connection_id: int, key: str) -> str:
    """Two accounts of one provider may count alike."""
    whole = f"{connection_id}:{_clean(key)}"
    return whole if len(whole) <= MOST_KEY else f"{connection_id}:{sha256(whole.encode()).hexdigest()}"


def _address(report: Report, opened: Connection) -> str:
    text = _clean(report.address)[:320]
    found = phone_e164(text, opened.tenant.country) if opened.kind == "sms" else email_key(text)
    return found or ""


def _moment(said: datetime | None, received_at: datetime) -> datetime:
    """The provider's clock where it can be right."""
    if said is None:
        return received_at
    try:
        moment = said if said.tzinfo else said.replace(tzinfo=UTC)
        return moment if received_at - _LONG_AGO <= moment <= received_at + _FUTURE else received_at
    except OverflowError:
        return received_at


# What stays with the interaction: no address, and no link that opens something.


def _of_failure(report: Report) -> str:
    told = {"class": str(report.bounce), "code": _clean(report.code)[:60]}
    return _written(told | ({"said": without_addresses(_clean(report.detail))[:300]} if report.detail else {}))


def _of_open(report: Report) -> str:
    return _written_open(report.machine, engagement.of_open(report))


@cache
def _written_open(machine: bool | None, confidence: str) -> str:
    return _written({"machine": machine, "confidence": confidence})


def _of_click(report: Report) -> str:
    return _written(
        {
            "link": engagement.without_token(_clean(report.url), settings.WINBACK_PUBLIC_URL),
            "machine": report.machine,
            "known_agent": engagement.is_known_scanner(report.user_agent),
        }
    )


def _of_reply(report: Report) -> str:
    return _written({"text": _clean(report.text)[:MOST_TEXT]})


def _of_complaint(report: Report) -> str:
    return _written({"code": _clean(report.code)[:60]}) if report.code else "{}"


def _written(told: Mapping[str, Any]) -> str:
    return json.dumps(told)


_TOLD: Mapping[ReportKind, Callable[[Report], str]] = {
    ReportKind.BOUNCED: _of_failure,
    ReportKind.FAILED: _of_failure,
    ReportKind.OPENED: _of_open,
    ReportKind.CLICKED: _of_click,
    ReportKind.REPLIED: _of_reply,
    ReportKind.COMPLAINED: _of_complaint,
}
