"""A domain's readiness, by a real DNS server on loopback."""

from collections.abc import Iterator

import pytest

from tests.providers.domains.dns_server import Key, Running, Zone, make_key, serving
from winback.providers.domains.findings import Finding, Severity
from winback.providers.domains.lookup import Lookup
from winback.providers.domains.readiness import Readiness, Setup, examine

OAK = "oak.example.com"


@pytest.fixture(scope="module")
def key() -> Key:
    return make_key()


@pytest.fixture
def zone(key: Key) -> Zone:
    """Everything in order: SPF with one include, a DKIM key, DMARC with reports, MX."""
    return {
        OAK: {"TXT": ["v=spf1 include:_spf.post.example -all"], "MX": [f"10 mx.{OAK}"]},
        "_spf.post.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]},
        f"s1._domainkey.{OAK}": {"TXT": [key.record]},
        f"_dmarc.{OAK}": {"TXT": [f"v=DMARC1; p=none; rua=mailto:d@{OAK}"]},
    }


@pytest.fixture
def server(zone: Zone) -> Iterator[Running]:
    with serving(zone) as running:
        yield running


def look(server: Running, setup: Setup | None = None) -> Readiness:
    return examine(setup or Setup(OAK, selectors=["s1"]), Lookup([server.address]))


def troubles(readiness: Readiness) -> list[str]:
    return [finding.code for finding in readiness.findings if finding.severity != Severity.NOTE]


def the(readiness: Readiness, code: str) -> Finding:
    return next(finding for finding in readiness.findings if finding.code == code)


def test_a_domain_in_order_is_ready(server: Running) -> None:
    found = look(server)

    assert troubles(found) == []
    assert found.policy == "none"


def test_without_any_record_each_is_named_with_what_to_add(server: Running, zone: Zone) -> None:
    zone.clear()
    zone[OAK] = {"A": ["192.0.2.1"]}

    found = look(server)

    assert troubles(found) == ["spf_missing", "dkim_missing", "dmarc_missing", "mx_implicit"]
    records = {code: the(found, code).record for code in ("spf_missing", "dmarc_missing")}
    assert records["spf_missing"] is not None
    assert (records["spf_missing"].name, records["spf_missing"].value) == (OAK, "v=spf1 mx ~all")
    assert records["dmarc_missing"] is not None
    assert records["dmarc_missing"].value == f"v=DMARC1; p=none; rua=mailto:dmarc@{OAK}"


def test_a_domain_that_does_not_exist_is_said_to(server: Running) -> None:
    assert troubles(look(server, Setup("oka.example.net"))) == ["domain_missing"]


def test_a_server_that_fails_is_no_answer(server: Running) -> None:
    server.names.broken.add(f"_dmarc.{OAK}")

    found = look(server)

    assert found.findings == ()
    assert f"_dmarc.{OAK}" in found.undecided


def test_an_address_at_a_mailbox_provider_is_nobodys_to_sign(server: Running) -> None:
    assert troubles(look(server, Setup("gmail.com"))) == ["from_mailbox_provider"]
    assert server.names.asked == []


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (["v=spf1 -all", "v=spf1 mx ~all"], ["spf_two_records"]),
        (["v=spf1 +all"], ["spf_allows_everyone"]),
        (["v=spf1 all"], ["spf_allows_everyone"]),
        (["v=spf1 mx ?all"], ["spf_no_end"]),
        (["v=spf1 mx"], ["spf_no_end"]),
        (["v=spf1 include:nobody.example ~all"], ["spf_broken_include"]),
        (["v=spf1 a:a.gone.example a:b.gone.example a:c.gone.example ~all"], ["spf_void_lookups"]),
        (["v=spf1 ipv4:192.0.2.1 ~all"], ["spf_invalid"]),
        (["v=spf1 ptr ~all"], ["spf_ptr"]),
        ([f"v=spf1 include:{OAK} ~all"], ["spf_loop"]),
        (["v=spf1 redirect=_spf.post.example"], []),
        (["v=spf1 exists:%{i}.rbl.example ~all"], []),
        (["unrelated", "v=spf10 +all", "V=SPF1 MX -ALL"], []),
    ],
)
def test_spf(server: Running, zone: Zone, records: list[str], expected: list[str]) -> None:
    zone[OAK]["TXT"] = records

    assert troubles(look(server)) == expected


