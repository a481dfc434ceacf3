"""How addresses are written down, compared and forgotten: normalised keys, and keyed digests for suppressions."""

import hmac
import re
from collections.abc import Callable
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType
from phonenumbers import timezone as number_timezone

from tenants.accounts.installation_keys import installation_key

_EMAIL = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[^\s@<>\"(),:;\[\]\\]{1,190}\.[^\s@<>\"(),:;\[\]\\.]{2,63}\Z")
_NORTH_AMERICAN = re.compile(r"(\+?1)?[ .\-]*\(?([2-9]\d\d)\)?[ .\-]*([2-9]\d\d)[ .\-]*(\d{4})\Z", re.ASCII)
NORTH_AMERICA = frozenset(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1])
_SPACES = re.compile(r"\s+")
_NOT_ADDRESS = re.compile(r"[^a-z0-9 ]")
# Words of an address that people write in two ways; the key has the short one.
_SHORT = {
    "street": "st", "avenue": "ave", "road": "rd", "drive": "dr", "lane": "ln", "court": "ct", "boulevard": "blvd",
    "apartment": "apt", "suite": "ste", "north": "n", "south": "s", "east": "e", "west": "w", "place": "pl",
}  # fmt: skip

# Numbers that marketing texts do not go to: they are nobody's mobile.
_NOT_TEXTABLE = {
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.PAGER,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN,
    PhoneNumberType.VOICEMAIL,
}


def email_key(text: str) -> str | None:
    """The e-mail address as it is compared (trimmed, lower case), or None when it is none."""
    key = text.strip().lower()
    return key if len(key) <= 254 and _EMAIL.match(key) and ".." not in key else None


def phone_e164(text: str, region: str) -> str | None:
    """The number in E.164, read as one of this region (ISO 3166) where it has no country code; None when it is none."""
    plain = _NORTH_AMERICAN.match(text)
    if plain and (plain.group(1) == "+1" or region in NORTH_AMERICA):
        # In North America the first seven digits alone decide whether a number is valid: libphonenumber is asked once
        # for each of them, which makes an import of a local business many times as fast.
        number = "".join(plain.groups("")[1:])
        return f"+1{number}" if _valid_in_north_america(number[:7]) else None
    if len(text) > 60:
        return None
    try:
        parsed = phonenumbers.parse(text, region or None)
    except NumberParseException:
        return None
    if parsed.extension or not phonenumbers.is_valid_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


@lru_cache(maxsize=100_000)
def _valid_in_north_america(beginning: str) -> bool:
    return bool(phonenumbers.is_valid_number(phonenumbers.parse(f"+1{beginning}100")))


@lru_cache(maxsize=200_000)
def textable(number: str) -> bool:
    """Whether this E.164 number may be a mobile (in North America mobiles and land lines look alike)."""
    return phonenumbers.number_type(phonenumbers.parse(number)) not in _NOT_TEXTABLE


def zones_of_number(number: str) -> tuple[str, ...]:
    """The zones that a number may be in; none where the number says nothing (toll-free, satellites)."""
    if number.startswith("+1") and len(number) == 12:
        return _zones_of_number(f"{number[:8]}0100")  # the last four digits say nothing about the place
    return _zones_of_number(number)


@lru_cache(maxsize=50_000)
def _zones_of_number(number: str) -> tuple[str, ...]:
    zones = tuple(number_timezone.time_zones_for_number(phonenumbers.parse(number)))
    return () if len(zones) > 6 or zones == ("Etc/Unknown",) else zones


def address_key(address: str, city: str, postal_code: str) -> str | None:
    """One spelling of a street address, or None when it is too little to say that two contacts live there."""
    if not any(character.isdigit() for character in address) or not (postal_code.strip() or city.strip()):
        return None
    words = _NOT_ADDRESS.sub(" ", address.lower().replace("#", " apt ")).split()
    street = " ".join(_SHORT.get(word, word) for word in words)
    place = _SPACES.sub("", postal_code.lower())[:5] or city.strip().lower()
    return f"{street}|{place}"


def name_key(*names: str) -> str:
    """What the console searches by: last name first, lower case."""
    return _SPACES.sub(" ", " ".join(names)).strip().lower()


def address_hmac(key: str) -> str:
    """The keyed digest of a normalised address: what a suppression keeps instead of the address."""
    return hmac.digest(installation_key("address"), key.encode(), "sha256").hex()


def address_digest() -> Callable[[str], str]:
    """``address_hmac`` for many addresses, with the key at hand."""
    key = installation_key("address")
    return lambda address: hmac.digest(key, address.encode(), "sha256").hex()
