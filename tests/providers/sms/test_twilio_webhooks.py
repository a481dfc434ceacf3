"""What Twilio posts: signed by its own library, read into our words."""

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from tests.factories import NOW
from winback.providers.receiving import Arrival, BounceClass, NotAuthentic, NotUnderstood, ReportKind
from winback.providers.registry import sms_provider
from winback.providers.sms.base import SmsProvider

ACCOUNT, TOKEN = "AC00000000000000000000000000000001", "hunter2"
URL = "https://book.example.com/hooks/twilio/abc/"
FORM = "application/x-www-form-urlencoded"
# As Twilio documents them: https://www.twilio.com/docs/messaging/guides/webhook-request
INBOUND = {
    "ToCountry": "US", "ToState": "CA", "SmsMessageSid": "SM11", "NumMedia": "0", "ToCity": "", "FromZip": "60601",
    "SmsSid": "SM11", "FromState": "IL", "SmsStatus": "received", "FromCity": "CHICAGO", "Body": "Stop ça & co",
    "FromCountry": "US", "To": "+15005550006", "MessagingServiceSid": "MG1", "ToZip": "", "NumSegments": "1",
    "MessageSid": "SM11", "AccountSid": ACCOUNT, "From": "+13125550182", "ApiVersion": "2010-04-01",
}  # fmt: skip
STATUS = {
    "SmsSid": "SM12", "SmsStatus": "delivered", "MessageStatus": "delivered", "To": "+13125550182",
    "MessageSid": "SM12", "AccountSid": ACCOUNT, "From": "+15005550006", "ApiVersion": "2010-04-01",
}  # fmt: skip


def provider(**credentials: str) -> SmsProvider:
    return sms_provider("twilio", {"account_sid": ACCOUNT, "auth_token": TOKEN} | credentials, {})


def arrival(form: dict[str, str], *, url: str = URL, signed_url: str = "", token: str = TOKEN, **more: Any) -> Arrival:
    signature = RequestValidator(token).compute_signature(signed_url or url, form)
    body = urlencode(form).encode()
    headers = {"content-type": FORM, "x-twilio-signature": signature}
    return Arrival(url=url, headers=headers | more.pop("headers", {}), body=more.pop("body", body), received_at=NOW)


def test_its_own_signature_is_genuine() -> None:
    provider().authenticate(arrival(INBOUND))
    provider().authenticate(arrival(STATUS, url=f"{URL}?reference=wb-12"))


@pytest.mark.parametrize(
    ("url", "signed"), [(URL, URL.replace(".com/", ".com:443/")), (URL.replace(".com/", ".com:443/"), URL)]
)
def test_a_port_that_a_proxy_added_or_took_changes_nothing(url: str, signed: str) -> None:
    provider().authenticate(arrival(INBOUND, url=url, signed_url=signed))


def test_a_field_given_twice_is_signed_with_both_values() -> None:
    class Twice(dict[str, str]):
        def getlist(self, name: str) -> list[str]:
            return ["a", "b"] if name == "Media" else [self[name]]

    form = Twice(INBOUND | {"Media": "a"})
    signed = RequestValidator(TOKEN).compute_signature(URL, form)
    body = urlencode([*INBOUND.items(), ("Media", "b"), ("Media", "a")]).encode()

    provider().authenticate(arrival(INBOUND, headers={"x-twilio-signature": signed}, body=body))


@pytest.mark.parametrize(
    "wrong",
    [
        arrival(INBOUND, token="another account's"),
        arrival(INBOUND, headers={"x-twilio-signature": ""}),
        arrival(INBOUND, headers={"x-twilio-signature": "ü" * 28}),
        arrival(INBOUND, headers={"x-twilio-signature": "AAAA"}),
        arrival(INBOUND, signed_url="https://book.example.com/hooks/twilio/of-another/"),
        arrival(INBOUND, body=urlencode(INBOUND | {"Body": "START"}).encode()),
        arrival(INBOUND, body=b"\xff\xfe"),
        arrival(INBOUND, body=b"&".join(b"a%d=1" % number for number in range(1000))),
        arrival(INBOUND | {"AccountSid": "AC2"}),
        arrival(INBOUND, headers={"x-twilio-webhooks-signature-settings": "algorithm=HMAC_MD5"}),
        arrival(INBOUND, headers={"content-type": "application/json"}),
    ],
    ids=[
        "token", "no signature", "not ASCII", "short", "address", "changed", "not UTF-8", "many fields", "account",
        "algorithm", "JSON not covered",
    ],
)  # fmt: skip
def test_anything_else_is_not(wrong: Arrival) -> None:
    with pytest.raises(NotAuthentic):
        provider().authenticate(wrong)


