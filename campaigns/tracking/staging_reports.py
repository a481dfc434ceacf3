"""A provider's report as the row that is staged: bounded, without what PostgreSQL cannot hold, its time made safe."""

import json
import re
from datetime import UTC, datetime, timedelta
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
        return self.kind in _SAYS_NO or self.kind in _NOT_ARRIVED


def staged(report: Report, *, place: int, item_id: int, opened: Connection, arrival: Arrival) -> Staged:
    """One report of one connection, ready to be matched."""
    found = _REFERENCE.match(report.reference)
    address = _address(report, opened) if report.address else ""
    personal = report.kind in _SAYS_NO or report.kind is ReportKind.REPLIED or report.kind in _NOT_ARRIVED
    return Staged(
        place=place,
        item_id=item_id,
        connection_id=opened.pk,
        channel=opened.kind,
        kind=str(report.kind),
        key=_key(opened.pk, report.key),
        reference_id=int(found[1]) if found else None,
        referenced=bool(report.reference),
        provider_id=_clean(report.provider_id)[:200],
        address=address,
        digest=address_hmac(address) if address and personal else "",
        bounce=str(report.bounce) if report.kind in _NOT_ARRIVED else "",
        code=_clean(report.code)[:60],
        data=json.dumps(_data(report)),
        occurred_at=_moment(report.occurred_at, arrival.received_at),
    )


def _clean(text: str) -> str:
    """Without NUL and lone surrogates, which no text of PostgreSQL holds."""
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


def _data(report: Report) -> dict[str, Any]:
    """What stays with the interaction: no address, and no link that opens something."""
    match report.kind:
        case ReportKind.BOUNCED | ReportKind.FAILED:
            told = {"class": str(report.bounce), "code": _clean(report.code)[:60]}
            return told | ({"said": without_addresses(_clean(report.detail))[:300]} if report.detail else {})
        case ReportKind.OPENED:
            return {"machine": report.machine, "confidence": engagement.of_open(report)}
        case ReportKind.CLICKED:
            return {
                "link": engagement.without_token(_clean(report.url), settings.WINBACK_PUBLIC_URL),
                "machine": report.machine,
                "known_agent": engagement.is_known_scanner(report.user_agent),
            }
        case ReportKind.REPLIED:
            return {"text": _clean(report.text)[:MOST_TEXT]}
        case ReportKind.COMPLAINED:
            return {"code": _clean(report.code)[:60]} if report.code else {}
        case _:
            return {}
