"""Whether a domain is ready for marketing e-mail, by what its DNS says: SPF, DKIM, DMARC, alignment, MX."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from winback.providers.domains import dkim_keys, dmarc, spf
from winback.providers.domains.findings import DnsRecord, Finding, bad, note, weak
from winback.providers.domains.lookup import Lookup, LookupFailed
from winback.providers.domains.names import MAILBOX_PROVIDERS

SPF_INCLUDES = {
    "mailgun": "mailgun.org",
    "mailjet": "spf.mailjet.com",
}
"""What these providers ask to be included where the domain itself gets the bounces (their documentation)."""
BOUNCES_ELSEWHERE = frozenset(
    {"postmark", "amazon-ses", "sendgrid", "resend", "brevo", "sparkpost", "mailersend", "mailtrap"}
)
"""These get bounces at a domain of their own, or at a subdomain set up with them: SPF of From is not asked."""


@dataclass(frozen=True)
class Setup:
    """How a domain sends. ``provider``: the code of the connection; empty ``bounce_domain``: the domain itself."""

    domain: str
    provider: str = ""
    selectors: Sequence[str] = ()
    dkim_domain: str = ""
    bounce_domain: str = ""

    @property
    def signed_by(self) -> str:
        return self.dkim_domain or self.domain

    @property
    def bounces_to(self) -> str:
        return self.bounce_domain or self.domain


@dataclass(frozen=True)
class Readiness:
    """Everything that was found. ``undecided``: the DNS gave no answer to some of it, so nothing is judged."""

    findings: tuple[Finding, ...]
    policy: str = ""
    organizational: str = ""
    undecided: str = ""


def examine(setup: Setup, lookup: Lookup) -> Readiness:
    """Look everything up. Never raises for what the DNS says or does not say."""
    if setup.domain in MAILBOX_PROVIDERS:
        text = (
            f"{setup.domain} is a mailbox provider's: nobody else can sign for it, so receivers refuse what comes from "
            "elsewhere. Send from a domain of your own."
        )
        return Readiness((bad("from_mailbox_provider", text),))
    try:
        return _examined(setup, lookup)
    except LookupFailed as failure:
        return Readiness((), undecided=str(failure))


def _examined(setup: Setup, lookup: Lookup) -> Readiness:
    exchangers = lookup.mx(setup.domain)
    if not exchangers.exists and not lookup.txt(setup.domain).exists:
        return Readiness(
            (bad("domain_missing", f"There is no domain {setup.domain}: is it spelt right, and paid for?"),)
        )
    findings: list[Finding] = []
    findings += _spf(setup, lookup)
    findings += dkim_keys.examine(setup.signed_by, setup.selectors, lookup)
    said, found = dmarc.examine(setup.domain, lookup)
    findings += said
    findings += _alignment(setup, found, lookup)
    findings += _exchangers(setup.domain, exchangers.records, lookup)
    return Readiness(tuple(findings), found.applied(), found.organizational)


def _spf(setup: Setup, lookup: Lookup) -> list[Finding]:
    """SPF is asked of the domain that gets the bounces, not of the one in From."""
    if setup.provider in BOUNCES_ELSEWHERE and not setup.bounce_domain:
        text = "Your provider gets bounces at a domain of its own and keeps SPF for it: there is nothing to add."
        return [note("spf_at_provider", text)]
    findings, _ = spf.examine(setup.bounces_to, lookup, wanted=SPF_INCLUDES.get(setup.provider, ""))
    return findings


def _alignment(setup: Setup, found: dmarc.Discovery, lookup: Lookup) -> Iterator[Finding]:
    """One of the two must speak for the domain in From: DKIM had better, because SPF does not survive forwarding."""
    tags = found.policy.tags if found.policy is not None else {}
    strict_dkim, strict_spf = tags.get("adkim", "r").lower() == "s", tags.get("aspf", "r").lower() == "s"
    dkim = dmarc.aligned(setup.domain, setup.signed_by, strict=strict_dkim, lookup=lookup)
    elsewhere = setup.provider in BOUNCES_ELSEWHERE and not setup.bounce_domain
    spf_ = not elsewhere and dmarc.aligned(setup.domain, setup.bounces_to, strict=strict_spf, lookup=lookup)
    if dkim:
        return
    how = "strict" if strict_dkim else "relaxed"
    text = f"Mail from {setup.domain} is signed by {setup.signed_by}, which does not align with it ({how})."
    if spf_:
        yield weak("dkim_not_aligned", f"{text} Only SPF speaks for it, and that is lost when mail is forwarded.")
    else:
        yield bad("nothing_aligned", f"{text} Neither does SPF: DMARC fails for every message.")


def _exchangers(domain: str, records: Sequence[str], lookup: Lookup) -> Iterator[Finding]:
    if records == ("",):
        text = f"{domain} says that it takes no mail (a null MX): some receivers refuse mail from there."
        yield bad("mx_null", text)
    elif not records:
        if lookup.addresses(domain).void:
            text = f"{domain} takes no mail: replies and bounces get lost, and some receivers refuse mail from there."
            yield bad("mx_missing", text, DnsRecord("MX", domain, "10 (the server that takes your mail)"))
        else:
            yield weak(
                "mx_implicit", f"{domain} has no MX record: replies go to its web server, if it takes mail at all."
            )