def test_without_a_token_nothing_is_genuine() -> None:
    with pytest.raises(NotAuthentic):
        provider(auth_token="", api_key="SK1", api_secret="secret").authenticate(arrival(INBOUND, token=""))


def test_json_is_covered_by_its_digest_in_the_address() -> None:
    body = json.dumps(STATUS)
    url = f"{URL}?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    signature = RequestValidator(TOKEN).compute_signature(url, {})
    headers = {"content-type": "application/json", "x-twilio-signature": signature}

    provider().authenticate(Arrival(url, headers, body.encode(), NOW))
    with pytest.raises(NotAuthentic):
        provider().authenticate(Arrival(url, headers, body.replace("SM12", "SM13").encode(), NOW))


def test_a_shared_key_signs_with_sha256() -> None:
    signature = RequestValidator("shared").compute_signature(URL, INBOUND, "HMAC_SHA256")
    told = {"x-twilio-signature": signature, "x-twilio-webhooks-signature-settings": "key=k,algorithm=HMAC_SHA256"}

    provider(webhook_secret="shared").authenticate(arrival(INBOUND, headers=told))


def test_a_text_is_a_reply() -> None:
    (report,) = provider().read(arrival(INBOUND))

    assert (report.kind, report.key, report.text) == (ReportKind.REPLIED, "in-SM11", "Stop ça & co")
    assert (report.address, report.sent_to) == ("+13125550182", "+15005550006")
    assert report.answered_by_provider == ""


@pytest.mark.parametrize("kind", ["STOP", "START", "HELP"])
def test_advanced_opt_out_has_answered_already(kind: str) -> None:
    (report,) = provider().read(arrival(INBOUND | {"OptOutType": kind}))

    assert report.answered_by_provider == kind


def test_a_picture_without_words_is_said_to_be_one() -> None:
    (report,) = provider().read(arrival(INBOUND | {"Body": "", "NumMedia": "1"}))

    assert report.text == "(a picture or file)"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("queued", "accepted"), ("sending", "accepted"), ("sent", "accepted"), ("accepted", "accepted"),
        ("scheduled", "accepted"), ("delivered", "delivered"), ("read", "delivered"), ("undelivered", "bounced"),
        ("failed", "failed"), ("canceled", "failed"),
    ],
)  # fmt: skip
def test_a_status_is_a_report_about_our_reference(status: str, kind: str) -> None:
    form = STATUS | {"MessageStatus": status, "SmsStatus": status}

    (report,) = provider().read(arrival(form, url=f"{URL}?reference=wb-12"))

    assert (report.kind, report.reference, report.provider_id) == (kind, "wb-12", "SM12")
    assert report.key == f"SM12-{status}"


@pytest.mark.parametrize(
    ("code", "bounce"),
    [
        ("30003", "soft"), ("30004", "blocked"), ("30005", "hard"), ("30006", "hard"), ("30007", "blocked"),
        ("30034", "blocked"), ("30032", "blocked"), ("21211", "hard"), ("21614", "hard"), ("21408", "blocked"),
        ("21617", "content"), ("30001", "blocked"), ("30008", "unknown"), ("", "unknown"), ("x", "unknown"),
    ],
)  # fmt: skip
def test_an_error_says_whose_fault_it_is(code: str, bounce: str) -> None:
    (report,) = provider().read(arrival(STATUS | {"MessageStatus": "undelivered", "ErrorCode": code}))

    assert (report.bounce, report.code) == (BounceClass(bounce), code)


def test_whoever_is_on_twilios_own_list_has_opted_out() -> None:
    failed, stopped = provider().read(arrival(STATUS | {"MessageStatus": "failed", "ErrorCode": "21610"}))

    assert (failed.kind, stopped.kind) == (ReportKind.FAILED, ReportKind.UNSUBSCRIBED)
    assert stopped.address == "+13125550182"
    assert failed.bounce is not BounceClass.HARD


@pytest.mark.parametrize("form", [{}, {"Hello": "you"}, STATUS | {"MessageStatus": "exploded"}])
def test_what_cannot_be_read_is_kept_for_a_person(form: dict[str, str]) -> None:
    with pytest.raises(NotUnderstood):
        provider().read(arrival(form))


@pytest.mark.parametrize("reference", ["", "a b", "x" * 61, "%00"])
def test_a_reference_that_is_none_of_ours_is_not_passed_on(reference: str) -> None:
    (report,) = provider().read(arrival(STATUS, url=f"{URL}?reference={reference}"))

    assert report.reference == ""


def test_it_is_answered_with_nothing_to_say() -> None:
    content_type, answer = provider().acknowledgement(arrival(INBOUND))

    assert content_type == "text/xml"
    assert b"<Response></Response>" in answer
    assert b"Message" not in answer
