"""What the columns of a file may mean, what they are called elsewhere, and which of them a file's own probably are."""

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import date, datetime

LABELS: Mapping[str, Mapping[str, str]] = {
    "contacts": {
        "external_id": "Customer number",
        "email": "E-mail address",
        "phone": "Phone number",
        "first_name": "First name",
        "last_name": "Last name",
        "full_name": "Full name (first and last)",
        "company": "Company",
        "address": "Street and number",
        "city": "City",
        "region": "State or region",
        "postal_code": "Postal code",
        "country": "Country (two letters)",
        "timezone": "Time zone",
        "tags": "Tags (; between)",
        "acquired_on": "Customer since",
        "acquisition_channel": "How they came",
        "email_consent": "Consent to e-mail",
        "email_consent_at": "Consent to e-mail: when",
        "email_consent_source": "Consent to e-mail: where from",
        "sms_consent": "Consent to texts",
        "sms_consent_at": "Consent to texts: when",
        "sms_consent_source": "Consent to texts: where from",
        "sms_consent_text": "Consent to texts: its words",
        "tracking_consent": "Consent to being counted",
        "tracking_consent_at": "Consent to being counted: when",
        "tracking_consent_source": "Consent to being counted: where from",
    },
    "jobs": {
        "external_id": "Job or order number",
        "contact_external_id": "Customer number",
        "contact_email": "Customer’s e-mail address",
        "completed_at": "Date",
        "amount": "Amount",
        "currency": "Currency",
        "service": "Service or product",
        "status": "Status",
        "items": "Items (JSON)",
        "location": "Location",
    },
}
"""The fields of winback by kind of file, in the order in which they are offered."""

NAME_AND_NUMBER = "external_id full_name"
"""Said of a column whose names the customers are known by, since there are no numbers: in their jobs too."""
DATES = frozenset(name for names in LABELS.values() for name in names if name.endswith(("_at", "_on")))
CONSENTS = frozenset({"email_consent", "sms_consent", "tracking_consent"})

_CUSTOMER = (
    "customer id", "customer no", "customer number", "customer", "cust", "cust id", "client id", "client no",
    "client number", "client", "contact id", "patient id", "member id", "account", "account id", "account number",
)  # fmt: skip
_MAIL = ("e-mail", "mail", "email address", "e-mail address", "customer email", "client email", "primary email")
# A consent has no other names: what a person agreed to is for a person to say, not for us to guess.
_OTHER_NAMES: Mapping[str, Mapping[str, Iterable[str]]] = {
    "contacts": {
        "external_id": ("id", *_CUSTOMER),
        "email": _MAIL,
        "phone": (
            "mobile", "mobile phone", "mobile number", "cell", "cell phone", "cellphone", "phone number", "telephone",
            "tel", "primary phone", "home phone",
        ),
        "first_name": ("first", "given name", "forename", "customer first name", "client first name"),
        "last_name": ("last", "surname", "family name", "customer last name", "client last name"),
        "full_name": (
            "name", "customer name", "client name", "contact name", "patient name", "member name", "guest name",
            "account name", "display name", "customer full name", "client full name", "first and last name",
        ),
        "company": ("company name", "business", "business name", "organization", "organisation"),
        "address": ("street", "street address", "address 1", "address line 1", "address1", "billing address"),
        "city": ("town", "billing city", "suburb"),
        "region": ("state", "province", "state/province", "province code", "county", "billing state"),
        "postal_code": ("zip", "zip code", "zipcode", "postcode", "postal", "billing zip"),
        "country": ("country code", "billing country"),
        "timezone": ("time zone", "tz"),
        "tags": ("tag", "labels", "label", "groups", "segment"),
        "acquired_on": ("customer since", "client since", "since", "created", "created at", "created on", "date added",
                        "first visit", "first order", "joined"),
        "acquisition_channel": ("source", "lead source", "referral source", "how did you hear about us"),
    },
    "jobs": {
        "external_id": (
            "id", "job id", "job no", "job number", "job", "order id", "order no", "order number", "order", "invoice",
            "invoice id", "invoice no", "invoice number", "receipt", "receipt id", "receipt number", "transaction id",
            "appointment id", "booking id", "ticket", "ticket id",
        ),
        "contact_external_id": _CUSTOMER,
        "contact_email": ("email", *_MAIL),
        "completed_at": (
            "date", "completed", "completed on", "completed date", "completion date", "job date", "order date",
            "invoice date", "invoicedate", "visit date", "service date", "appointment date", "transaction date",
            "created at", "processed at", "paid at", "day", "time",
        ),
        "amount": ("total", "amount paid", "price", "total price", "order total", "job total", "invoice total",
                   "net total", "revenue", "paid", "sales", "value"),
        "currency": ("currency code",),
        "service": ("description", "service name", "item", "item name", "product", "product name", "job type",
                    "service type", "treatment", "type"),
        "status": ("state", "job status", "order status", "financial status"),
        "location": ("branch", "store", "site", "shop"),
    },
}  # fmt: skip
# What a column of people may be called whether it has their numbers or their names.
_BARE = frozenset({"customer", "cust", "client", "contact", "patient", "member", "guest", "account"})
_FULL_NAME = re.compile(r"[^\W\d_][^\d@]*[\s,]+[^\d@]*[^\W\d_][^\d@]*\Z")
_ADDRESS = re.compile(r"[^\s@,;]+@[^\s@,;]+\.[^\s@,;]+\Z")
_PHONE = re.compile(r"(?=.*[ ()+-])[+(]?\d[\d ().-]{6,18}\Z")
_DATE = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(?:[ T](\d{1,2}:\d{2})(:\d{2})?( ?[AaPp][Mm])?)?\Z")
_YES_AND_NO = {
    "y": "yes", "yes": "yes", "true": "yes", "t": "yes", "1": "yes", "n": "no", "no": "no", "false": "no", "f": "no",
    "0": "no",
}  # fmt: skip
_GROUNDS = ("soft_opt_in", "inquired")