@pytest.mark.parametrize(("includes", "expected"), [(5, []), (6, ["spf_too_many_lookups"])])
def test_look_ups_are_counted_through_what_is_included(
    server: Running, zone: Zone, includes: int, expected: list[str]
) -> None:
    zone[OAK]["TXT"] = ["v=spf1 " + " ".join(f"include:i{n}.post.example" for n in range(includes)) + " -all"]
    for number in range(includes):  # each needs one look-up more
        zone[f"i{number}.post.example"] = {"TXT": ["v=spf1 include:_spf.post.example -all"]}

    assert troubles(look(server)) == expected


def test_the_provider_that_must_be_included_is_named_with_the_whole_record(server: Running) -> None:
    found = look(server, Setup(OAK, provider="mailgun", selectors=["s1"]))

    record = the(found, "spf_without_provider").record
    assert record is not None
    assert record.value == "v=spf1 include:mailgun.org include:_spf.post.example -all"
    assert record.old == "v=spf1 include:_spf.post.example -all"


def test_a_provider_that_gets_the_bounces_itself_needs_no_spf(server: Running, zone: Zone) -> None:
    zone[OAK]["TXT"] = []

    assert troubles(look(server, Setup(OAK, provider="postmark", selectors=["s1"]))) == []


def test_a_short_key_is_weak_and_one_below_1024_bits_is_refused(server: Running, zone: Zone) -> None:
    zone[f"s1._domainkey.{OAK}"]["TXT"] = [make_key(1024).record]
    assert troubles(look(server)) == ["dkim_short_key"]

    # The public half of a key of 768 bits: the library refuses to make one.
    weak = (
        "MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAMXbI1aLzPFJLkVfMUCjKpxFXTlCjgRE3YW2jr3TUk8w8hVlWVrNmyPk2hSqYiNnUa8zTDMkLj6c"
    )
    weak += "DcRs1JH2MqAh1XNtSs2HPtsSbZ7gH1C5Jm5SWvK1zCkxvX3aZlqKDQIDAQAB"
    zone[f"s1._domainkey.{OAK}"]["TXT"] = [f"v=DKIM1; p={weak}"]
    assert troubles(look(server)) == ["dkim_weak_key"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=DKIM1; k=rsa; p=", ["dkim_revoked"]),
        ("v=DKIM1; t=y:s; KEY", ["dkim_testing"]),
        ("v=DKIM1; p=MIIBIjANBgkq", ["dkim_unreadable"]),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", ["dkim_ed25519"]),
        ("KEY", []),
    ],
)
def test_dkim_keys(server: Running, zone: Zone, key: Key, record: str, expected: list[str]) -> None:
    zone[f"s1._domainkey.{OAK}"]["TXT"] = [record.replace("KEY", f"p={key.public}")]

    assert troubles(look(server)) == expected


def test_two_keys_at_one_selector(server: Running, zone: Zone, key: Key) -> None:
    zone[f"s1._domainkey.{OAK}"]["TXT"] = [key.record, f"p={key.public}"]

    assert troubles(look(server)) == ["dkim_two_keys"]


def test_where_no_selector_is_named_the_usual_ones_are_tried(server: Running, zone: Zone) -> None:
    assert troubles(look(server, Setup(OAK))) == []

    del zone[f"s1._domainkey.{OAK}"]
    assert troubles(look(server, Setup(OAK))) == ["dkim_selector_unknown"]


def test_signing_by_another_domain_does_not_align(server: Running, zone: Zone, key: Key) -> None:
    zone["s1._domainkey.post.example"] = {"TXT": [key.record]}
    elsewhere = Setup(OAK, selectors=["s1"], dkim_domain="post.example")
    assert troubles(look(server, elsewhere)) == ["dkim_not_aligned"]

    both = Setup(OAK, selectors=["s1"], dkim_domain="post.example", bounce_domain="_spf.post.example")
    assert "nothing_aligned" in troubles(look(server, both))


def test_a_parent_of_the_same_organization_aligns_unless_alignment_is_strict(
    server: Running, zone: Zone, key: Key
) -> None:
    news = f"news.{OAK}"
    zone[news] = {"TXT": ["v=spf1 mx -all"], "MX": [f"10 mx.{OAK}"]}
    signed_above = Setup(news, selectors=["s1"], dkim_domain=OAK)
    assert troubles(look(server, signed_above)) == []

    zone[f"_dmarc.{OAK}"]["TXT"] = ["v=DMARC1; p=none; adkim=s; rua=mailto:d@x.example"]
    assert troubles(look(server, signed_above)) == ["dkim_not_aligned"]


def test_a_null_mx_and_no_mail_at_all(server: Running, zone: Zone) -> None:
    zone[OAK]["MX"] = ["0 ."]
    assert troubles(look(server)) == ["mx_null"]

    zone[OAK]["MX"] = []
    assert troubles(look(server)) == ["mx_missing"]
