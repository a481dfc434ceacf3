"""Segments: the cases were counted by Twilio's own calculator (npm sms-segments-calculator 1.3.0), not by us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.providers.sms.segments import BASIC, EXTENSION, GSM_7, count, plainer

GSM = "GSM-7"
UCS = "UCS-2"


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("a", GSM, 1),
        ("a" * 160, GSM, 1),
        ("a" * 161, GSM, 2),
        ("a" * 306, GSM, 2),
        ("a" * 307, GSM, 3),
        ("€" * 80, GSM, 1),
        ("€" * 81, GSM, 2),
        ("\f" * 81, GSM, 2),
        ("a" * 152 + "€" + "a" * 152, GSM, 3),
        ("€" * 153, GSM, 3),
        ("ä" * 160, GSM, 1),
        ("я" * 70, UCS, 1),
        ("я" * 71, UCS, 2),
        ("я" * 134, UCS, 2),
        ("я" * 135, UCS, 3),
        ("👋" * 35, UCS, 1),
        ("👋" * 36, UCS, 2),
        ("👋" * 67, UCS, 3),
        ("ç", UCS, 1),
        ("`", UCS, 1),
        ("\u00a0", UCS, 1),
        ("“hi”", UCS, 1),
        ("a–b", UCS, 1),
        ("…", UCS, 1),
    ],
    ids=lambda value: f"{value[:3]}x{len(value)}" if isinstance(value, str) else str(value),
)
def test_counts_as_twilio_does(text: str, encoding: str, segments: int) -> None:
    counted = count(text)

    assert (counted.encoding, counted.segments) == (encoding, segments)


def test_names_what_makes_a_text_dear() -> None:
    assert count("“Hi” – Ana").forcing == "“”–"
    assert count("Hi").forcing == ""


def test_nothing_costs_nothing() -> None:
    assert (count("").units, count("").segments) == (0, 0)


@given(st.text(st.sampled_from(sorted(GSM_7 | {"я", "👋", "“"})), max_size=500))
def test_no_part_is_overfull_and_no_more_parts_than_could_be_needed(text: str) -> None:
    counted = count(text)
    alone, each, largest = (160, 153, 2) if counted.encoding == GSM else (70, 67, 2)

    if counted.units <= alone:
        assert counted.segments == bool(text)
    else:
        assert -(-counted.units // each) <= counted.segments <= -(-counted.units // (each - largest + 1))


@given(st.text(max_size=200))
def test_a_plainer_text_is_never_dearer_where_it_was_typographic(text: str) -> None:
    plain = plainer(text)

    assert plainer(plain) == plain
    assert len(count(plain).forcing) <= len(count(text).forcing)


def test_a_typographic_text_becomes_gsm_7() -> None:
    plain = plainer("“It’s been a while” – come back…\u00a0Façade")

    assert plain == '"It\'s been a while" - come back... Facade'
    assert count(plain).encoding == GSM


def test_every_character_of_the_tables_is_one_of_gsm_7() -> None:
    assert len(BASIC) == 127, "128 with the escape"
    assert len(EXTENSION) == 10
    assert not BASIC & EXTENSION
