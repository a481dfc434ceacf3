"""Tokens: what was made for one thing opens that thing, and whatever else is tried opens nothing."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.delivery import links
from campaigns.delivery.links import (
    Click,
    InvalidToken,
    Link,
    Purpose,
    make_click_token,
    make_token,
    read_click_token,
    read_token,
)

SECRET = b"\x07" * 32
purposes = st.sampled_from(list(Purpose))
tenants = st.integers(1, 2**32 - 1)
messages = st.integers(1, 2**63 - 1)


@pytest.fixture(autouse=True)
def a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "installation_key", lambda purpose, number=1: SECRET)


@given(purposes, tenants, messages)
def test_a_token_says_what_was_put_in_and_nothing_else(purpose: Purpose, tenant: int, message: int) -> None:
    token = make_token(purpose, tenant, message)

    assert read_token(purpose, token) == Link(tenant, message)
    assert len(token) == 40
    assert token.replace("-", "").replace("_", "").isalnum()
    for other in Purpose:
        if other != purpose:
            with pytest.raises(InvalidToken):
                read_token(other, token)


@given(purposes, tenants, messages, st.integers(0, 30 * 8 - 1))
def test_one_turned_bit_makes_it_void(purpose: Purpose, tenant: int, message: int, bit: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(make_token(purpose, tenant, message)))
    raw[bit // 8] ^= 1 << (bit % 8)

    with pytest.raises(InvalidToken):
        read_token(purpose, base64.urlsafe_b64encode(bytes(raw)).decode())


@given(purposes, tenants, messages, st.integers(0, 39))
def test_a_cut_token_is_void(purpose: Purpose, tenant: int, message: int, length: int) -> None:
    with pytest.raises(InvalidToken):
        read_token(purpose, make_token(purpose, tenant, message)[:length])


@settings(max_examples=300)
@given(
    purposes, st.one_of(st.text(max_size=80), st.binary(max_size=60).map(lambda raw: base64.b64encode(raw).decode()))
)
def test_what_nobody_made_is_void(purpose: Purpose, token: str) -> None:
    with pytest.raises(InvalidToken):
        read_token(purpose, token)


@given(purposes, tenants, messages, st.sampled_from(["A", "AAAA", "\n", " ", "%00"]))
def test_there_is_one_spelling_of_a_token(purpose: Purpose, tenant: int, message: int, more: str) -> None:
    with pytest.raises(InvalidToken):
        read_token(purpose, make_token(purpose, tenant, message) + more)


def test_a_token_under_another_key_is_void(monkeypatch: pytest.MonkeyPatch) -> None:
    token = make_token(Purpose.UNSUBSCRIBE, 1, 2)
    monkeypatch.setattr(links, "installation_key", lambda purpose, number=1: b"\x08" * 32)

    with pytest.raises(InvalidToken):
        read_token(Purpose.UNSUBSCRIBE, token)


def test_neighbouring_tokens_share_no_signature() -> None:
    tokens = {make_token(Purpose.UNSUBSCRIBE, 1, number)[-21:] for number in range(1, 500)}

    assert len(tokens) == 499


@given(tenants, messages, messages)
def test_a_tracked_link_says_its_message_and_destination_and_opens_nothing_else(
    tenant: int, message: int, link: int
) -> None:
    token = make_click_token(tenant, message, link)

    assert read_click_token(token) == Click(tenant, message, link)
    assert len(token) == 52
    for purpose in Purpose:
        with pytest.raises(InvalidToken):
            read_token(purpose, token)
        with pytest.raises(InvalidToken):
            read_click_token(make_token(purpose, tenant, message))


@given(tenants, messages, messages, st.integers(0, 39 * 8 - 1))
def test_one_turned_bit_makes_a_tracked_link_void(tenant: int, message: int, link: int, bit: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(make_click_token(tenant, message, link)))
    raw[bit // 8] ^= 1 << (bit % 8)

    with pytest.raises(InvalidToken):
        read_click_token(base64.urlsafe_b64encode(bytes(raw)).decode())


@given(st.one_of(st.text(max_size=80), st.binary(max_size=60).map(lambda raw: base64.b64encode(raw).decode())))
def test_a_tracked_link_that_nobody_made_is_void(token: str) -> None:
    with pytest.raises(InvalidToken):
        read_click_token(token)


@given(tenants, messages, messages, st.sampled_from(["A", "AAAA", "=", "\n", " ", "%00"]))
def test_there_is_one_spelling_of_a_tracked_link(tenant: int, message: int, link: int, more: str) -> None:
    with pytest.raises(InvalidToken):
        read_click_token(make_click_token(tenant, message, link) + more)
