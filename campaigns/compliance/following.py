"""May it be counted whether a person opens e-mails and presses their links? By brand, by place and by person.

The brand's own switches come first; then where it follows nobody; then what the person said; then the law of the
place, by the dated rows of catalog/data/tracking_rules.yaml. What is not known of a place counts against following.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any

from django.db import connection

from campaigns.audience.models import Contact
from campaigns.compliance.quiet_hours import region_code
from catalog.reading import DATA, read_yaml
from tenants.accounts.models import Brand, Tenant

# What a person said of it, as of %(now)s, for embedding: {tenant} and {contact} are SQL. The latest holds; a no counts
# whenever it was said, so that a replay is no way around it.
SAID = """
SELECT s.state FROM campaigns_consent s
 WHERE s.tenant_id = {tenant} AND s.contact_id = {contact} AND s.channel = 'email' AND s.purpose = 'tracking'
   AND (s.state = 'withdrawn' OR s.state = 'given' AND (s.stated_at IS NULL OR s.stated_at <= %(now)s))
 ORDER BY s.id DESC LIMIT 1
"""


@dataclass(frozen=True)
class Following:
    """Whether somebody may be followed; if not, why not, and by which rule of the law."""

    allowed: bool
    reason: str = ""
    rule: str = ""


@cache
def _rows() -> tuple[dict[str, Any], ...]:
    return tuple(read_yaml(DATA / "tracking_rules.yaml", DATA))


@lru_cache(maxsize=64)
def _asking_first(day: date) -> dict[str, str]:
    """The countries whose law asks first on a day, with the code of its rule."""
    return {
        country: row["code"]
        for row in _rows()
        if date.fromisoformat(row["valid_from"]) <= day <= date.fromisoformat(row.get("valid_to", "9999-12-31"))
        for country in row["countries"]
    }


@cache
def _group(name: str) -> frozenset[str]:
    return frozenset(country for row in _rows() if row.get("group") == name for country in row["countries"])


def judge(facts: Mapping[str, Any], *, on: date) -> Following:
    """The answer for one recipient.

    ``facts``: ``tracks_clicks``, ``tracks_opens`` and ``not_followed_in`` of the brand, ``country`` and ``region`` of
    the recipient, and what it has ``said``.
    """
    if not (facts["tracks_clicks"] or facts["tracks_opens"]):
        return Following(False, "tracking_off")
    country = facts["country"].upper()
    if _is_left_out(facts["not_followed_in"], country, facts["region"]):
        return Following(False, "tracking_off_here")
    if facts["said"] is not None:
        return Following(True) if facts["said"] == "given" else Following(False, "tracking_withdrawn")
    rule = _asking_first(on).get(country, "")
    return Following(False, "tracking_not_agreed", rule) if rule else Following(True)


def of_contact(tenant: Tenant, contact: Contact, brand: Brand, *, now: datetime) -> Following:
    """The answer for one contact and brand. Inside an open scope."""
    if contact.state != Contact.State.ACTIVE:
        return Following(False, f"contact_{contact.state}")
    with connection.cursor() as cursor:
        statement = SAID.format(tenant="%(tenant)s", contact="%(contact)s")
        cursor.execute(statement, {"tenant": tenant.pk, "contact": contact.pk, "now": now})
        row = cursor.fetchone()
    facts = {
        "tracks_clicks": brand.tracks_clicks,
        "tracks_opens": brand.tracks_opens,
        "not_followed_in": brand.not_followed_in,
        "country": contact.country or tenant.country,
        "region": contact.region,
        "said": row[0] if row else None,
    }
    return judge(facts, on=now.astimezone(tenant.zone).date())


def _is_left_out(places: Collection[str], country: str, region: str) -> bool:
    for place in places:
        named, _, part = place.partition("-")
        if not part and (named == country or country in _group(named)):
            return True
        if part and named == country and region_code(country, region) in (part, ""):
            return True
    return False
