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
    """The session, following no redirects: credentials and addresses go to the host that was named, and no other.

    A proxy of the environment is used, but no ``.netrc``: it would replace the connection's own credentials.
    """
    session.max_redirects = 0
    if session.auth is None:
        session.auth = _as_it_is
    return session


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


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


def get_json(
    url: str, *, headers: Mapping[str, str], auth: tuple[str, str] | None = None, timeout: float = 20
) -> dict[str, Any]:
    """Ask something that changes nothing; raises ProviderMisconfigured for 4xx, ProviderTrouble for the rest."""
    return _object(_json("GET", url, headers=headers, auth=auth, body=None, timeout=timeout))


def get_list(url: str, *, headers: Mapping[str, str], timeout: float = 20) -> list[Any]:
    """The same where a list is the answer."""
    said = _json("GET", url, headers=headers, auth=None, body=None, timeout=timeout)
    if not isinstance(said, list):
        raise ProviderTrouble("answered in an unknown way")
    return said


def post_json(url: str, body: Mapping[str, Any], *, headers: Mapping[str, str], timeout: float = 20) -> dict[str, Any]:
    """The same of those whose questions are posted."""
    return _object(_json("POST", url, headers=headers, auth=None, body=body, timeout=timeout))


def _object(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise ProviderMisconfigured("answered in an unknown way")
    return said


def _json(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    auth: tuple[str, str] | None,
    body: Mapping[str, Any] | None,
    timeout: float,
) -> Any:
    with strict(requests.Session()) as session:
        try:
            answer = session.request(
                method, url, headers=dict(headers), auth=auth, json=body, timeout=(CONNECT_SECONDS, timeout)
            )
            if answer.status_code == 429 or answer.status_code >= 500:
                raise ProviderTrouble(f"answered {answer.status_code}", retry_after_seconds=retry_after(answer.headers))
            if answer.status_code >= 400:
                words = _words(answer)
                raise ProviderMisconfigured(f"answered {answer.status_code}{f': {words}' if words else ''}")
            return answer.json() if answer.content else {}
        except RequestException as error:
            raise ProviderTrouble(f"does not answer ({type(error).__name__})") from error


def _words(answer: requests.Response) -> str:
    """What an answer says went wrong, however it calls that."""
    try:
        said = answer.json()
    except ValueError:
        return ""
    if not isinstance(said, dict):
        return ""
    errors = said.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if isinstance(first, dict):
        first = first.get("message")
    named = (said.get(name) for name in ("Message", "message", "ErrorMessage", "error"))
    return str(next((each for each in named if each), first or ""))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a Retry-After header; a date in it is not worth reading."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() and len(value) < 7 else None
