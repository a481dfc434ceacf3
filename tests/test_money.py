"""Money is exact both ways, in every currency."""

import pytest

from winback.money import NotMoney, money, to_minor


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1234, "USD", "12.34"), (-5, "EUR", "-0.05"), (1234, "JPY", "1234"), (1234, "KWD", "1.234"), (0, "USD", "0.00")],
)
def test_writes_and_reads_the_same_amount(minor: int, currency: str, text: str) -> None:
    assert money(minor, currency) == text
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize("text", ["$12", "1,200.00", "12.345", "", "NaN", "1e3", "١٢", "12 USD", "9" * 30])
def test_refuses_what_is_no_amount_of_the_currency(text: str) -> None:
    with pytest.raises(NotMoney):
        to_minor(text, "USD")


def test_trailing_zeros_lose_nothing() -> None:
    assert to_minor("12.500", "USD") == 1250
