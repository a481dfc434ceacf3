"""SPF by RFC 7208: whether the domain has one record that receivers can evaluate within their limits."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from winback.providers.domains.findings import DnsRecord, Finding, bad, note, weak
from winback.providers.domains.lookup import Lookup
from winback.providers.domains.names import is_under

MOST_LOOKUPS = 10
MOST_VOID = 2
_MOST_EXCHANGERS = 10
_TERM = re.compile(
    r"(?P<qualifier>[+\-~?]?)(?P<name>all|include|a|mx|ptr|ip4|ip6|exists)(?P<rest>[:/].*)?\Z", re.IGNORECASE
)
_MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9_.-]*)=(?P<value>.*)\Z", re.IGNORECASE)


@dataclass
class Evaluation:
    """What walking through a record and those that it includes came to."""

    lookups: int = 0
    void: int = 0
    included: list[str] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)
    end: str = ""
    """The qualifier of ``all`` in the record that decides last; empty: there is none."""


def records_of(domain: str, lookup: Lookup) -> list[str]:
    """The texts that are SPF records."""
    return [
        text for text in lookup.txt(domain).records if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")
    ]


def examine(domain: str, lookup: Lookup, *, wanted: str = "") -> tuple[list[Finding], Evaluation]:
    """What is to be said of the domain's SPF. ``wanted``: the name that the provider asks to be included.

    Raises LookupFailed.
    """
    evaluation = Evaluation()
    records = records_of(domain, lookup)
    suggestion = DnsRecord("TXT", domain, f"v=spf1 {f'include:{wanted}' if wanted else 'mx'} ~all")
    if not records:
        text = f"{domain} has no SPF record: receivers cannot tell who may send for it."
        return [bad("spf_missing", text, suggestion)], evaluation
    if len(records) > 1:
        text = f"{domain} has {len(records)} SPF records: receivers take that for an error. Put them together into one."
        return [bad("spf_two_records", text, DnsRecord("TXT", domain, _together(records)))], evaluation
    evaluation.end = _walk(domain, records[0], lookup, evaluation, seen=(domain,))
    findings = list(dict.fromkeys(evaluation.problems))
    findings += _judge(domain, records[0], evaluation)
    if wanted and not any(is_under(name, wanted) for name in evaluation.included):
        text = f"The SPF record of {domain} does not name your provider ({wanted})."
        findings.append(
            weak("spf_without_provider", text, DnsRecord("TXT", domain, _with(records[0], wanted), records[0]))
        )
    return findings, evaluation


def _judge(domain: str, record: str, evaluation: Evaluation) -> Iterator[Finding]:
    if evaluation.lookups > MOST_LOOKUPS:
        text = (
            f"The SPF record of {domain} needs {evaluation.lookups} look-ups, and receivers stop after {MOST_LOOKUPS}: "
            "take out providers that you no longer use, or send from a subdomain of its own."
        )
        yield bad("spf_too_many_lookups", text)
    if evaluation.void > MOST_VOID:
        text = (
            f"{evaluation.void} names in the SPF record of {domain} do not exist, and receivers bear {MOST_VOID}: "
            "take them out."
        )
        yield bad("spf_void_lookups", text)
    if evaluation.end == "+":
        safe = re.sub(r"\s\+?all\b.*\Z", " ~all", record, flags=re.IGNORECASE)
        text = f"The SPF record of {domain} lets everybody send for it (+all): receivers distrust such a domain."
        yield bad("spf_allows_everyone", text, DnsRecord("TXT", domain, safe, record))
    elif evaluation.end in ("?", ""):
        ended = re.sub(r"\s\?all\b.*\Z", "", record, flags=re.IGNORECASE)
        text = f"The SPF record of {domain} does not say what holds for all others: end it with ~all or -all."
        yield weak("spf_no_end", text, DnsRecord("TXT", domain, f"{ended} ~all", record))
    else:
        yield note("spf_found", f"SPF needs {evaluation.lookups} of {MOST_LOOKUPS} look-ups.")


def _walk(domain: str, record: str, lookup: Lookup, evaluation: Evaluation, *, seen: tuple[str, ...]) -> str:
    """Count what a receiver would look up, through everything that is included; returns the qualifier of the end."""
    redirect = ""
    end = ""
    for term in record.split()[1:]:
        mechanism = _TERM.match(term)
        modifier = _MODIFIER.match(term)
        if mechanism is not None:
            name = mechanism["name"].lower()
            target = (mechanism["rest"] or "").removeprefix(":")
            if name == "all":
                end = mechanism["qualifier"] or "+"
                break
            _look(name, target, domain, lookup, evaluation, seen=seen)
        elif modifier is not None:
            if modifier["name"].lower() == "redirect":
                redirect = modifier["value"]
        else:
            text = f"“{term[:60]}” in the SPF record of {domain} is not understood: receivers take that for an error."
            evaluation.problems.append(bad("spf_invalid", text))
    if redirect and not end:
        evaluation.lookups += 1
        end = _include(redirect, domain, lookup, evaluation, seen=seen)
    return end


def _look(
    name: str, target: str, domain: str, lookup: Lookup, evaluation: Evaluation, *, seen: tuple[str, ...]
) -> None:
    if name in ("ip4", "ip6"):
        return
    evaluation.lookups += 1
    host = target.partition("/")[0] or domain
    if name == "include":
        _include(target, domain, lookup, evaluation, seen=seen)  # how that ends decides nothing
    elif "%" in host:
        return  # a macro: different for every sender
    elif name == "ptr":
        text = f"The SPF record of {domain} uses ptr, which is slow and which some receivers skip: take it out."
        evaluation.problems.append(weak("spf_ptr", text))
    elif name == "mx":
        exchangers = lookup.mx(host)
        evaluation.void += exchangers.void
        if len(exchangers.records) > _MOST_EXCHANGERS:
            text = f"mx:{host} in the SPF record of {domain} names more than {_MOST_EXCHANGERS} servers."
            evaluation.problems.append(bad("spf_invalid", text))
    else:
        evaluation.void += lookup.addresses(host).void


def _include(target: str, domain: str, lookup: Lookup, evaluation: Evaluation, *, seen: tuple[str, ...]) -> str:
    """Walk through what is included or redirected to; returns how that ends."""
    name = target.rstrip(".").lower()
    if "%" in name:
        return "~"  # a macro: different for every sender, taken for granted
    if name in seen:
        evaluation.problems.append(bad("spf_loop", f"The SPF record of {domain} leads back to itself through {name}."))
        return ""
    if evaluation.lookups > 3 * MOST_LOOKUPS:
        return ""  # far over the limit: how far does not matter
    evaluation.included.append(name)
    records = records_of(name, lookup)
    if len(records) != 1:
        evaluation.void += lookup.txt(name).void
        number = "no" if not records else "more than one"
        text = f"The SPF record of {domain} includes {name}, which has {number} SPF record."
        evaluation.problems.append(bad("spf_broken_include", text))
        return ""
    return _walk(name, records[0], lookup, evaluation, seen=(*seen, name))


def _with(record: str, wanted: str) -> str:
    """The record with one more include, right after the version."""
    version, _, rest = record.partition(" ")
    return f"{version} include:{wanted} {rest or '~all'}"


def _together(records: list[str]) -> str:
    """One record of several; the mildest end holds."""
    terms = list(dict.fromkeys(term for record in records for term in record.split()[1:]))
    ends = [term for term in terms if term.lower().lstrip("+-~?") == "all"]
    end = "~all" if "~all" in ends or not ends else ends[0]
    kept = [term for term in terms if term not in ends and not term.lower().startswith("redirect=")]
    return " ".join(["v=spf1", *kept, "~all" if end in ("all", "+all", "?all") else end])
