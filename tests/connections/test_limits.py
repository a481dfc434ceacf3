"""What a person may write of a connection's limits, and what they are told where it is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.connections import limits

OWN = st.dictionaries(
    st.from_regex(r"[a-z]{1,8}\.(shop|example\.net)", fullmatch=True),
    st.sampled_from([0.0, 0.5, 1.0, 20.0, 999.0]),
    max_size=5,
)


@given(OWN)
def test_what_is_written_is_read_again(told: dict[str, float]) -> None:
    assert limits.read_domain_limits(limits.written(told)) == (told or None)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", None),
        ("none", False),
        ("gmail.com 20\n\nOak.Shop: 0.5", {"gmail.com": 20.0, "oak.shop": 0.5}),
        ("münchen.example = 3", {"xn--mnchen-3ya.example": 3.0}),
    ],
)
def test_a_domain_and_a_number_stand_in_a_line(text: str, read: object) -> None:
    assert limits.read_domain_limits(text) == read


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gmail.com", "such as gmail.com 20"),
        ("gmail.com many", "is no number"),
        ("gmail.com -1", "is no number"),
        ("gmail.com nan", "is no number"),
        ("gmail.com 1e9", "from 0 to 1,000"),
        ("@gmail 5", "no domain"),
        ("gmail.com 5\nGMAIL.com 6", "there twice"),
        ("gmail.com 5\ngooglemail.com 6", "one mailbox provider"),
        ("\n".join(f"a{place}.example 1" for place in range(51)), "at most 50"),
    ],
)
def test_what_is_none_is_refused_with_the_line_and_the_way_to_write_it(text: str, told: str) -> None:
    with pytest.raises(limits.LimitsInvalid, match=told):
        limits.read_domain_limits(text)


@pytest.mark.parametrize(
    "options",
    [
        {"domain_limits": [1]},
        {"domain_limits": True},
        {"domain_limits": {"gmail.com": True}},
        {"per_second": "fast"},
        {"per_day": -1},
        {"slow_start": "no"},
    ],
)
def test_settings_from_a_program_are_held_to_the_same(options: dict[str, object]) -> None:
    with pytest.raises(limits.LimitsInvalid):
        limits.check_limits(options)


def test_a_domain_stands_for_its_whole_provider_and_the_usual_limits_for_the_rest() -> None:
    told = {"hotmail.com": 1.0, "oak.shop": 0.0}

    assert limits.rate_to("outlook.com", told) == ("microsoft", 1.0)
    assert limits.rate_to("oak.shop", told) == ("oak.shop", 0.0)
    assert limits.rate_to("gmail.com", told) == ("google", 10.0)
    assert limits.rate_to("elm.shop", False) == ("elm.shop", 0.0)
