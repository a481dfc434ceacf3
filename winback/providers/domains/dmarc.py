"""DMARC by RFC 9989: find the policy and the organizational domain by the tree walk, and judge alignment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from winback.providers.domains.findings import DnsRecord, Finding, bad, note, weak
from winback.providers.domains.lookup import Lookup

_POLICIES = ("none", "quarantine", "reject")
_MOST_LABELS = 8


@dataclass(frozen=True)
class Policy:
    """A record that was found: where, and its tags. Unknown ones do nothing, nor pct, rf, ri (RFC 9989)."""

    domain: str
    tags: Mapping[str, str]

    @property
    def psd(self) -> str:
        return self.tags.get("psd", "u").lower()

    def strict(self, tag: str) -> bool:
        return self.tags.get(tag, "r").lower() == "s"


@dataclass(frozen=True)
class Discovery:
    """What the walk found for a domain."""

    domain: str
    organizational: str
    policy: Policy | None = None
    doubled: tuple[str, ...] = ()
    """Names that publish more than one record, which counts as none."""
    texts: tuple[str, ...] = field(default=(), repr=False)

    def applied(self) -> str:
        """What is asked of receivers for this very domain; empty when nothing is."""
        if self.policy is None:
            return ""
        tags = self.policy.tags
        wanted = tags.get("p", "").lower()
        if self.policy.domain != self.domain:
            wanted = tags.get("sp", wanted).lower()
        if wanted not in _POLICIES:
            return "none" if tags.get("rua") else ""
        if tags.get("t", "n").lower() == "y":  # being tried out: one step milder
            return _POLICIES[max(_POLICIES.index(wanted) - 1, 0)]
        return wanted


def parse(text: str) -> dict[str, str] | None:
    """The tags of a DMARC record, the first of each name; None when it is none."""
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    if not pairs or pairs[0][0].strip().lower() != "v" or pairs[0][2].strip() != "DMARC1":
        return None
    tags: dict[str, str] = {}
    for name, equals, value in pairs:
        if equals:
            tags.setdefault(name.strip().lower(), value.strip())
    return tags


def discover(domain: str, lookup: Lookup) -> Discovery:
    """Walk from the domain up to its last label; raises LookupFailed."""
    doubled = []
    found: list[Policy] = []
    texts: tuple[str, ...] = ()
    for name in _walk(domain):
        records = lookup.txt(f"_dmarc.{name}").records
        valid = [tags for tags in map(parse, records) if tags is not None]
        if name == domain:
            texts = records
        if len(valid) > 1:
            doubled.append(name)
        elif valid:
            found.append(Policy(name, valid[0]))
            if found[-1].psd in ("y", "n"):
                break
    organizational = _organizational(domain, found)
    own = next((each for each in found if each.domain == domain), None)
    above = next((each for each in found if each.domain == organizational), None)
    registry = next((each for each in found if each.psd == "y"), None)
    return Discovery(domain, organizational, own or above or registry, tuple(doubled), texts)


def _walk(domain: str) -> Iterator[str]:
    """The domain, then its parents: at most eight names, however many labels it has."""
    labels = domain.split(".")
    yield domain
    start = 1 if len(labels) <= _MOST_LABELS else len(labels) - (_MOST_LABELS - 1)
    for position in range(start, len(labels)):
        yield ".".join(labels[position:])


def _organizational(domain: str, found: list[Policy]) -> str:
    for policy in found:
        if policy.psd == "n":
            return policy.domain
        if policy.psd == "y" and policy.domain != domain:
            labels = domain.split(".")
            return ".".join(labels[len(labels) - policy.domain.count(".") - 2 :])
    return min((policy.domain for policy in found), key=lambda name: name.count("."), default=domain)


def aligned(from_domain: str, other: str, *, strict: bool, lookup: Lookup) -> bool:
    """Whether a domain that was authenticated speaks for the one in From."""
    if from_domain == other:
        return True
    if strict or not other:
        return False
    return discover(from_domain, lookup).organizational == discover(other, lookup).organizational


def examine(domain: str, lookup: Lookup) -> tuple[list[Finding], Discovery]:
    """What is to be said of the domain's DMARC; raises LookupFailed."""
    found = discover(domain, lookup)
    suggestion = DnsRecord("TXT", f"_dmarc.{domain}", f"v=DMARC1; p=none; rua=mailto:dmarc@{found.organizational}")
    if domain in found.doubled:
        text = f"There are two DMARC records at _dmarc.{domain}: receivers heed neither. Keep one."
        return [bad("dmarc_two_records", text, suggestion)], found
    if found.policy is None:
        broken = next((text for text in found.texts if "dmarc" in text.lower()), "")
        if broken:
            text = f"The record at _dmarc.{domain} cannot be read: it must begin with v=DMARC1."
            record = DnsRecord(suggestion.type, suggestion.name, suggestion.value, broken)
            return [bad("dmarc_invalid", text, record)], found
        text = f"{domain} has no DMARC record: mailbox providers ask for one of whoever sends in bulk."
        return [bad("dmarc_missing", text, suggestion)], found
    return list(_judge(found, found.policy, suggestion)), found


def _judge(found: Discovery, policy: Policy, suggestion: DnsRecord) -> Iterator[Finding]:
    applied = found.applied()
    if not applied:
        text = f"The DMARC record at _dmarc.{policy.domain} asks for nothing: p must be none, quarantine or reject."
        yield bad("dmarc_invalid", text, suggestion)
        return
    where = "" if policy.domain == found.domain else f" (from {policy.domain})"
    yield note("dmarc_found", f"DMARC asks receivers for “{applied}”{where}.")
    if policy.tags.get("t", "n").lower() == "y":
        yield note("dmarc_testing", "The DMARC policy is being tried out (t=y): receivers act one step milder.")
    if not policy.tags.get("rua"):
        text = "Nobody gets the reports of DMARC (no rua): you would not see that somebody sends in your name."
        yield weak("dmarc_no_reports", text)
