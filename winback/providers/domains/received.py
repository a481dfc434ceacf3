"""What a message says as it was received: signed, by whom, over the headers of one-click unsubscribe (RFC 8058)?"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses, parseaddr

from winback.providers.domains import dmarc
from winback.providers.domains.findings import Finding, bad, note, weak
from winback.providers.domains.lookup import Lookup, LookupFailed
from winback.providers.domains.names import domain_of
from winback.providers.domains.signatures import Signature, check_all, names

LARGEST = 2_000_000
_ONE_CLICK = ("list-unsubscribe", "list-unsubscribe-post")
_HTTPS = re.compile(r"<\s*https://[^<>\s]+\s*>", re.IGNORECASE)


@dataclass(frozen=True)
class Received:
    """What was found, and what can be learned from it about the sending domain."""

    domain: str
    findings: tuple[Finding, ...]
    signatures: tuple[Signature, ...] = ()
    bounce_domain: str = ""
    undecided: str = ""
    aligned: tuple[Signature, ...] = field(default=())


def examine(raw: bytes, lookup: Lookup, *, now: datetime) -> Received:
    """Check a message as it was received. Never raises for what stands in it."""
    raw = re.sub(rb"\r?\n", b"\r\n", raw[:LARGEST].lstrip())
    parsed = BytesParser(policy=compat32).parsebytes(raw, headersonly=True)
    authors = parsed.get_all("From") or []
    if not authors:
        text = "There is no From in it: paste the whole message with its headers (“Show original”)."
        return Received("", (bad("message_unreadable", text),))
    domain = domain_of(parseaddr(str(authors[0]))[1])
    if len(authors) > 1 or len(getaddresses([str(authors[0])])) > 1 or not domain:
        text = "The message does not have exactly one From with an address: receivers refuse it."
        return Received(domain, (bad("message_from_wrong", text),))
    bounce_domain = domain_of(str(parsed.get("Return-Path", "")).strip("<> \t\r\n"))
    try:
        signatures = tuple(check_all(raw, lookup, now=now))
        policy = dmarc.discover(domain, lookup).policy
        strict = policy is not None and policy.strict("adkim")
        aligned = tuple(
            each
            for each in signatures
            if each.valid and dmarc.aligned(domain, each.domain, strict=strict, lookup=lookup)
        )
    except LookupFailed as failure:
        return Received(domain, (), undecided=str(failure))
    findings = [*_signing(domain, signatures, aligned), *_one_click(parsed, signatures), *_feedback(parsed)]
    return Received(domain, tuple(findings), signatures, bounce_domain, aligned=aligned)


def _signing(domain: str, signatures: tuple[Signature, ...], aligned: tuple[Signature, ...]) -> Iterator[Finding]:
    if not signatures:
        yield bad("message_unsigned", "The message carries no DKIM signature: switch signing on at your provider.")
        return
    if not any(each.valid for each in signatures):
        first = signatures[0]
        why = f" ({first.problem})" if first.problem else ""
        text = (
            f"No DKIM signature of the message holds{why}: the key of {first.selector}._domainkey.{first.domain} is "
            "another one, or the message was changed after it was signed."
        )
        yield bad("message_signature_broken", text)
        return
    if not aligned:
        signers = ", ".join(sorted({each.domain for each in signatures if each.valid}))
        text = f"The message is from {domain}, but signed by {signers}: set your own domain up for signing there."
        yield bad("message_not_aligned", text)
        return
    if all(each.partial for each in aligned):
        text = "The signature covers a part of the body alone (l=): anybody can add to the message. Sign all of it."
        yield weak("message_signed_in_part", text)
    signers = ", ".join(names(aligned))
    yield note("message_signed", f"The message is signed by {signers}, aligned with From, and the signature holds.")


def _one_click(parsed: Message, signatures: tuple[Signature, ...]) -> Iterator[Finding]:
    """RFC 8058: both headers there, an https address among them, both under a signature that holds."""
    links, post = parsed.get_all("List-Unsubscribe") or [], parsed.get_all("List-Unsubscribe-Post") or []
    if not links:
        yield bad(
            "message_unsubscribe_missing", "There is no List-Unsubscribe header: something on the way took it out."
        )
        return
    if len(links) > 1 or not _HTTPS.search(str(links[0])):
        text = "List-Unsubscribe must stand there once, with an https address: one click needs it."
        yield bad("message_unsubscribe_wrong", text)
        return
    if len(post) != 1 or "".join(str(post[0]).split()) != "List-Unsubscribe=One-Click":
        text = "List-Unsubscribe-Post must be “List-Unsubscribe=One-Click”, once: something on the way changed it."
        yield bad("message_one_click_missing", text)
        return
    valid = [each for each in signatures if each.valid]
    if valid and not any(each.headers.issuperset(_ONE_CLICK) for each in valid):
        covered = frozenset[str]().union(*(each.headers for each in valid))
        lacking = " and ".join(
            name for name in ("List-Unsubscribe", "List-Unsubscribe-Post") if name.lower() not in covered
        )
        text = (
            f"The signature does not cover {lacking or 'both headers at once'} (h=): mailbox providers then show no "
            "unsubscribe button. Let your provider or mail server sign these headers too."
        )
        yield bad("message_one_click_unsigned", text)
    elif valid:
        yield note("message_one_click", "One-click unsubscribe is there, and the signature covers it.")


def _feedback(parsed: Message) -> Iterator[Finding]:
    values = parsed.get_all("Feedback-ID") or []
    if not values:
        yield weak("message_feedback_id_missing", "There is no Feedback-ID: Gmail cannot tell your campaigns apart.")
    elif len(values) > 1 or not 1 <= len(str(values[0]).split(":")) <= 4 or "@" in str(values[0]):
        text = "Feedback-ID must stand there once, with at most four parts and no address in it."
        yield weak("message_feedback_id_wrong", text)
