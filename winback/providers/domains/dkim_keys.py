"""The public keys by which receivers check a domain's signatures (RFC 6376, RFC 8301)."""

import base64
import binascii
from collections.abc import Iterable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from winback.providers.domains.findings import DnsRecord, Finding, bad, note, weak
from winback.providers.domains.lookup import Lookup

USUAL = ("default", "mail", "dkim", "google", "selector1", "selector2", "s1", "s2", "k1", "k2", "k3", "fm1", "pm", "mx")
"""Selectors that are tried where nobody has said which."""
LEAST_BITS = 1024
GOOD_BITS = 2048


def examine(domain: str, selectors: Iterable[str], lookup: Lookup) -> list[Finding]:
    """What is to be said of the domain's keys; without selectors the usual ones are tried. Raises LookupFailed."""
    named = list(dict.fromkeys(selectors))
    if not named:
        found = [selector for selector in USUAL if _texts(domain, selector, lookup)]
        if not found:
            text = (
                f"Under which selector {domain} keeps its DKIM key is not known: your provider shows it, and a test "
                "message that you check here tells it too."
            )
            return [weak("dkim_selector_unknown", text)]
        return [finding for selector in found for finding in _key(domain, selector, lookup)]
    return [finding for selector in named for finding in _key(domain, selector, lookup)]


def _texts(domain: str, selector: str, lookup: Lookup) -> list[str]:
    """What looks like keys at a selector."""
    return [text for text in lookup.txt(f"{selector}._domainkey.{domain}").records if "p=" in text.replace(" ", "")]


def _key(domain: str, selector: str, lookup: Lookup) -> list[Finding]:
    name = f"{selector}._domainkey.{domain}"
    texts = _texts(domain, selector, lookup)
    record = DnsRecord("TXT", name, "v=DKIM1; k=rsa; p=… (the public key that your provider or mail server shows)")
    if not texts:
        text = f"There is no DKIM key at {name}: receivers cannot check your signature. Your provider shows the record."
        return [bad("dkim_missing", text, record)]
    if len(texts) > 1:
        text = f"There are {len(texts)} DKIM keys at {name}: which one receivers take is chance. Keep one."
        return [bad("dkim_two_keys", text)]
    tags = {
        key.strip().lower(): "".join(value.split())
        for key, _, value in (part.partition("=") for part in texts[0].split(";"))
    }
    if not tags.get("p"):
        text = f"The DKIM key at {name} is revoked (p= is empty): publish the new one, or change the selector."
        return [bad("dkim_revoked", text, record)]
    findings = [_strength(name, tags, record)]
    if "y" in tags.get("t", "").lower().split(":"):
        text = f"The DKIM key at {name} says that it is being tested (t=y): receivers treat your mail as unsigned."
        mended = "; ".join(f"{key}={value}" for key, value in tags.items() if key != "t")
        findings.append(weak("dkim_testing", text, DnsRecord("TXT", name, mended, texts[0])))
    return findings


def _strength(name: str, tags: dict[str, str], record: DnsRecord) -> Finding:
    kind = tags.get("k", "rsa").lower()
    unreadable = bad("dkim_unreadable", f"The DKIM key at {name} cannot be read: copy it again, whole.", record)
    try:
        raw = base64.b64decode(tags["p"], validate=True)
    except (binascii.Error, ValueError):
        return unreadable
    if kind == "ed25519":
        if len(raw) != 32:
            return unreadable
        text = f"The DKIM key at {name} is Ed25519, which several large mailbox providers cannot check: add an RSA key."
        return weak("dkim_ed25519", text)
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        return unreadable
    if not isinstance(key, RSAPublicKey):
        return unreadable
    if key.key_size < LEAST_BITS:
        text = f"The DKIM key at {name} has {key.key_size} bits: below {LEAST_BITS}, receivers refuse the signature."
        return bad("dkim_weak_key", text, record)
    if key.key_size < GOOD_BITS:
        text = f"The DKIM key at {name} has {key.key_size} bits: {GOOD_BITS} are what is asked for today."
        return weak("dkim_short_key", text)
    return note("dkim_found", f"There is a DKIM key of {key.key_size} bits at {name}.")
