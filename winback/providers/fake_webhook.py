"""What the fakes of all kinds report over their webhook: JSON in our own words, shown by a shared secret. For tests."""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from hmac import compare_digest

from winback.providers.account import ProviderAccount
from winback.providers.receiving import Arrival, BounceClass, NotAuthentic, NotUnderstood, Report, ReportKind

_NAMES = frozenset(field.name for field in fields(Report))


class FakeWebhook(ProviderAccount):
    """The header ``x-fake-secret`` must be the credential ``webhook_secret``; the body is a list of reports."""

    takes_webhooks = True

    def authenticate(self, arrival: Arrival) -> None:
        secret = str(self.credentials.get("webhook_secret") or "")
        if not secret or not compare_digest(arrival.headers.get("x-fake-secret", "").encode(), secret.encode()):
            raise NotAuthentic("The secret is not the one of this connection.")

    def acknowledgement(self, arrival: Arrival) -> tuple[str, bytes]:
        return "text/plain", b"kept"

    def read(self, arrival: Arrival) -> Sequence[Report]:
        try:
            return [_report(one) for one in json.loads(arrival.body)]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise NotUnderstood(f"This is no list of reports: {type(error).__name__}.") from error


def _report(one: dict[str, object]) -> Report:
    known: dict[str, object] = {name: value for name, value in one.items() if name in _NAMES}
    known["kind"] = ReportKind(str(one["kind"]))
    known["bounce"] = BounceClass(str(one.get("bounce", BounceClass.UNKNOWN)))
    if one.get("occurred_at"):
        known["occurred_at"] = datetime.fromisoformat(str(one["occurred_at"]))
    return Report(**known)  # type: ignore[arg-type]
