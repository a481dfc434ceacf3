"""What is signed here is accepted by the library of Standard Webhooks, and nothing else is."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from tenants.webhooks import signing
from tenants.webhooks.signing import Secret


def real_now() -> datetime:
    """The library compares with the clock, when the test runs."""
    return datetime.now(UTC)


def accepted(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=5))
def test_the_official_library_accepts_what_we_sign(told: dict[str, str]) -> None:
    import json  # noqa: PLC0415

    secret, body = signing.new_secret(), json.dumps(told, ensure_ascii=True).encode()
    headers = dict(signing.headers([Secret(secret)], webhook_id="evt_a", body=body, now=real_now()))

    assert accepted(secret, body, headers)


@pytest.mark.parametrize("what", ["body", "webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_changed_part_is_refused(what: str) -> None:
    secret, body = signing.new_secret(), b'{"a":1}'
    headers = dict(signing.headers([Secret(secret)], webhook_id="evt_a", body=body, now=real_now()))
    if what == "body":
        body = b'{"a":2}'
    elif what == "webhook-timestamp":
        headers[what] = str(int(headers[what]) + 1)
    elif what == "webhook-id":
        headers[what] = "evt_b"
    else:
        headers[what] = "v1," + base64.b64encode(b"\0" * 32).decode()

    assert not accepted(secret, body, headers)


def test_an_old_delivery_cannot_be_played_again() -> None:
    secret, body = signing.new_secret(), b"{}"
    headers = signing.headers([Secret(secret)], webhook_id="evt_a", body=body, now=real_now() - timedelta(minutes=6))

    assert not accepted(secret, body, dict(headers))


def test_while_a_secret_is_replaced_both_are_accepted_and_then_the_new_one_alone() -> None:
    first = [Secret(signing.new_secret())]
    known = signing.rotated(first, now=real_now())
    old, new = first[0].text, known[0].text
    body = b"{}"

    during = dict(signing.headers(known, webhook_id="evt_a", body=body, now=real_now()))
    assert (accepted(old, body, during), accepted(new, body, during)) == (True, True)

    tomorrow = real_now() + timedelta(hours=25)
    after = signing.headers(known, webhook_id="evt_a", body=body, now=tomorrow)
    assert len(after["webhook-signature"].split()) == 1
    assert after["webhook-signature"] == signing.signature(
        new, webhook_id="evt_a", timestamp=int(tomorrow.timestamp()), body=body
    )


def test_a_leaked_secret_can_be_ended_at_once() -> None:
    first = [Secret(signing.new_secret())]
    known = signing.rotated(first, now=real_now(), keep_for=timedelta())

    headers = dict(signing.headers(known, webhook_id="evt_a", body=b"{}", now=real_now()))

    assert not accepted(first[0].text, b"{}", headers)
    assert accepted(known[0].text, b"{}", headers)


def test_a_secret_has_the_form_and_the_length_of_the_standard() -> None:
    secrets = {signing.new_secret() for _ in range(20)}

    assert len(secrets) == 20
    assert all(24 <= len(base64.b64decode(text.removeprefix("whsec_"))) <= 64 for text in secrets)


def test_many_rotations_leave_a_few_signatures() -> None:
    known = [Secret(signing.new_secret())]
    for _ in range(10):
        known = signing.rotated(known, now=real_now())

    assert len(known) == 3
