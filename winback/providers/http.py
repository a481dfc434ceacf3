"""What leaves over HTTP leaves by a session of this module: no redirects, and one answer to "did it leave?"."""

from collections.abc import Mapping
from typing import Any

import requests
from requests.exceptions import ConnectTimeout, ProxyError, RequestException, SSLError, TooManyRedirects
from urllib3.exceptions import NewConnectionError

from winback.providers.errors import ProviderMisconfigured, ProviderTrouble

CONNECT_SECONDS = 10.0
_NEVER_LEFT = (ConnectTimeout, ProxyError, SSLError, TooManyRedirects)


def strict(session: requests.Session) -> requests.Session:
    """The session, following no redirects: credentials and addresses go to the host that was named, and no other."""
    session.max_redirects = 0
    return session


def never_left(error: RequestException) -> bool:
    """Whether it is certain that the request reached nobody. Everything else (a time-out, a reset) is unknown."""
    if isinstance(error, _NEVER_LEFT):
        return True
    seen: list[object] = [error]
    for each in seen:
        if isinstance(each, NewConnectionError):  # refused, no route, no such host
            return True
        if isinstance(each, BaseException):
            parts = (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__)
            seen += [part for part in parts if isinstance(part, BaseException) and part not in seen]
    return False


def get_json(url: str, *, headers: Mapping[str, str], timeout: float = 20) -> dict[str, Any]:
    """Ask something that changes nothing; raises ProviderMisconfigured for 4xx, ProviderTrouble for the rest."""
    with strict(requests.Session()) as session:
        try:
            answer = session.get(url, headers=dict(headers), timeout=(CONNECT_SECONDS, timeout))
            if answer.status_code == 429 or answer.status_code >= 500:
                raise ProviderTrouble(f"answered {answer.status_code}", retry_after_seconds=retry_after(answer.headers))
            body = answer.json() if answer.content else {}
        except RequestException as error:
            raise ProviderTrouble(f"does not answer ({type(error).__name__})") from error
    if answer.status_code >= 400 or not isinstance(body, dict):
        said = body.get("Message") or body.get("message") if isinstance(body, dict) else ""
        raise ProviderMisconfigured(f"answered {answer.status_code}{f': {said}' if said else ''}")
    return body


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a Retry-After header; a date in it is not worth reading."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() and len(value) < 7 else None
