"""Money: bigint in the smallest unit of its currency inside, a string with a point outside."""

import re
from decimal import Decimal

# ISO 4217, the currencies whose smallest unit is not a hundredth.
_WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DECIMALS = "CLF UYW"
_EXPONENTS = {
    currency: digits
    for digits, currencies in ((0, _WITHOUT_DECIMALS), (3, _THREE_DECIMALS), (4, _FOUR_DECIMALS))
    for currency in currencies.split()
}
_AMOUNT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
MOST_MINOR = 2**63 - 1


class NotMoney(ValueError):
    """The text is not an amount: write it with a point, without currency sign or separators of thousands."""


def exponent(currency: str) -> int:
    """How many digits stand behind the point in this currency."""
    return _EXPONENTS.get(currency.upper(), 2)


def money(minor: int, currency: str) -> str:
    """``money(1234, "USD") == "12.34"``, ``money(1234, "JPY") == "1234"``."""
    return f"{Decimal(minor).scaleb(-exponent(currency)):f}"


def to_minor(text: str, currency: str) -> int:
    """The smallest units that an amount such as ``12.5`` stands for; raises NotMoney rather than round."""
    text = text.strip()
    if not _AMOUNT.fullmatch(text):
        raise NotMoney(f"{text!r} is not an amount: write it as 1234.50, without currency sign or comma.")
    digits = exponent(currency)
    scaled = Decimal(text).scaleb(digits)
    minor = int(scaled)
    if scaled != minor:
        raise NotMoney(f"{text!r} has more than {digits} digits behind the point, which {currency} does not have.")
    if abs(minor) > MOST_MINOR:
        raise NotMoney(f"{text!r} is too large.")
    return minor
