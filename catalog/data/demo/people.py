"""The customers of the sample business: who they are, where they live and what they allowed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from catalog.data.demo.drawing import AS_OF, OPENS, WORDS, Draw

# What a customer is, and how many of a hundred are. "plan": two visits a year; "lapsed": on the way out when the file
# begins; "estimate": asked once and never bought.
KINDS = (
    ("plan", 15),
    ("annual", 23),
    ("repair", 33),
    ("install", 10),
    ("commercial", 3),
    ("lapsed", 12),
    ("estimate", 4),
)
# Area codes; a few people kept the number of the place they came from.
AREAS_OF_PORTLAND = (("503", 70), ("971", 27), ("206", 1), ("480", 1), ("312", 1))
AREAS_OF_VANCOUVER = (("360", 92), ("503", 8))

SMS_TEXT = (
    "I agree to get marketing texts from Alder & Ash Heating and Cooling at this number. Consent is no condition of "
    "purchase. Message and data rates may apply. Reply STOP to end, HELP for help."
)
CONTACT_COLUMNS = [
    *("external_id", "email", "phone", "first_name", "last_name", "company", "address", "city", "region"),
    *("postal_code", "country", "timezone", "tags", "acquired_on", "acquisition_channel"),
    *("email_consent", "email_consent_at", "email_consent_source"),
    *("sms_consent", "sms_consent_at", "sms_consent_source", "sms_consent_text"),
]


@dataclass
class Person:
    """A customer, as the cells of its row, with what it is and since when."""

    number: int
    kind: str
    since: date
    cells: dict[str, str]
    paired: bool = False


def phone_number(order: int, area: str) -> str:
    """The n-th number of our 555 exchange: the range kept for fiction first (0100-0199), then from 2000 on."""
    return f"+1{area}555{100 + order if order < 100 else 1900 + order:04d}"


def written(phone: str, draw: Draw) -> str:
    """A number the way somebody typed it."""
    area, exchange, line = phone[2:5], phone[5:8], phone[8:]
    forms = ((f"({area}) {exchange}-{line}", 55), (f"{area}-{exchange}-{line}", 20), (f"{area}.{exchange}.{line}", 8))
    return str(draw.weighted((*forms, (phone, 17)))[0])


class Town:
    """Gives out addresses, phone numbers and mailboxes, each once."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._mailboxes: dict[str, int] = {}

    def phone(self, draw: Draw, region: str) -> str:
        """A new number with an area code that people there have."""
        areas = AREAS_OF_VANCOUVER if region == "WA" else AREAS_OF_PORTLAND
        area = draw.weighted(areas)[0]
        order = self._lines.get(area, 0)
        self._lines[area] = order + 1
        return phone_number(order, area)

    def mailbox(self, draw: Draw, first: str, last: str) -> str:
        """A new address below a domain that is reserved for examples."""
        plain = f"{first}.{last}".lower().translate(str.maketrans("éëñíó", "eenio", "' "))
        domain = draw.pick(("mail.example.com", "home.example.net", "post.example.org", "inbox.example.com"))
        taken = self._mailboxes.get(plain, 0)
        self._mailboxes[plain] = taken + 1
        return f"{plain}{taken + 1 if taken else ''}@{domain}"


def moment_after(draw: Draw, day: date) -> datetime:
    """A moment at or after a day, before AS_OF."""
    start = max(day, date(2021, 3, 1))
    span = max((AS_OF.date() - start).days - 1, 0)
    later = start + timedelta(days=draw.whole(0, min(span, 400)))
    return datetime(later.year, later.month, later.day, draw.whole(8, 19), draw.whole(0, 59))


