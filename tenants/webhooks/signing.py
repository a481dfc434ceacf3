"""Signatures by Standard Webhooks: ``v1,<base64 of HMAC-SHA256>`` over id, time and body, one for each valid secret."""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from winback.encryption import decrypt, encrypt

PREFIX = "whsec_"
_BYTES = 32
ROTATION = timedelta(hours=24)
"""How long a replaced secret still signs beside the new one."""


@dataclass(frozen=True)
class Secret:
    """One secret in clear; ``until`` is when a replaced one stops signing."""

    text: str
    until: str = ""

    def holds(self, now: datetime) -> bool:
        return not self.until or datetime.fromisoformat(self.until) > now


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def sealed(known: Sequence[Secret]) -> bytes:
    """Secrets as they are kept."""
    return encrypt(json.dumps([asdict(secret) for secret in known]).encode())


def opened(kept: bytes | memoryview) -> list[Secret]:
    """The newest first; raises UndecipherableSecret, never guesses."""
    return [Secret(**each) for each in json.loads(decrypt(bytes(kept)))]


def rotated(known: Sequence[Secret], *, now: datetime, keep_for: timedelta = ROTATION) -> list[Secret]:
    """A new secret in front; those before it go on for a while, or end at once."""
    until = (now + keep_for).isoformat()
    older = [secret if secret.until else Secret(secret.text, until) for secret in known if secret.holds(now)]
    return [Secret(new_secret()), *(older[:2] if keep_for else [])]


def signature(text: str, *, webhook_id: str, timestamp: int, body: bytes) -> str:
    """One signature under one secret."""
    key = base64.b64decode(text.removeprefix(PREFIX))
    signed = hmac.digest(key, f"{webhook_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(signed).decode()}"


def headers(known: Sequence[Secret], *, webhook_id: str, body: bytes, now: datetime) -> Mapping[str, str]:
    """What stands above a body. Every secret that still holds signs, so that a rotation loses nothing."""
    timestamp = int(now.timestamp())
    signatures = [
        signature(secret.text, webhook_id=webhook_id, timestamp=timestamp, body=body)
        for secret in known
        if secret.holds(now)
    ]
    return {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
