"""The services of django-anymail that can be chosen. A new one is a row here and a run of the contract suite."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from winback.providers import http
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason

Told = Callable[[str], str]


@dataclass(frozen=True)
class Service:
    """One service: what it must be told, which backend carries it, and what its answers mean."""

    code: str
    label: str
    backend: str
    fields: tuple[Field, ...]
    options: Mapping[str, str]
    """Our field → the backend's option, given to this connection's backend alone and never to the global settings."""
    check: Callable[[Told], tuple[bool, str]]
    """Ask whether the account answers and may send marketing mail; raises ProviderTrouble."""
    find: Callable[[Told, str], bool | None] | None = None
    """Whether a message with our reference arrived there; None: it cannot tell yet."""
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata_key: str = "winback"
    untracked: bool = True
    """The service can be told to leave our links and the HTML as they are."""
    refusals: Mapping[int, Reason] = field(default_factory=dict)
    """What the service's own error codes mean when it refuses a recipient."""
    settings_codes: frozenset[int] = frozenset()
    """The service's own error codes that a person must mend."""


POSTMARK_API = "https://api.postmarkapp.com/"


def _ask_postmark(told: Told, path: str) -> dict[str, Any]:
    headers = {"Accept": "application/json", "X-Postmark-Server-Token": told("server_token")}
    return http.get_json((told("api_url") or POSTMARK_API).rstrip("/") + "/" + path, headers=headers)


def _check_postmark(told: Told) -> tuple[bool, str]:
    server = _ask_postmark(told, "server")
    stream = _ask_postmark(told, f"message-streams/{told('stream')}")
    if stream.get("ArchivedAt"):
        raise ProviderMisconfigured(f"The message stream {told('stream')} is archived.")
    if stream.get("MessageStreamType") != "Broadcasts":
        raise ProviderMisconfigured(f"{told('stream')} is no broadcast stream: Postmark takes no marketing on others.")
    if server.get("DeliveryType") == "Sandbox":
        return True, f"Postmark server {server.get('Name')} answers. It is a sandbox server: nobody gets its mail."
    return True, f"Postmark server {server.get('Name')} answers, stream {told('stream')}."


def _find_at_postmark(told: Told, reference: str) -> bool | None:
    # Its index lags by some minutes, so that nothing found is no proof.
    where = urlencode({"count": 1, "offset": 0, "messagestream": told("stream"), "metadata_winback": reference})
    found = _ask_postmark(told, f"messages/outbound?{where}")
    return True if found.get("TotalCount") else None


POSTMARK = Service(
    code="postmark",
    label="Postmark",
    backend="anymail.backends.postmark.EmailBackend",
    fields=(
        Field("server_token", "Server token", secret=True),
        Field("stream", "Message stream", default="broadcast", help="A broadcast stream, for marketing."),
    ),
    options={"server_token": "server_token", "stream": "message_stream"},
    check=_check_postmark,
    find=_find_at_postmark,
    headers={"X-PM-KeepID": "true"},  # else Postmark replaces our Message-ID by its own
    refusals={300: Reason.ADDRESS_UNUSABLE, 406: Reason.SUPPRESSED_AT_PROVIDER},
    settings_codes=frozenset({10, 400, 401, 405, 412, 413, 1235}),
)

SERVICES: tuple[Service, ...] = (POSTMARK,)
