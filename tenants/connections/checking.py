"""What a program wants of a connection, checked before anything is kept; what is refused is named, never quoted.

The console draws its form from the provider's fields (forms.py); here the same fields say what may be given.
"""

from collections.abc import Collection, Mapping
from typing import Any

from tenants.connections import limits
from tenants.connections.connecting import LOCAL
from winback.providers import registry
from winback.providers.account import ProviderAccount
from winback.providers.errors import ProviderMisconfigured

PRICE = "price_minor"
OF_EMAIL = ("domain_limits", "slow_start")
LIMITS = ("per_second", "per_day", *OF_EMAIL)
_LONGEST_SECRET, _LONGEST_SETTING = 4_000, 500


class ConnectionRefused(ValueError):
    """It cannot be so; ``field`` is where it stands."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def provider_of(kind: str, code: str) -> type[ProviderAccount]:
    """The provider that was chosen; raises ConnectionRefused."""
    try:
        known = registry.provider(kind, code)
    except ProviderMisconfigured as error:
        raise ConnectionRefused("provider" if kind in registry.KINDS else "kind", str(error)) from error
    if known.for_tests:
        raise ConnectionRefused("provider", f"{known.label} is for tests alone.")
    return known


def check_given(
    provider: type[ProviderAccount], *, kind: str, credentials: Mapping[str, Any], options: Mapping[str, Any]
) -> None:
    """Raise ConnectionRefused where something was given that this provider is not told, or that is no such value.

    None takes a setting away, and only one that could be given: what else stands there may say where secrets are sent.
    A secret that somebody kept among the settings may go.
    """
    secret = {field.name for field in provider.fields if field.secret}
    plain = {field.name for field in provider.fields if not field.secret}
    for name, value in credentials.items():
        where = f"credentials.{name}"
        if name not in secret:
            raise ConnectionRefused(where, f"{provider.label} has no secret of this name: {_listed(secret)}.")
        if len(value) > _LONGEST_SECRET:
            raise ConnectionRefused(where, f"It has more than {_LONGEST_SECRET:,} characters.")
    for name, value in options.items():
        where = f"limits.{name}" if name in LIMITS else f"settings.{name}"
        if name in secret and value is None:
            continue
        if name in secret:
            raise ConnectionRefused(where, "This is a secret: give it in credentials, where it is kept encrypted.")
        if name in OF_EMAIL and (kind != "email" or provider.code == LOCAL):
            raise ConnectionRefused(where, "Only mailbox providers are spared so: it is for e-mail that leaves.")
        if name not in {*plain, *LIMITS, PRICE}:
            raise ConnectionRefused(where, f"{provider.label} has no setting of this name: {_listed({*plain, PRICE})}.")
        if name in plain and value is not None and len(str(value)) > _LONGEST_SETTING:
            raise ConnectionRefused(where, f"It has more than {_LONGEST_SETTING} characters.")
    price = options.get(PRICE)
    if price is not None and (not isinstance(price, int) or isinstance(price, bool) or price < 0):
        raise ConnectionRefused(f"settings.{PRICE}", "A price is a whole number of the smallest unit, from 0 on.")


def check_whole(provider: type[ProviderAccount], *, credentials: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Raise ConnectionRefused where something is missing, or a limit is none: as it would all be in the end."""
    try:
        limits.check_limits(options)
    except limits.LimitsInvalid as error:
        raise ConnectionRefused("limits", str(error)) from error
    try:
        provider(credentials, options).check_told()
    except ProviderMisconfigured as error:
        raise ConnectionRefused("settings", str(error)) from error


def check_place(before: ProviderAccount, after: ProviderAccount, *, given: Collection[str]) -> None:
    """Raise ConnectionRefused where a secret that is kept, not ``given``, would be sent to another place.

    Else whoever may change a connection, and was never told its secrets, would have them sent to a server of theirs.
    """
    for place in after.fields:
        if not place.destination or after.told(place.name) in ("", before.told(place.name)):
            continue
        kept = [
            field.label
            for field in after.fields
            if field.secret and field.name not in given and before.told(field.name)
            if field.sent_to is None or place.name in field.sent_to
        ]
        if kept:
            text = f"{place.label} says where a kept secret is sent. Give it anew to change this: {', '.join(kept)}."
            raise ConnectionRefused(f"settings.{place.name}", text)


def _listed(names: set[str]) -> str:
    return f"it has {', '.join(sorted(names))}" if names else "it has none"
