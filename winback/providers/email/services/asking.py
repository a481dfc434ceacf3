"""Asking the API of a service for something that changes nothing."""

from collections.abc import Mapping
from typing import Any

from winback.providers import http
from winback.providers.email.services.service import Told
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field

BASIC_AUTH = (
    Field(
        "webhook_username", "Webhook user name", required=False,
        help="It signs no reports: write this name and the password into the webhook’s URL, https://name:password@…",
    ),
    Field("webhook_password", "Webhook password", secret=True, required=False),
)  # fmt: skip
"""For those that sign nothing."""


def base(told: Told, otherwise: str) -> str:
    """The address of the API, without a slash at its end; ``api_url`` is a local server in tests, or a proxy."""
    return (told("api_url") or otherwise).rstrip("/")


def ask(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """See http.get_json; the answer is a JSON object."""
    return http.get_json(url, headers={"Accept": "application/json", **headers})


def ask_whether_known(url: str, headers: Mapping[str, str]) -> dict[str, Any] | None:
    """The same, but None where the key is genuine and merely may not look: one for sending alone is a good key."""
    try:
        return ask(url, headers)
    except ProviderMisconfigured as error:
        if "answered 403" in str(error):
            return None
        raise
