"""Who lives together: by a shared e-mail, phone or address, along any chain of them, whatever the order."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience.households import MOST_SHARING
from campaigns.audience.models import Contact, Household
from tenants.accounts.models import Tenant
from tests.audience.importing import run, written

HEADER = "external_id,email,phone,address,postal_code\n"


def homes(tenant: Tenant) -> set[frozenset[str]]:
    """The external ids of those who live together."""
    found: dict[int, set[str]] = {}
    for name, home in Contact.objects.for_tenant(tenant).values_list("external_id", "household_id"):
        found.setdefault(home, set()).add(str(name))
    return {frozenset(names) for names in found.values()}


def take(tenant: Tenant, directory: Path, *rows: str) -> None:
    run("contacts", tenant, written(directory, HEADER + "".join(f"{row}\n" for row in rows)))


def test_those_who_share_a_key_live_together(tenant: Tenant, tmp_path: Path) -> None:
    take(
        tenant,
        tmp_path,
        "a,one@example.com,,,",
        "b,ONE@example.com,312-555-0142,,",
        "c,,(312) 555-0142,12 Oak Street,62701",
        "d,,,12 oak st.,62701-1234",
        "e,five@example.com,,12 Oak Street,90210",
        "f,,,Oak Street,62701",
        "g,,,Oak Street,62701",
    )

    assert homes(tenant) == {frozenset("abcd"), frozenset("e"), frozenset("f"), frozenset("g")}


def test_a_newcomer_joins_the_oldest_home_and_moves_nobody(tenant: Tenant, tmp_path: Path) -> None:
    take(tenant, tmp_path, "a,one@example.com,,,", "b,,312-555-0142,,")
    before = dict(Contact.objects.for_tenant(tenant).values_list("external_id", "household_id"))

    take(tenant, tmp_path, "c,one@example.com,312-555-0142,,", "d,,312-555-0142,,")

    after = dict(Contact.objects.for_tenant(tenant).values_list("external_id", "household_id"))
    assert {name: after[name] for name in before} == before
    assert after["c"] == after["d"] == before["a"]


def test_a_key_that_too_many_share_is_no_evidence_whenever_they_came(tenant: Tenant, tmp_path: Path) -> None:
    take(tenant, tmp_path, *(f"a{n},office@example.com,,," for n in range(5)))
    take(tenant, tmp_path, *(f"b{n},office@example.com,,," for n in range(MOST_SHARING)))

    assert sorted(map(len, homes(tenant))) == [1] * MOST_SHARING + [5]


def test_a_household_is_called_after_its_first_contact_in_every_database(tenant: Tenant, tmp_path: Path) -> None:
    long = "https://shop.example.com/admin/customers/and/so/on/and/so/on/and/on/"
    take(tenant, tmp_path, "a,,,,", f"{long}1,,,,", f"{long}2,,,,", "contact-1,,,,", ",nobody@example.com,,,")

    keys = set(Household.objects.for_tenant(tenant).values_list("key", flat=True))
    contact = Contact.objects.for_tenant(tenant).get(external_id=None)
    assert len(keys) == 5
    assert {"a", f"contact-{contact.pk}"} <= keys
    assert sum(key.startswith("digest-") for key in keys) == 3


def expected(rows: list[tuple[str, str, str]]) -> set[frozenset[str]]:
    """The same by union and find, over keys that at most MOST_SHARING share."""
    parent = {name: name for name, _, _ in rows}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for column in (1, 2):
        for key in {row[column] for row in rows if row[column]}:
            sharing = [row[0] for row in rows if row[column] == key]
            if len(sharing) <= MOST_SHARING:
                for other in sharing[1:]:
                    parent[root(other)] = root(sharing[0])
    groups: dict[str, set[str]] = {}
    for name in parent:
        groups.setdefault(root(name), set()).add(name)
    return {frozenset(names) for names in groups.values()}


keys = st.tuples(st.sampled_from(["", *"abcdefgh"]), st.sampled_from(["", *"12345678"]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=st.lists(keys, min_size=1, max_size=40))
def test_chains_of_any_shape(tenant: Tenant, tmp_path: Path, people: list[tuple[str, str]]) -> None:
    Contact.objects.for_tenant(tenant).delete()
    rows = [(f"p{n}", email, phone) for n, (email, phone) in enumerate(people)]

    take(
        tenant,
        tmp_path,
        *(f"{n},{e and f'{e}@example.com'},{p and f'312-555-014{p}'},," for n, e, p in rows),
    )

    assert homes(tenant) == expected(rows)


def test_a_long_chain_ends(tenant: Tenant, tmp_path: Path) -> None:
    """Each shares a phone with the one before and an e-mail with the one after."""
    rows = [f"p{n:03},m{(n + 1) // 2}@example.com,312-555-{1000 + n // 2},," for n in range(300)]

    take(tenant, tmp_path, *reversed(rows))

    assert len(homes(tenant)) == 1
