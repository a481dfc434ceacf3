"""From the text of a row to the values of a contact, or the reason why it is rejected."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from functools import lru_cache
from zoneinfo import available_timezones

from campaigns.audience import addresses, full_names
from campaigns.audience.full_names import Name
from campaigns.audience.regions import zones_of_place
from campaigns.audience.values import Rejected, Setting, moment, refuse_broken, short, unknown_columns

CONTACT_COLUMNS = frozenset({
    "external_id", "email", "phone", "first_name", "last_name", "full_name", "company", "address", "city", "region",
    "postal_code", "country", "timezone", "tags", "acquired_on", "acquisition_channel", "email_consent",
    "email_consent_at", "email_consent_source", "sms_consent", "sms_consent_at", "sms_consent_source",
    "sms_consent_text", "tracking_consent", "tracking_consent_at", "tracking_consent_source",
})  # fmt: skip
_ZONES = available_timezones()
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
# The codes that people write for one of ISO 3166.
_MEANT = {"UK": "GB", "EL": "GR"}


class Zone(IntEnum):
    """How much a row says about its person's time zone."""

    UNKNOWN = 0
    FOUND = 1
    STATED = 2


@dataclass(slots=True)
class ConsentClaim:
    """What a file says about permission to one thing over one channel."""

    channel: str
    purpose: str
    state: str
    stated_at: datetime | None
    source: str
    wording: str


@dataclass(slots=True)
class ContactRecord:
    """The values of one contact row; the country is empty where the row names none."""

    external_id: str | None
    email: str
    email_key: str | None
    phone: str
    phone_key: str | None
    names: Name
    place: tuple[str, str, str, str, str]
    zones: tuple[str, ...]
    zone_known: Zone
    acquired_on: date | None
    acquisition_channel: str
    tags: list[str]
    consents: list[ConsentClaim] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=10_000)
def _zones_of_place(country: str, region: str) -> tuple[str, ...]:
    return zones_of_place(country, region)


def contact_record(row: Mapping[str, str], setting: Setting) -> ContactRecord:
    """The contact of a row; raises Rejected."""
    refuse_broken(row)
    get = row.get
    external_id = get("external_id", "") or None
    if external_id is not None and len(external_id) > 200:
        raise Rejected("external_id: longer than 200 characters")
    email = get("email", "")
    email_key = addresses.email_key(email) if email else None
    if email and email_key is None:
        raise Rejected(f"email: {short(email)} is no e-mail address")
    stated_country = get("country", "").upper()
    stated_country = _MEANT.get(stated_country, stated_country)
    country = stated_country or setting.country
    if not _COUNTRY.match(country):
        raise Rejected(f"country: {short(country)} is no two-letter ISO 3166 code")
    phone = get("phone", "")
    phone_key = addresses.phone_e164(phone, country) if phone else None
    if phone and phone_key is None:
        raise Rejected(f"phone: {short(phone)} is no valid number in {country}")
    if external_id is None and email_key is None and phone_key is None:
        raise Rejected("needs one of external_id, email, phone")
    region = get("region", "")
    stated = get("timezone", "")
    if stated and stated not in _ZONES:
        raise Rejected(f"timezone: {short(stated)} is no IANA zone")
    zones, known = _zones(country, region, phone_key, stated, setting)
    acquired = get("acquired_on", "")
    return ContactRecord(
        external_id=external_id,
        email=email,
        email_key=email_key,
        phone=phone_key or "",
        phone_key=phone_key,
        names=_names(row, country, setting),
        place=(
            get("address", "")[:300],
            get("city", "")[:200],
            region[:60],
            get("postal_code", "")[:20],
            stated_country,
        ),
        zones=zones,
        zone_known=known,
        acquired_on=moment(acquired, setting.zone, "acquired_on").date() if acquired else None,
        acquisition_channel=get("acquisition_channel", "")[:120],
        tags=_tags(get("tags", "")),
        consents=_consents(row, setting),
        attributes={name: row[name] for name in unknown_columns(tuple(row), CONTACT_COLUMNS) if row[name]},
    )


def _names(row: Mapping[str, str], country: str, setting: Setting) -> Name:
    """The names of a row; a full name counts where it gives no other."""
    first, last = row.get("first_name", "")[:200], row.get("last_name", "")[:200]
    company = row.get("company", "")[:200]
    whole = row.get("full_name", "")[:200]
    if first or last or not whole:
        return Name(first, last, company)
    name = full_names.told_apart(whole, country=country, on=setting.read_at.date())
    return name._replace(company=company or name.company)


def _zones(
    country: str, region: str, phone_key: str | None, stated: str, setting: Setting
) -> tuple[tuple[str, ...], Zone]:
    """Every zone that the person may be in, and how that is known."""
    if stated:
        return (stated,), Zone.STATED
    found = _zones_of_place(country, region) or (addresses.zones_of_number(phone_key) if phone_key else ())
    return (found, Zone.FOUND) if found else ((setting.zone.key,), Zone.UNKNOWN)


def _tags(text: str) -> list[str]:
    """Tags trimmed and lower case; ``winback:`` ones are ours and never come from a file."""
    if not text:
        return []
    names = (part.strip().lower()[:80] for part in text.split(";"))
    return sorted({name for name in names if name and not name.startswith("winback:")})


def _lies_ahead(moment: datetime, setting: Setting) -> bool:
    """Whether it is of a later day: a date alone means noon, and today's noon may be still to come."""
    return moment.astimezone(setting.zone).date() > setting.read_at.astimezone(setting.zone).date()


# What a consent column may say, and about what. A text, and following somebody, need a yes: no ground stands in for it.
_YES_OR_NO = {"yes": "given", "no": "withdrawn"}
_SAYS = {
    "email": ("email", "marketing", {**_YES_OR_NO, "soft_opt_in": "soft_opt_in", "inquired": "inquired"}),
    "sms": ("sms", "marketing", _YES_OR_NO),
    "tracking": ("email", "tracking", _YES_OR_NO),
}


def _consents(row: Mapping[str, str], setting: Setting) -> list[ConsentClaim]:
    found = []
    for name, (channel, purpose, says) in _SAYS.items():
        word = row.get(f"{name}_consent", "").lower()
        if word and word not in says:
            raise Rejected(f"{name}_consent: {short(word)} is none of {', '.join(says)} and empty")
        at = row.get(f"{name}_consent_at", "")
        stated_at = moment(at, setting.zone, f"{name}_consent_at") if at else None
        if stated_at is not None and _lies_ahead(stated_at, setting):
            if word not in ("", "no"):
                raise Rejected(
                    f"{name}_consent_at: {short(at)} lies in the future, so nobody has said {word} yet: "
                    f"correct the day, or leave {name}_consent empty"
                )
            stated_at = None  # a no is heeded whatever its date: at once, as one without a date
        if word not in ("", *_YES_OR_NO) and stated_at is None:
            raise Rejected(f"{name}_consent_at: is missing, and {word} allows nothing without its day")
        if word:
            found.append(
                ConsentClaim(
                    channel=channel,
                    purpose=purpose,
                    state=says[word],
                    stated_at=stated_at,
                    source=row.get(f"{name}_consent_source", "")[:300],
                    wording=row.get("sms_consent_text", "") if channel == "sms" else "",
                )
            )
    return found
