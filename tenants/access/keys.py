"""API keys: ``wb_<tenant in base 36>_<8 to tell it by>_<256 random bits>``, shown once, kept as a digest.

The tenant stands in the key so that its scope can be opened before anything of the tenant is read; a key with another
tenant's number finds no digest there.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Sequence
from datetime import datetime, timedelta

from tenants.access.models import ApiKey
from tenants.access.permissions import SCOPES
from tenants.accounts.models import Tenant

PREFIX = "wb_"
_FORM = re.compile(r"wb_([0-9a-z]{1,13})_([0-9A-Za-z]{8})_([0-9A-Za-z_-]{43})", re.ASCII)
_ALPHABET = string.digits + string.ascii_lowercase
_USED_EVERY = timedelta(minutes=1)


class UnknownScope(ValueError):
    """There is no such scope: choose from those that the error names."""


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _ALPHABET[rest] + digits
    return digits or "0"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def create_key(
    tenant: Tenant, *, name: str, now: datetime, scopes: Sequence[str] = (), expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key and its text, which nobody can read again. Without scopes it may be used for everything."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise UnknownScope(f"There is no scope {', '.join(unknown)}: choose from {', '.join(SCOPES)}.")
    sign = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(8))
    prefix = f"{PREFIX}{_base36(tenant.pk)}_{sign}"
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    key: ApiKey = ApiKey.objects.create(
        tenant=tenant,
        name=name,
        prefix=prefix,
        digest=_digest(text),
        scopes=list(scopes) or list(SCOPES),
        created_at=now,
        expires_at=expires_at,
    )
    return key, text


def tenant_id_of(text: str) -> int | None:
    """The tenant that a key says it belongs to, or None when it is no key of ours."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    number = int(found.group(1), 36)
    return number if number < 2**63 else None


def authenticate(text: str, now: datetime) -> ApiKey | None:
    """The valid key with this text, or None. The scope of its tenant is open (``tenant_id_of``)."""
    tenant_id = tenant_id_of(text)
    if tenant_id is None:
        return None
    prefix = text[:-44]
    key: ApiKey | None = ApiKey.objects.for_tenant(tenant_id).select_related("tenant").filter(prefix=prefix).first()
    if key is None or not hmac.compare_digest(key.digest, _digest(text)):
        return None
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    if key.last_used_at is None or key.last_used_at < now - _USED_EVERY:
        ApiKey.objects.for_tenant(tenant_id).filter(pk=key.pk).update(last_used_at=now)
    return key


def revoke(key: ApiKey, *, now: datetime) -> bool:
    """Refuse a key from now on, for good; False when it was revoked already."""
    rows = ApiKey.objects.for_tenant(key.tenant_id).filter(pk=key.pk, revoked_at=None)
    return bool(rows.update(revoked_at=now))
