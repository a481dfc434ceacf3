"""System checks winback.E001 to E011 and W001 to W005: each names the setting and how to mend it.

What can be judged from one value alone is judged where it is read (winback/environment.py); here is what only shows
when values are seen together, or when the database is asked. Checks tagged ``database`` run in ``migrate``, ``serve``
and ``check --database default``.
"""

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections
from django.http.request import validate_host

from winback.sentinels import sentinels_of

OLDEST_POSTGRESQL = 150_000
FEWEST_SENTINELS = 3
SHORTEST_SECRET = 32
FEWEST_CHARACTERS = 5
NEW_SECRET = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
NEW_KEY = (
    "make one with: "
    "python3 -c 'import base64, secrets; print(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())'"
)

ROLE = "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"


def check_role(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The role is bound by row-level security, and the server knows the SQL that is used."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        try:
            with connection.cursor() as cursor:
                cursor.execute(ROLE)
                role, superuser, bypasses = cursor.fetchone()
                cursor.execute("SHOW server_version_num")
                version = int(cursor.fetchone()[0])
        except DatabaseError:
            continue  # whoever needs the database will say that it is away
        if superuser or bypasses:
            why = "is a superuser" if superuser else "has BYPASSRLS"
            found.append(
                Error(
                    f"DATABASE_URL signs in as {role}, which {why}: row-level security would not keep tenants apart.",
                    hint=f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS, or name another role that owns the tables.",
                    id="winback.E001",
                )
            )
        if version < OLDEST_POSTGRESQL:
            found.append(
                Error(
                    f"DATABASE_URL names PostgreSQL {version // 10_000}: winback needs 15 or newer.",
                    hint="Upgrade the server, or name another one in DATABASE_URL.",
                    id="winback.E002",
                )
            )
    return found


def check_sentinels(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The sentinels of REDIS_URL, where it names some, know the master that it names."""
    if not databases:
        return []
    address = sentinels_of(settings.REDIS_URL)
    if address is None:
        return []
    names = address.names()
    if names is None:
        return [
            Warning(
                "None of the sentinels of REDIS_URL answers: nobody knows which server is the master.",
                hint="See to hosts, ports, sentinel_password and, with rediss+sentinel, TLS.",
                id="winback.W004",
            )
        ]
    if address.service in names:
        return []
    return [
        Error(
            f"REDIS_URL names the master {address.service}, of which its sentinels know nothing.",
            hint=f"Name what they watch: {', '.join(sorted(names)) or 'nothing yet (sentinel monitor …)'}.",
            id="winback.E011",
        )
    ]


def check_secrets(**_: Any) -> list[CheckMessage]:
    """SECRET_KEY cannot be guessed, and every encryption key is one."""
    found: list[CheckMessage] = []
    secret = settings.SECRET_KEY
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < FEWEST_CHARACTERS or secret.startswith("django-insecure-"):
        found.append(
            Error(
                f"SECRET_KEY can be guessed: it needs {SHORTEST_SECRET} characters or more, drawn at random.",
                hint=f"Set SECRET_KEY; {NEW_SECRET}",
                id="winback.E003",
            )
        )
    keys = settings.WINBACK_ENCRYPTION_KEYS
    unusable = [number for number, key in enumerate(keys, start=1) if not _is_fernet_key(key)]
    if unusable or not keys:
        which = f"number {', '.join(map(str, unusable))} of {len(keys)}" if keys else "none was given"
        found.append(
            Error(
                f"WINBACK_ENCRYPTION_KEYS holds what is no Fernet key ({which}): credentials could not be kept.",
                hint=f"A key is 32 random bytes in URL-safe base64; {NEW_KEY}",
                id="winback.E004",
            )
        )
    return found


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def check_public_address(**_: Any) -> list[CheckMessage]:
    """The address in links is served here, and what is served to the world is not in debug mode."""
    found: list[CheckMessage] = []
    address = urlsplit(settings.WINBACK_PUBLIC_URL)
    public = address.scheme == "https"
    if settings.DEBUG and public:
        found.append(
            Error(
                "DEBUG is on while WINBACK_PUBLIC_URL is public: error pages would show settings to strangers.",
                hint="Set DEBUG=false, or WINBACK_PUBLIC_URL to an http:// address of this machine.",
                id="winback.E005",
            )
        )
    hosts = settings.ALLOWED_HOSTS
    if not hosts or (not settings.DEBUG and not validate_host(address.hostname or "", hosts)):
        found.append(
            Error(
                f"ALLOWED_HOSTS does not hold {address.hostname}, the host of WINBACK_PUBLIC_URL: "
                "booking and unsubscribe links would be refused.",
                hint=f"Set ALLOWED_HOSTS={','.join([*hosts, str(address.hostname)])}",
                id="winback.E006",
            )
        )
    if address.path or address.query or address.fragment:
        found.append(
            Error(
                "WINBACK_PUBLIC_URL has a path: winback answers at the root of its host.",
                hint=f"Set WINBACK_PUBLIC_URL={address.scheme}://{address.netloc}",
                id="winback.E007",
            )
        )
    if settings.SECURE_SSL_REDIRECT and not settings.SECURE_PROXY_SSL_HEADER:
        found.append(
            Error(
                "SSL_REDIRECT is on without BEHIND_PROXY: no request would ever count as secure, and all would turn in "
                "circles.",
                hint="Set BEHIND_PROXY=true when a proxy sets X-Forwarded-Proto, or SSL_REDIRECT=false.",
                id="winback.E008",
            )
        )
    return found


def check_home(**_: Any) -> list[CheckMessage]:
    """The folder for outbox, exports and the intent journal can be written to."""
    home = settings.WINBACK_HOME
    existing = next(path for path in [home, *home.parents] if path.exists())
    if os.access(existing, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"WINBACK_HOME={home} cannot be written to: nothing could be sent, for want of the intent journal.",
            hint=f"Make {existing} writable for the user that runs winback, or name another folder in WINBACK_HOME.",
            id="winback.E009",
        )
    ]


def check_pools(**_: Any) -> list[CheckMessage]:
    """Django's own connection pool is off: RQ forks a process for every job."""
    options = settings.DATABASES["default"].get("OPTIONS", {})
    if "pool" not in options:
        return []
    return [
        Error(
            "DATABASE_URL asks for a connection pool: every work horse of RQ would open one of its own.",
            hint="Leave pool out of DATABASE_URL.",
            id="winback.E010",
        )
    ]


def check_deployment(**_: Any) -> list[CheckMessage]:
    """What is right for a trial and wrong for the world."""
    found: list[CheckMessage] = []
    if not settings.WINBACK_PUBLIC_URL.startswith("https://"):
        found.append(
            Warning(
                "WINBACK_PUBLIC_URL is not https: links and sign-ins would travel in the clear.",
                hint="Set WINBACK_PUBLIC_URL=https://your.host, with a proxy in front that ends TLS.",
                id="winback.W001",
            )
        )
    if not settings.WINBACK_METRICS_TOKEN:
        found.append(
            Warning(
                "WINBACK_METRICS_TOKEN is not set: /metrics answers everybody.",
                hint=f"Set WINBACK_METRICS_TOKEN and send it as a bearer token; {NEW_SECRET}",
                id="winback.W002",
            )
        )
    if settings.WINBACK_EMBEDDED:
        found.append(
            Warning(
                "DATABASE_URL and REDIS_URL are not set: the embedded services keep no second copy of anything.",
                hint="For real customers set DATABASE_URL and REDIS_URL (docs/operations.md).",
                id="winback.W003",
            )
        )
    sentinels = sentinels_of(settings.REDIS_URL)
    if sentinels is not None and len(sentinels.hosts) < FEWEST_SENTINELS:
        found.append(
            Warning(
                f"REDIS_URL names {len(sentinels.hosts)} of its sentinels: without them nobody finds the master.",
                hint="Run three or more, each on a host of its own, and name them all.",
                id="winback.W005",
            )
        )
    return found


def install() -> None:
    """Register them all: called once when the apps are ready."""
    for check in (check_role, check_sentinels):
        register(check, Tags.database)
    for check in (check_secrets, check_public_address, check_pools):
        register(check, Tags.security)
    register(check_home, Tags.files)
    register(check_deployment, Tags.security, deploy=True)
