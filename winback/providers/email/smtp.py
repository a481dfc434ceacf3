"""SMTP: one connection for a batch, MAIL, RCPT and DATA in one write where the server pipelines (RFC 2920)."""

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.email.mime import UnsafeHeader, checked_address, serialise
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble
from winback.providers.fields import Field
from winback.providers.handing import ProbeResult, Witness


def _clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the Date header says when it left, whatever was simulated


class SmtpProvider(EmailProvider):
    """Any SMTP server, by STARTTLS, TLS from the start, or neither (a relay on the same host)."""

    code = "smtp"
    label = "SMTP server"
    fields = (
        Field("host", "Host"),
        Field("port", "Port", required=False, help="587 unless you know better."),
        Field("security", "Security", required=False, help="starttls, tls or none."),
        Field("username", "User name", required=False),
        Field("password", "Password", secret=True, required=False),
    )

    def __init__(self, credentials: Mapping[str, str], settings: Mapping[str, object]) -> None:
        super().__init__(credentials, settings)
        self._server: smtplib.SMTP | None = None
        self._timeout = float(str(settings.get("timeout_seconds", 30)))

    def _connected(self) -> smtplib.SMTP:
        if self._server is not None:
            return self._server
        told = {**{key: str(value) for key, value in self.settings.items()}, **self.credentials}
        host, security = told.get("host", ""), told.get("security") or "starttls"
        if not host:
            raise ProviderMisconfigured("The SMTP connection has no host.")
        port = int(told.get("port") or (465 if security == "tls" else 587))
        try:
            server: smtplib.SMTP
            if security == "tls":
                server = smtplib.SMTP_SSL(host, port, timeout=self._timeout, context=ssl.create_default_context())
            else:
                server = smtplib.SMTP(host, port, timeout=self._timeout)
                if security == "starttls":
                    server.starttls(context=ssl.create_default_context())
            server.ehlo_or_helo_if_needed()
            if told.get("username"):
                server.login(told["username"], told.get("password", ""))
        except smtplib.SMTPAuthenticationError as error:
            raise ProviderMisconfigured(f"{host} refused the user name or password ({error.smtp_code}).") from error
        except smtplib.SMTPNotSupportedError as error:
            raise ProviderMisconfigured(f"{host} does not offer {security}: {error}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise ProviderTrouble(f"{host}:{port} does not answer: {error}") from error
        self._server = server
        return server

    def close(self) -> None:
        if self._server is not None:
            try:
                self._server.quit()
            except (OSError, smtplib.SMTPException):
                self._server.close()
            self._server = None

    def send(self, messages: Sequence[OutgoingEmail], witness: Witness) -> None:
        for message in messages:
            try:
                sender = checked_address(message.sender_address)
                recipient = checked_address(message.recipient_address)
                content = _stuffed(serialise(message, date=_clock()))
            except UnsafeHeader as error:
                witness.starting(message.reference)
                witness.refused(message.reference, "address_unusable", str(error))
                continue
            server = self._connected()
            witness.starting(message.reference)
            self._exchange(server, sender, recipient, content, message.reference, witness)

    def _exchange(
        self,
        server: smtplib.SMTP,
        sender: str,
        recipient: str,
        content: bytes,
        reference: str,
        witness: Witness,
    ) -> None:
        before_data = True
        try:
            envelope = [f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"]
            if server.has_extn("pipelining"):
                server.send("\r\n".join(envelope) + "\r\n")
                replies = [server.getreply() for _ in envelope]
            else:
                replies = []
                for line in envelope:
                    replies.append(server.docmd(line))
                    if replies[-1][0] >= 400:
                        break
            refused = next((reply for reply in replies if reply[0] >= 400), None)
            if refused is not None:
                if replies[-1][0] == 354:  # pipelined: DATA was accepted all the same, so an empty one ends it
                    server.send(".\r\n")
                    server.getreply()
                server.rset()
                _judge(refused, reference, witness)
                return
            before_data = False
            server.send(content + b".\r\n")
            code, text = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._server = None
            server.close()
            if before_data:
                witness.not_left(reference)
                raise ProviderTrouble(f"The connection was lost before the message left: {error}") from error
            # After the last byte only the server knows. The witness hears no more of it: unknown, never sent again.
            raise ProviderTrouble(f"The connection was lost while a message was leaving: {error}") from error
        if code < 400:
            witness.handed_over(reference, text.decode("utf-8", "replace"))
        else:
            _judge((code, text), reference, witness)

    def probe(self) -> ProbeResult:
        try:
            code, text = self._connected().noop()
        except ProviderTrouble as error:
            kind = "misconfigured" if isinstance(error, ProviderMisconfigured) else "does_not_answer"
            return ProbeResult(False, str(error), kind)
        except (OSError, smtplib.SMTPException) as error:
            return ProbeResult(False, str(error), "does_not_answer")
        finally:
            self.close()
        return ProbeResult(code < 400, f"answered {code} {text.decode('utf-8', 'replace')}")


def _stuffed(content: bytes) -> bytes:
    """The content with lines that begin with a dot doubled (RFC 5321, 4.5.2), ending in a line break."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"


def _judge(reply: tuple[int, bytes], reference: str, witness: Witness) -> None:
    """A refusal is about the recipient (5xx at RCPT or DATA) or about us all (4xx; 5.7.x: policy, reputation)."""
    code, raw = reply
    text = raw.decode("utf-8", "replace")
    enhanced = text.split(" ", 1)[0]
    if code >= 500 and not enhanced.startswith(("5.7.", "5.3.")):
        witness.refused(reference, "recipient_refused", f"{code} {text}")
        return
    witness.not_left(reference)
    raise ProviderTrouble(f"The server refused for now: {code} {text}")
