"""How numbers, money and moments are written for people."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from winback.money import exponent

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "JPY": "¥", "INR": "₹"}
MINUS = "−"


def number(value: float | Decimal, digits: int = 0) -> str:
    """``number(12480) == "12,480"``; a true minus sign, so that columns line up."""
    return f"{value:,.{digits}f}".replace("-", MINUS)


def percent(share: float, digits: int = 1) -> str:
    """A share as per cent: ``percent(0.0213) == "2.1%"``."""
    return f"{number(share * 100, digits)}%"


def points(share: float, digits: int = 1) -> str:
    """A difference of two shares, with its sign: ``points(0.021) == "+2.1 pts"``."""
    sign = "+" if share > 0 else ""
    return f"{sign}{number(share * 100, digits)} pts"


def money(minor: int, currency: str) -> str:
    """``money(123456, "USD") == "$1,234.56"``; a currency without a sign of its own keeps its code."""
    places = exponent(currency)
    amount = f"{abs(Decimal(minor)).scaleb(-places):,.{places}f}"
    sign = _SIGNS.get(currency.upper(), f"{currency.upper()}\u00a0")
    return f"{MINUS if minor < 0 else ''}{sign}{amount}"


def short_money(minor: int, currency: str) -> str:
    """For large numbers on cards and axes: ``short_money(4730000, "EUR") == "€47.3k"``."""
    amount = Decimal(minor).scaleb(-exponent(currency))
    sign = _SIGNS.get(currency.upper(), f"{currency.upper()}\u00a0")
    return f"{MINUS if minor < 0 else ''}{sign}{short_number(float(abs(amount)))}"


def short_number(value: float) -> str:
    """``short_number(1940000) == "1.94M"``."""
    size = abs(value)
    for limit, unit in ((1e9, "bn"), (1e6, "M"), (1e4, "k")):
        if size >= limit * 0.99995:
            scaled = value / (1e3 if unit == "k" else limit)
            return f"{scaled:.3g}{unit}".replace("-", MINUS) if abs(scaled) < 1000 else f"{number(scaled)}{unit}"
    return number(value)


def moment(value: datetime, zone: str | ZoneInfo = "UTC", *, with_time: bool = True) -> str:
    """A moment in the clock of a zone: ``24 Nov 2026, 14:03``."""
    local = value.astimezone(zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone))
    return f"{day(local.date())}, {local:%H:%M}" if with_time else day(local.date())


def day(value: date) -> str:
    """``24 Nov 2026``: no order of day and month to be mistaken."""
    return f"{value.day} {value:%b} {value.year}"


_SPELT = {"sms": "SMS", "email": "e-mail", "id": "ID", "crm": "CRM"}


def words(code: object) -> str:
    """``no_sms_consent`` → “No SMS consent”; empty reads “–”."""
    text = " ".join(_SPELT.get(word, word) for word in str(code or "").replace("_", " ").split())
    return text[:1].upper() + text[1:] if text else "–"
