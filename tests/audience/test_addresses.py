"""Addresses are compared by one spelling, and the quick way of reading numbers says what libphonenumber says."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import NumberParseException
from phonenumbers import timezone as number_timezone

from campaigns.audience.addresses import (
    NORTH_AMERICA,
    address_hmac,
    address_key,
    email_key,
    name_key,
    phone_e164,
    textable,
    zones_of_number,
)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Ann@Example.COM ", "ann@example.com"),
        ("o'brien+tag@sub.example.co.uk", "o'brien+tag@sub.example.co.uk"),
        ("müller@example.de", "müller@example.de"),
        ("ann", None),
        ("ann@example", None),
        ("ann@@example.com", None),
        ("ann@exam..ple.com", None),
        ("ann @example.com", None),
        ("ann@example.com,bob@example.com", None),
        ("Ann <ann@example.com>", None),
        ("ann@example.com\nBcc: everybody@example.com", None),
        (f"{'a' * 65}@example.com", None),
        (f"a@{'b' * 250}.com", None),
    ],
)
def test_email_addresses(text: str, key: str | None) -> None:
    assert email_key(text) == key


def by_libphonenumber(text: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, region or None)
    except NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


patterns = st.sampled_from(
    ["{a}{b}{c}", "({a}) {b}-{c}", "+1 {a}-{b}-{c}", "1-{a}-{b}-{c}", "{a}.{b}.{c}", "+1{a}{b}{c}", "1{a}{b}{c}",
     "1 ({a}){b} {c}", "+{a}{b}{c}", "({a}) {b}-{c} x12"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    pattern=patterns,
    area=st.integers(100, 999),
    exchange=st.integers(0, 999),
    line=st.integers(0, 9_999),
    region=st.sampled_from([*sorted(NORTH_AMERICA), "GB", "DE", ""]),
)
def test_north_american_numbers_are_read_as_libphonenumber_reads_them(
    pattern: str, area: int, exchange: int, line: int, region: str
) -> None:
    text = pattern.format(a=area, b=f"{exchange:03}", c=f"{line:04}")

    number = phone_e164(text, region)

    assert number == by_libphonenumber(text, region)
    if number is not None:
        zones = tuple(number_timezone.time_zones_for_number(phonenumbers.parse(number)))
        assert zones_of_number(number) in (zones, ())
        assert zones_of_number(number) or len(zones) > 6 or zones == ("Etc/Unknown",)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("+0123456789 ()-.x#٣"), max_size=18), st.sampled_from(["US", "GB", "DE", ""]))
def test_any_text_is_read_as_libphonenumber_reads_it(text: str, region: str) -> None:
    assert phone_e164(text, region) == by_libphonenumber(text, region)


def test_numbers_of_other_countries_and_endless_ones() -> None:
    assert phone_e164("020 7946 0018", "GB") == "+442079460018"
    assert phone_e164("+49 30 901820", "US") == "+4930901820"
    assert phone_e164("5" * 100_000, "US") is None
    assert zones_of_number("+442079460018") == ("Europe/London",)
    assert zones_of_number("+18005550100") == ()


def test_a_land_line_takes_no_texts() -> None:
    assert not textable("+442079460018")
    assert textable("+447400123456")
    assert textable("+13125550142")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("12 Oak Street", "Springfield", "62701"), ("12 OAK ST.", "springfield", "62701-0001"), True),
        (("12 Oak Street Apt 3", "", "62701"), ("12 Oak St #3", "", "62701"), True),
        (("12 Oak Street", "", "62701"), ("14 Oak Street", "", "62701"), False),
        (("12 Oak Street", "", "62701"), ("12 Oak Street", "", "62702"), False),
    ],
)
def test_street_addresses(one: tuple[str, str, str], other: tuple[str, str, str], same: bool) -> None:
    assert (address_key(*one) == address_key(*other)) is same


def test_too_little_of_an_address_is_no_key() -> None:
    assert address_key("Oak Street", "", "62701") is None
    assert address_key("12 Oak Street", "", "") is None


def test_names_are_searched_last_name_first() -> None:
    assert name_key("Ruiz", "Ann ", "") == "ruiz ann"


def test_a_digest_depends_on_the_address_and_on_the_installation(db: None) -> None:
    assert address_hmac("ann@example.com") == address_hmac("ann@example.com") != address_hmac("bob@example.com")
    assert "ann" not in address_hmac("ann@example.com")
