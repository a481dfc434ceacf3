"""The oracle of the lift against published values."""

import pytest

from tests.oracle.lift import difference, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven methods",
    # Statistics in Medicine 17 (1998) 857-872, table I, method 3 (score, without continuity correction).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(successes: int, trials: int, low: float, high: float) -> None:
    interval = wilson(successes, trials)

    assert [interval.low, interval.high] == pytest.approx([low, high], abs=5e-5)


@pytest.mark.parametrize(
    ("a", "m", "b", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10, contrasts (a) to (h).
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
        (10, 10, 0, 10, 0.6075, 1.0),
    ],
)
def test_difference_gives_the_published_intervals(a: int, m: int, b: int, n: int, low: float, high: float) -> None:
    interval = difference(a, m, b, n)

    assert interval.value == pytest.approx(a / m - b / n)
    assert [interval.low, interval.high] == pytest.approx([low, high], abs=5e-5)


def test_difference_turns_its_sign_with_the_arms() -> None:
    one_way, other_way = difference(30, 400, 9, 100), difference(9, 100, 30, 400)

    assert [one_way.low, one_way.high] == pytest.approx([-other_way.high, -other_way.low])


def test_refuses_a_rate_of_nobody() -> None:
    with pytest.raises(ValueError, match="0 of 0"):
        wilson(0, 0)
