"""The installation's own keys: made with the database, kept encrypted (InstallationKey), the same in every process.

They are made after ``migrate``, in a transaction of their own, and never on first use: a key that is made inside
somebody's transaction can be rolled back while a process still remembers it, and whatever was hashed with it is lost.
"""

import secrets
from functools import cache
from typing import Any

from django.apps import apps as global_apps
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, transaction

from tenants.accounts.models import InstallationKey, Tenant
from winback.encryption import decrypt, encrypt

PURPOSES = ("address", "link")


class MissingInstallationKey(ImproperlyConfigured):
    """A key is not in the database; the message says how it comes (back) there."""


@cache
def installation_key(purpose: str, number: int = 1) -> bytes:
    """The 32 secret bytes for a purpose (see PURPOSES); the same in every process, whatever is rolled back."""
    row = InstallationKey.objects.filter(purpose=purpose, number=number).first()
    if row is None:
        raise MissingInstallationKey(
            f"The database has no installation key {purpose!r} ({number}): run `manage.py migrate`, which makes it."
        )
    return decrypt(bytes(row.secret))


def make_installation_keys(*, anew: bool = False) -> list[str]:
    """Make the keys that are not there, and return their purposes.

    Where there are tenants already a missing key was lost, and a new one would forget whoever unsubscribed: that is
    refused unless ``anew`` says that it is meant. Refused inside a transaction, which could be rolled back.
    """
    with transaction.atomic(durable=True):
        known = set(InstallationKey.objects.filter(number=1).values_list("purpose", flat=True))
        missing = [purpose for purpose in PURPOSES if purpose not in known]
        if missing and not anew and Tenant.objects.exists():
            raise MissingInstallationKey(
                f"The installation keys {', '.join(missing)} are missing from a database that has tenants. Put the "
                "table tenants_installationkey back from the backup: with new keys nobody who unsubscribed would be "
                "known, and no unsubscribe link sent so far would work."
            )
        # Two processes may be at it: whoever is first makes the key, and both read that one.
        InstallationKey.objects.bulk_create(
            [InstallationKey(purpose=purpose, secret=encrypt(secrets.token_bytes(32))) for purpose in missing],
            ignore_conflicts=True,
        )
    installation_key.cache_clear()
    return missing


def make_after_migrating(*, using: str, apps: Any = global_apps, **_: Any) -> None:
    """Receives ``post_migrate``, which follows every ``migrate``, ``flush`` and new test database."""
    installation_key.cache_clear()
    try:
        apps.get_model("tenants", "InstallationKey")
    except LookupError:  # migrated back to before there were keys
        return
    if using == DEFAULT_DB_ALIAS:
        make_installation_keys()