def permissions(cells: dict[str, str], draw: Draw, since: date) -> None:
    """E-mail and SMS consent with its evidence, for a share of those who have the address."""
    if cells["email"]:
        said = draw.weighted((("yes", 80), ("no", 4), ("", 16)))[0]
        cells["email_consent"] = said
        if said:
            cells["email_consent_at"] = moment_after(draw, since).isoformat()
            cells["email_consent_source"] = draw.pick(
                ("online booking form", "service agreement", "website newsletter box")
            )
    if cells["phone"]:
        said = draw.weighted((("yes", 54), ("no", 5), ("", 41)))[0]
        cells["sms_consent"] = said
        if said:
            cells["sms_consent_at"] = moment_after(draw, since).isoformat()
            cells["sms_consent_source"] = draw.pick(("online booking form", "tablet signature at the visit"))
            cells["sms_consent_text"] = SMS_TEXT if said == "yes" else ""


def since_when(draw: Draw) -> date:
    """Six in ten were customers before the file begins; the others came evenly over its three years."""
    if draw.chance(0.60):
        return date(2015, 1, 1) + timedelta(days=draw.whole(0, (OPENS - date(2015, 1, 1)).days - 1))
    return OPENS + timedelta(days=draw.whole(0, (AS_OF.date() - OPENS).days - 3))


def make_person(number: int, town: Town, neighbour: Person | None) -> Person:
    """One customer; now and then the second person of the household before."""
    draw = Draw(number, 1)
    kind, since = draw.weighted(KINDS)[0], since_when(draw)
    if kind == "lapsed" and since >= OPENS:
        kind = "repair"
    cells = dict.fromkeys(CONTACT_COLUMNS, "")
    cells |= {"external_id": f"C-{number + 1000}", "country": "US", "acquired_on": since.isoformat()}
    cells["acquisition_channel"] = draw.weighted(WORDS["channels"])[0]
    cells["first_name"], cells["last_name"] = draw.pick(WORDS["first_names"]), draw.pick(WORDS["last_names"])
    together = neighbour is not None and not neighbour.paired and not neighbour.cells["company"] and draw.chance(0.10)
    if neighbour is not None and together:
        kind = draw.weighted((("repair", 5), ("annual", 2), ("lapsed", 2)))[0]
        for column in ("address", "city", "region", "postal_code", "timezone"):
            cells[column] = neighbour.cells[column]
        if draw.chance(0.8):
            cells["last_name"] = neighbour.cells["last_name"]
    else:
        city, region, postal_code, _ = draw.weighted(WORDS["places"])
        side = "" if region == "WA" else draw.pick(("SE ", "NE ", "SW ", "N "))
        street = f"{side}{draw.pick(WORDS['streets'])} {draw.pick(WORDS['street_types'])}"
        cells |= {"address": f"{draw.whole(112, 9890)} {street}", "city": city, "region": region}
        cells["postal_code"] = postal_code
        if draw.chance(0.008):  # moved south, still owns the house here
            cells |= {"city": "Tempe", "region": "AZ", "postal_code": "85281", "timezone": "America/Phoenix"}
    if kind == "commercial":
        cells["company"] = draw.pick(WORDS["companies"])
    mailbox, phone = town.mailbox(draw, cells["first_name"], cells["last_name"]), town.phone(draw, cells["region"])
    cells["email"] = "" if draw.chance(0.08) else mailbox
    cells["phone"] = "" if draw.chance(0.05) else written(phone, draw)
    if neighbour is not None and together:
        cells["email"] = neighbour.cells["email"] if draw.chance(0.25) else cells["email"]
        cells["phone"] = neighbour.cells["phone"] if draw.chance(0.45) else cells["phone"]
    permissions(cells, draw, since)
    tags = [tag for tag, share in (("vip", 0.03), ("rental", 0.04), ("do-not-contact", 0.018)) if draw.chance(share)]
    tags += ["maintenance plan"] if kind == "plan" else ["commercial"] if kind == "commercial" else []
    cells["tags"] = "; ".join(tags)
    if draw.chance(0.02):  # typed with caps lock on, or with blanks around
        cells["last_name"] = cells["last_name"].upper()
        cells["first_name"] = f" {cells['first_name']} "
    return Person(number, kind, since, cells, paired=together)
