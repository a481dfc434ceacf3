"""Who is meant when a person is exported or erased: every row of theirs, and everything that names them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db.models import Q

from campaigns.audience import addresses
from campaigns.audience.models import Contact, Household
from tenants.accounts.models import Tenant

ERASED = "erased:"
"""Before the digest that stands where a number of the business's own stood."""
_ERASED_NUMBER = re.compile(rf"{ERASED}[0-9a-f]{{64}}\Z")
_LONG_ENOUGH = 6  # a shorter number of the business's own would be found in everything


@dataclass(frozen=True)
class People:
    """Some people of one tenant. A contact is erased with whoever was merged into it, and the other way round.

    ``addresses`` and ``numbers`` are how they are named in texts that are not columns of theirs, lower case; a number
    of the business's own may stand in other texts by chance. ``digests`` are those of the addresses.
    """

    tenant: Tenant
    rows: tuple[Contact, ...]
    addresses: tuple[str, ...]
    numbers: tuple[str, ...]
    digests: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.addresses, *self.numbers)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The words as regular expressions of PostgreSQL: each as a whole, never as a part of another's."""
        return tuple(map(_whole, self.words))

    @property
    def ids(self) -> list[int]:
        return [row.pk for row in self.rows]

    @property
    def survivors(self) -> list[Contact]:
        """One row a person."""
        return [row for row in self.rows if row.merged_into_id is None]

    def known_by(
        self, *, emails: Iterable[str] = (), phones: Iterable[str] = (), digests: Iterable[str] = ()
    ) -> "People":
        """With further addresses of theirs, as they wrote them, that other rooms know."""
        keys = {addresses.email_key(email) for email in emails}
        keys |= {addresses.phone_e164(phone, self.tenant.country) for phone in phones}
        known = {key for key in keys if key}
        made = {addresses.address_hmac(key) for key in known}
        return replace(
            self,
            addresses=_sorted({*self.addresses, *_words_of(known)}),
            digests=_sorted({*self.digests, *made, *filter(None, digests)}),
        )


def people_of(tenant: Tenant, contacts: Sequence[Contact], *, locked: bool = False) -> People:
    """The people of these rows. Inside the open scope; ``locked``: nobody else changes their rows meanwhile."""
    heads = {row.merged_into_id or row.pk for row in contacts}
    found = Contact.objects.for_tenant(tenant).filter(Q(pk__in=heads) | Q(merged_into__in=heads)).order_by("pk")
    rows = tuple(found.select_for_update() if locked else found)
    keys = {key for row in rows for key in (row.email_key or row.email.lower(), row.phone_key or row.phone) if key}
    numbers = {row.external_id.lower() for row in rows if row.external_id and len(row.external_id) >= _LONG_ENOUGH}
    digests = {digest for row in rows for digest in (row.email_hmac, row.phone_hmac) if digest}
    digests |= {addresses.address_hmac(key) for key in keys}
    return People(tenant, rows, _sorted(_words_of(keys)), _sorted(numbers), _sorted(digests))


def erased_number(kind: str, number: str) -> str:
    """What stands in the place of a number of the business's own, so that it is known again and never read."""
    return number if _ERASED_NUMBER.match(number) else ERASED + addresses.address_hmac(f"{kind} {number}")


def household_keys(rows: Iterable[Contact]) -> dict[str, str]:
    """The keys of households that are made of these rows' numbers (households.py), and what takes their place."""
    keys = {}
    for row in rows:
        number = row.external_id or ""
        if number and not _ERASED_NUMBER.match(number):
            keys[number] = f"erased-{addresses.address_hmac(f'household {number}')[:50]}"
    return keys


def households_of(people: People) -> Sequence[Household]:
    """The households that they live in."""
    ids = {row.household_id for row in people.rows}
    return list(Household.objects.for_tenant(people.tenant).filter(pk__in=ids).order_by("pk"))


def _words_of(keys: Iterable[str]) -> set[str]:
    """Each address as it is written in a text and in a form that was sent; a number also without its plus."""
    words = set()
    for key in keys:
        if "@" in key:
            words |= {key, key.replace("+", "%2b").replace("@", "%40")}
        elif len(key) >= _LONG_ENOUGH:
            words.add(key.removeprefix("+"))
    return words


def _whole(word: str) -> str:
    """A regular expression that finds the word where nothing that could belong to it stands before or behind it.

    The letter of an escape in JSON does not: ``\\n`` before an address is a new line.
    """
    joined = "[[:alnum:]._+-]" if "@" in word or "%40" in word else "[[:alnum:]]"
    return rf"(?:(?<!{joined})|\\(?:[nrtbf]|u[0-9a-f]{{4}})){re.escape(word)}(?![[:alnum:]]|[.-][[:alnum:]])"


def _sorted(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(texts))
