"""What every service's webhook must do: inherit ``WebhookContract`` and say how an authentic arrival is made.

The payloads are the vendors' published examples, cut to what is read, with our reference where the vendor brings it
back.
"""

import base64
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives import serialization

from winback.providers.email.base import EmailProvider
from winback.providers.receiving import Arrival, BounceClass, NotAuthentic, NotUnderstood, Report, ReportKind
from winback.providers.registry import email_provider

NOW = datetime(2026, 9, 30, 12, 0, tzinfo=UTC)
ADDRESS = "ana.oak@example.org"
HARD, SOFT, BLOCKED = BounceClass.HARD, BounceClass.SOFT, BounceClass.BLOCKED
CONTENT, UNKNOWN = BounceClass.CONTENT, BounceClass.UNKNOWN
TOKEN_IN_THE_ADDRESS = "https://book.example.com/hooks/x/AQEAAAABAAAAAAAAAAd0b2tlbg/"


@dataclass(frozen=True)
class Sample:
    """A payload and what it reports; None: nothing that we keep."""

    payload: Any
    kind: ReportKind | None
    bounce: BounceClass = UNKNOWN
    code: str = ""
    machine: bool | None = None
    url: str = ""
    occurred_at: datetime | None = None


def arrival(body: bytes, *, at: datetime = NOW, method: str = "POST", **headers: str) -> Arrival:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Arrival(
        TOKEN_IN_THE_ADDRESS, {"content-type": "application/json", **named}, body, received_at=at, method=method
    )


class WebhookContract:
    """Define ``provider``, ``arriving`` and ``SAMPLES``."""

    SAMPLES: ClassVar[tuple[Sample, ...]]
    provider_id: ClassVar[str] = ""
    """The id that every sample names."""
    signs_the_body: ClassVar[bool] = True
    signs_the_time: ClassVar[bool] = False
    reference: ClassVar[str] = "ref-1"
    garbage: ClassVar[tuple[bytes, ...]] = (b"[1]", b"7", b"null", b'{"x": ' + b"[" * 50 + b"]" * 50 + b"}")

    def provider(self, **told: Any) -> EmailProvider:
        raise NotImplementedError

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        """The payload as the service posts and signs it at this moment."""
        raise NotImplementedError

    def raw(self, body: bytes) -> Arrival:
        """A body that is no event, for reading alone."""
        return arrival(body)

    def strangers(self) -> EmailProvider:
        """The same, with another secret."""
        raise NotImplementedError

    def _first(self) -> Arrival:
        return self.arriving(self.SAMPLES[0].payload)

    def test_says_that_it_takes_webhooks(self) -> None:
        assert self.provider().takes_webhooks

    def test_every_sample_is_authentic_and_reports_what_it_says(self) -> None:
        for sample in self.SAMPLES:
            came = self.arriving(sample.payload)

            self.provider().authenticate(came)
            reports = self.provider().read(came)

            if sample.kind is None:
                assert reports == [], sample
                continue
            (report,) = reports
            said = (report.kind, report.bounce, report.code, report.machine, report.url)
            assert said == (sample.kind, sample.bounce, sample.code, sample.machine, sample.url), sample
            assert report.reference == self.reference
            assert report.provider_id == self.provider_id
            assert report.address == ADDRESS
            assert sample.occurred_at is None or report.occurred_at == sample.occurred_at
            assert report.occurred_at is None or report.occurred_at.tzinfo is not None

    def test_reads_the_same_keys_each_time_and_other_keys_for_other_events(self) -> None:
        once = [self._keys(sample) for sample in self.SAMPLES]
        again = [self._keys(sample) for sample in self.SAMPLES]

        assert once == again
        keys = [key for each in once for key in each]
        assert len(keys) == len(set(keys))
        assert all(0 < len(key) <= 120 for key in keys)
        assert not any("ana" in key for key in keys)

    def _keys(self, sample: Sample) -> list[str]:
        return [report.key for report in self.provider().read(self.arriving(sample.payload))]

    def test_a_stranger_is_refused(self) -> None:
        self._refused(self._first(), by=self.strangers())

    def test_nothing_and_other_methods_are_refused(self) -> None:
        self._refused(replace(self._first(), body=b""))
        self._refused(replace(self._first(), method="GET"))

    def test_a_body_that_was_changed_is_refused(self) -> None:
        if not self.signs_the_body:
            pytest.skip("this service's proof is not of the body")
        came = self._first()

        self._refused(replace(came, body=came.body.replace(ADDRESS.encode(), b"bo@example.org")))

    def test_without_its_headers_it_is_refused(self) -> None:
        came = self._first()
        if set(came.headers) == {"content-type"}:
            pytest.skip("the proof stands in the body")

        self._refused(replace(came, headers={"content-type": "application/json"}))
        for name in came.headers:
            if name != "content-type":
                self._refused(replace(came, headers={**came.headers, name: "tampered é"}))

    def test_what_is_old_or_from_the_future_is_refused(self) -> None:
        if not self.signs_the_time:
            pytest.skip("this service signs no time: its keys tell a repetition")
        came = self._first()

        for later in (timedelta(hours=2), -timedelta(hours=2)):
            self._refused(replace(came, received_at=NOW + later))

    def _refused(self, came: Arrival, *, by: EmailProvider | None = None) -> None:
        with pytest.raises(NotAuthentic) as caught:
            (by or self.provider()).authenticate(came)
        assert "oak" not in str(caught.value)

    def test_what_cannot_be_read_is_said_so_and_names_nobody(self) -> None:
        for body in (*self.garbage, b"ana.oak@example.org", b"\xff\xfe", json.dumps({"email": ADDRESS}).encode()):
            said, found = "", []
            try:
                found = list(self.provider().read(self.raw(body)))
            except NotUnderstood as error:
                said = str(error)

            assert found == [], body
            assert "oak" not in said

    def test_two_connections_know_their_own_secrets(self, settings: Any) -> None:
        settings.ANYMAIL = {"WEBHOOK_SECRET": "somebody:else's", "DEBUG_API_REQUESTS": True}

        self.provider().authenticate(self._first())
        assert isinstance(self.provider().read(self._first())[0], Report)


def as_json(payload: Any) -> bytes:
    return json.dumps(payload).encode()


def public(key: Any) -> str:
    encoded = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(encoded).decode()


class ByBasicAuth(WebhookContract):
    """Name and password in the URL."""

    code: str
    signs_the_body = False

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider(self.code, {"webhook_username": "oak", "webhook_password": "hörse:battery", **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(webhook_password="another")

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        encoded = base64.b64encode("oak:hörse:battery".encode()).decode()
        return arrival(as_json(payload), at=at, authorization=f"Basic {encoded}")

    def test_without_a_password_the_address_has_to_do(self) -> None:
        self.provider(webhook_username="", webhook_password="").authenticate(arrival(b"{}"))

    def test_a_name_alone_is_no_password(self) -> None:
        with pytest.raises(NotAuthentic):
            self.provider(webhook_username="").authenticate(self._first())
