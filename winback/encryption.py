"""Encryption at rest: Fernet keys from WINBACK_ENCRYPTION_KEYS, newest first; the older ones still decrypt."""

from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class UndecipherableSecret(RuntimeError):
    """No key in WINBACK_ENCRYPTION_KEYS opens this secret: put back the key it was encrypted with."""


@cache
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(plain: bytes) -> bytes:
    return _keys(tuple(settings.WINBACK_ENCRYPTION_KEYS)).encrypt(plain)


def decrypt(secret: bytes) -> bytes:
    """The plain bytes; raises UndecipherableSecret and never falls back to the stored ones."""
    try:
        return _keys(tuple(settings.WINBACK_ENCRYPTION_KEYS)).decrypt(bytes(secret))
    except InvalidToken as error:
        raise UndecipherableSecret("No key in WINBACK_ENCRYPTION_KEYS opens this secret.") from error
