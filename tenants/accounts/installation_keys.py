"""The installation's own keys, made on first use and kept encrypted (InstallationKey)."""

import secrets
from functools import cache

from tenants.accounts.models import InstallationKey
from winback.encryption import decrypt, encrypt


@cache
def installation_key(purpose: str, number: int = 1) -> bytes:
    """The 32 secret bytes for a purpose, such as ``address`` or ``link``; the same in every process."""
    row, _ = InstallationKey.objects.get_or_create(
        purpose=purpose, number=number, defaults={"secret": encrypt(secrets.token_bytes(32))}
    )
    return decrypt(bytes(row.secret))
