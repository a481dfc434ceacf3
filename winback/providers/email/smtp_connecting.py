"""Open an SMTP connection: greeting, TLS, sign-in. Whatever fails here, nothing has left."""

import ipaddress
import smtplib
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache

from winback.providers.errors import ProviderMisconfigured, ProviderTrouble

PORTS = {"starttls": 587, "tls": 465, "none": 25}
CONNECT_SECONDS = 30


@dataclass(frozen=True)
class Server:
    """Where to and how."""

    host: str
    port: int
    security: str
    username: str
    password: str
    helo_name: str
    timeout_seconds: float


def connect(server: Server) -> smtplib.SMTP:
    """A connection that has greeted, is encrypted as wanted and signed in."""
    where = f"{server.host}:{server.port}"
    if server.username and server.security == "none" and not _is_this_host(server.host):
        raise ProviderMisconfigured(f"{where}: a password is sent over TLS only. Set the security to starttls or tls.")
    opened: smtplib.SMTP | None = None
    try:
        opened = _open(server)
        if server.security == "starttls":
            opened.starttls(context=ssl.create_default_context())
        opened.ehlo_or_helo_if_needed()
        if server.username:
            opened.login(server.username, server.password)
    except smtplib.SMTPAuthenticationError as error:
        _drop(opened)
        said = f"{error.smtp_code} {_text(error.smtp_error)}"
        if error.smtp_code < 500:
            raise ProviderTrouble(f"{where} cannot check the password now: {said}") from error
        raise ProviderMisconfigured(f"{where} refused the user name or password: {said}") from error
    except smtplib.SMTPNotSupportedError as error:
        _drop(opened)
        wanted = "STARTTLS" if "STARTTLS" in str(error) else "a sign-in that we know"
        raise ProviderMisconfigured(f"{where} does not offer {wanted}.") from error
    except ssl.SSLCertVerificationError as error:
        _drop(opened)
        raise ProviderMisconfigured(f"The certificate of {where} cannot be trusted: {error.verify_message}.") from error
    except ssl.SSLError as error:
        _drop(opened)
        hint = " Is it a STARTTLS port (587), or TLS from the start (465)?" if "WRONG_VERSION" in str(error) else ""
        raise ProviderMisconfigured(f"No TLS with {where}: {error.reason}.{hint}") from error
    except (OSError, smtplib.SMTPException) as error:
        _drop(opened)
        raise ProviderTrouble(f"{where} does not answer: {error}") from error
    # A server may think long about a message's content: each time-out there leaves a message whose fate is unknown.
    if opened.sock is not None:
        opened.sock.settimeout(server.timeout_seconds)
        opened.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the end of a content waits for nobody
    return opened


def _open(server: Server) -> smtplib.SMTP:
    name, timeout = server.helo_name or _own_name(), min(server.timeout_seconds, CONNECT_SECONDS)
    if server.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, name, timeout=timeout, context=context)
    return smtplib.SMTP(server.host, server.port, name, timeout=timeout)


def _drop(opened: smtplib.SMTP | None) -> None:
    if opened is not None:
        opened.close()


def _text(answer: bytes | str) -> str:
    return answer if isinstance(answer, str) else answer.decode("utf-8", "replace")


@lru_cache(maxsize=1)
def _own_name() -> str:
    """What to greet with. Asked once: where reverse look-ups are slow, smtplib would wait for one a connection."""
    name = socket.getfqdn()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _is_this_host(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