class UnreadDates(ValueError):
    """The values of a column that was said to hold dates are none; the message names one."""


def guess(
    kind: str, header: Sequence[str], samples: Mapping[str, Sequence[str]], repeated: Container[str] = ()
) -> dict[str, str]:
    """The field that each column of a file probably is, by its name and then by its values; no field twice.

    ``repeated``: the columns of which some value stands in several rows.
    """
    names = {_plain(field): field for field in LABELS[kind]}
    others = {_plain(word): field for field, words in _OTHER_NAMES[kind].items() for word in words}
    people = [column for column in header if kind == "contacts" and _holds_people(column, samples.get(column, ()))]
    found = {column: column for column in header if column in LABELS[kind]}
    for known in (names, others):
        for column in header:
            field = known.get(_plain(column))
            if field is not None and column not in [*found, *people] and field not in found.values():
                found[column] = field
    parts = {"first_name", "last_name"} - set(found.values())
    for column in [column for column in header if _plain(column) == "name"]:
        # Alone it is both together; beside one of them the other, unless its values say that it is both all the same.
        if len(parts) == 1 and not _are_full_names(samples.get(column, ())):
            found[column] = parts.pop()
    for field, fits in _BY_VALUE[kind].items():
        for column in header:
            values = samples.get(column, ())
            if field not in found.values() and column not in found and values and all(map(fits, values)):
                found[column] = field
    for column in people[:1]:
        wanted = {"external_id", "full_name"} - set(found.values())
        if {"first_name", "last_name"} & set(found.values()):
            wanted.discard("full_name")
        if column in repeated:
            wanted.discard("external_id")  # two people of one name are not one
        if wanted:
            found[column] = " ".join(sorted(wanted))  # jobs name them so, where there are no numbers
    return found


def _holds_people(column: str, values: Sequence[str]) -> bool:
    """Whether a column that may be of numbers is one of names."""
    return _plain(column) in _BARE and _are_full_names(values)


def _are_full_names(values: Sequence[str]) -> bool:
    """Whether most of them are."""
    return sum(map(_is_full_name, values)) * 2 > len(values)


def date_format(values: Sequence[str], *, day_first: bool) -> str | None:
    """How the dates of a column are written, for ``strptime``; None where they are ISO's. Raises UnreadDates.

    ``day_first`` decides only where the values leave it open: 13/06/2018 can be one thing alone.
    """
    given = [value for value in values if value]
    if all(map(_is_iso, given)):
        return None
    found = [_DATE.match(value) for value in given]
    strange = next((value for value, each in zip(given, found, strict=True) if each is None), None)
    if strange is not None:
        raise UnreadDates(f"“{strange}” is no date that can be read: write 2026-09-30, or 30/09/2026 in every row.")
    orders = ["%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%d{0}%m{0}%y", "%m{0}%d{0}%y", "%Y{0}%m{0}%d"]
    if not day_first:
        orders[:4] = orders[1], orders[0], orders[3], orders[2]
    first = next(each for each in found if each)
    clock = ""
    if first[5]:
        clock = ("%I:%M" if first[7] else "%H:%M") + (":%S" if first[6] else "")
        clock = f"{'T' if 'T' in given[0] else ' '}{clock}{' ' if (first[7] or '').startswith(' ') else ''}"
        clock += "%p" if first[7] else ""
    for order in orders:
        written = order.format(first[2]) + clock
        if all(_fits(value, written) for value in given):
            return written
    raise UnreadDates(f"Its dates are not all written the same way, such as “{given[0]}”: bring them into one form.")


def is_open(values: Sequence[str]) -> bool:
    """Whether day and month of a column's dates could be either."""
    try:
        return date_format(values, day_first=True) != date_format(values, day_first=False)
    except UnreadDates:
        return False


def yes_and_no(values: Sequence[str]) -> dict[str, str]:
    """What the words of a consent column mean to us; nothing where they are ours, or are strange to us."""
    words = {value.strip().lower() for value in values if value}
    if words <= {"yes", "no", *_GROUNDS} or not words <= {*_YES_AND_NO, *_GROUNDS}:
        return {}
    return _YES_AND_NO | {ground: ground for ground in _GROUNDS}


def _is_full_name(value: str) -> bool:
    """Of two words at least, as numbers and abbreviations are not."""
    return _FULL_NAME.match(value) is not None


def _is_address(value: str) -> bool:
    return _ADDRESS.match(value) is not None


def _is_phone(value: str) -> bool:
    """Written as telephone numbers are: a bare number may be anything."""
    return _PHONE.match(value) is not None and _DATE.match(value) is None


def _is_date(value: str) -> bool:
    return _DATE.match(value) is not None or ("-" in value and _is_iso(value))


_BY_VALUE: Mapping[str, Mapping[str, Callable[[str], bool]]] = {
    "contacts": {"email": _is_address, "phone": _is_phone},
    "jobs": {"contact_email": _is_address, "completed_at": _is_date},
}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _is_iso(value: str) -> bool:
    try:
        if len(value) <= 10:
            date.fromisoformat(value)
        else:
            datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _fits(value: str, written: str) -> bool:
    try:
        moment = datetime.strptime(value, written)
    except ValueError:
        return False
    return 1900 <= moment.year <= 9000
