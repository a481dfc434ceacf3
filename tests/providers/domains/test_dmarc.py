"""DMARC by RFC 9989: the tree walk, the tags, the organizational domain; by a real DNS server on loopback."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.domains.dns_server import serving
from winback.providers.domains import dmarc
from winback.providers.domains.findings import Severity
from winback.providers.domains.lookup import Lookup


def discover(domain: str, **records: str | list[str]) -> dmarc.Discovery:
    """The names are written with ``__`` for dots."""
    zone = {
        f"_dmarc.{name.replace('__', '.')}": {"TXT": [value] if isinstance(value, str) else value}
        for name, value in records.items()
    }
    with serving(zone) as server:
        return dmarc.discover(domain, Lookup([server.address]))


def test_a_record_of_its_own_counts_before_the_organizations() -> None:
    found = discover("a.oak.com", a__oak__com="v=DMARC1; p=reject", oak__com="v=DMARC1; p=none")

    assert found.applied() == "reject"
    assert found.organizational == "oak.com"


def test_a_subdomain_without_a_record_has_that_of_the_organization_and_its_sp() -> None:
    assert discover("a.oak.com", oak__com="v=DMARC1; p=reject; sp=quarantine").applied() == "quarantine"
    assert discover("a.oak.com", oak__com="v=DMARC1; p=reject").applied() == "reject"


def test_the_walk_goes_on_to_the_last_label() -> None:
    found = discover("shop.bank", bank="v=DMARC1; p=reject; psd=y")

    assert (found.organizational, found.applied()) == ("shop.bank", "reject")


def test_a_registry_makes_the_name_below_it_the_organization() -> None:
    found = discover("a.b.shop.bank", bank="v=DMARC1; p=reject; psd=y", a__b__shop__bank="v=DMARC1; p=none")

    assert (found.organizational, found.applied()) == ("shop.bank", "none")


def test_psd_n_ends_the_walk() -> None:
    found = discover("a.dept.oak.com", dept__oak__com="v=DMARC1; p=quarantine; psd=n", oak__com="v=DMARC1; p=none")

    assert (found.organizational, found.applied()) == ("dept.oak.com", "quarantine")


def test_no_more_than_eight_names_are_asked_however_long_the_domain() -> None:
    domain = ".".join("abcdefghijklmnop") + ".com"
    with serving({}) as server:
        found = dmarc.discover(domain, Lookup([server.address]))
        asked = [name for name, _ in server.names.asked]

    assert asked == [f"_dmarc.{domain}", *(f"_dmarc.{'.'.join(domain.split('.')[-n:])}" for n in range(7, 0, -1))]
    assert found.organizational == domain


@pytest.mark.parametrize(
    ("record", "applied"),
    [
        ("v=DMARC1; p=none", "none"),
        ("v=DMARC1;p=reject;pct=0;rf=afrf;ri=86400", "reject"),
        ("v=DMARC1; p=reject; t=y", "quarantine"),
        ("v=DMARC1; p=quarantine; t=y", "none"),
        ("V=DMARC1; P=Reject; made_up=1", "reject"),
        ("v=DMARC1; rua=mailto:d@oak.com", "none"),
        ("v=DMARC1; p=rejct; rua=mailto:d@oak.com", "none"),
        ("v=DMARC1", ""),
        ("v=dmarc1; p=reject", ""),
        ("p=reject; v=DMARC1", ""),
    ],
)
def test_tags(record: str, applied: str) -> None:
    assert discover("oak.com", oak__com=record).applied() == applied


def test_two_records_count_as_none_and_are_told() -> None:
    with serving({"_dmarc.oak.com": {"TXT": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}}) as server:
        findings, found = dmarc.examine("oak.com", Lookup([server.address]))

    assert found.policy is None
    assert [(finding.code, finding.severity) for finding in findings] == [("dmarc_two_records", Severity.BAD)]


def test_a_record_that_cannot_be_read_is_shown_beside_the_one_to_put_there() -> None:
    with serving({"_dmarc.oak.com": {"TXT": ["v=DMARC 1; p=none"]}}) as server:
        findings, _ = dmarc.examine("oak.com", Lookup([server.address]))

    assert findings[0].code == "dmarc_invalid"
    assert findings[0].record is not None
    assert findings[0].record.old == "v=DMARC 1; p=none"


@given(st.text(max_size=60))
def test_whatever_stands_there_is_read_or_refused(text: str) -> None:
    tags = dmarc.parse(text)

    assert tags is None or tags["v"] == "DMARC1"
