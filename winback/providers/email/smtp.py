"""SMTP: one connection for a batch, and where the server pipelines (RFC 2920) one round trip a message.

The envelope of the next message travels behind the content of this one, so that while the server takes this one it
has read the next one's recipient already. Only content makes a message leave: the witness hears ``starting`` right
before it is written, and a connection that is lost before that has lost nothing.
"""

import smtplib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from winback.providers.email import returned
from winback.providers.email.addresses import UnsafeHeader, checked_address
from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.email.mime import serialise
from winback.providers.email.smtp_connecting import PORTS, Server, connect
from winback.providers.email.smtp_replies import About, Reply, Stage, judge
from winback.providers.email.unusable import set_aside
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble, without_addresses
from winback.providers.fields import Field
from winback.providers.handing import ProbeResult, Witness
from winback.providers.receiving import Arrival, Report

DOUBTS_BEFORE_TROUBLE = 3
"""So many refusals in a row that name no recipient, and it is the connection that is in trouble."""


def _clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the Date header says when it left


@dataclass(frozen=True)
class _Letter:
    """A message as it goes over the wire."""

    reference: str
    envelope: tuple[bytes, bytes]
    content: bytes


class _Lost(Exception):
    """The connection is gone, and nothing of the message had been written."""


class SmtpProvider(EmailProvider):
    """Any SMTP server, by STARTTLS, TLS from the start, or neither (a relay on the same host)."""

    code = "smtp"
    label = "SMTP server"
    fields = (
        Field("host", "Host", destination=True, help="Such as smtp.example.com."),
        Field(
            "port", "Port", required=False, destination=True,
            help="587 with STARTTLS, 465 with TLS, 25 with neither.",
        ),
        Field("security", "Security", required=False, choices=("starttls", "tls", "none"), default="starttls"),
        Field("username", "User name", required=False),
        Field("password", "Password", secret=True, required=False, sent_to=("host", "port")),
        Field("helo_name", "Name to greet with", required=False, help="This host's public name, if it has one."),
        Field(
            "return_host", "IMAP host for returned mail", required=False, destination=True,
            help="Where bounces arrive: the mailbox of the sender's address. They are read every five minutes.",
        ),
        Field("return_username", "IMAP user name", required=False),
        Field("return_password", "IMAP password", secret=True, required=False, sent_to=("return_host",)),
    )  # fmt: skip

    def __init__(self, credentials: Mapping[str, str], settings: Mapping[str, object]) -> None:
        super().__init__(credentials, settings)
        self._connection: smtplib.SMTP | None = None
        self._used = False  # a connection that has carried something may have been closed by the server meanwhile
        self._open_transaction = False  # the server remembers a refused envelope: RSET before the next one
        self._doubts = 0

    def read(self, arrival: Arrival) -> Sequence[Report]:
        """What a mail that came back reports (return_mailbox.py keeps it): SMTP has no other way to tell."""
        return returned.read(arrival.body)

    def _server(self) -> Server:
        self.check_told()
        security = self.told("security")
        return Server(
            host=self.told("host"),
            port=int(self.number("port", PORTS[security])),
            security=security,
            username=self.told("username"),
            password=self.told("password"),
            helo_name=self.told("helo_name"),
            timeout_seconds=self.number("timeout_seconds", 120),
        )

    def _connected(self) -> smtplib.SMTP:
        if self._connection is None:
            self._connection = connect(self._server())
            self._used = self._open_transaction = False
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        if self._connection is not None:
            try:
                self._connection.quit()
            except (OSError, smtplib.SMTPException):
                self._connection.close()
            self._connection = None

    def send(self, messages: Sequence[OutgoingEmail], witness: Witness) -> None:
        try:
            self._send(messages, witness)
        except BaseException:
            self._drop()  # the server may be waiting for a content: even QUIT would be taken for it
            raise

    def _send(self, messages: Sequence[OutgoingEmail], witness: Witness) -> None:
        letters = self._letters(messages, witness)
        letter = next(letters, None)
        announced = False
        while letter is not None:
            try:
                refusal = self._accepted(letter, announced=announced)
            except _Lost as error:
                announced = False
                if self._used:  # the server may close a connection after a while or a number of messages
                    self._drop()
                    continue
                raise ProviderTrouble(f"The connection was lost before the message left: {error}") from error
            following, announced = next(letters, None), False
            witness.starting(letter.reference)
            if refusal is not None:
                self._refuse(*refusal, letter.reference, witness)
                letter = following
                continue
            ahead = following is not None and self._connected().has_extn("pipelining")
            reply = self._delivered(letter, following if ahead else None)
            if reply.code < 400:
                self._doubts = 0
                witness.handed_over(letter.reference, without_addresses(reply.text)[:200])
            else:
                self._refuse(Stage.CONTENT, reply, letter.reference, witness)
            letter, announced = following, ahead

    def _letters(self, messages: Sequence[OutgoingEmail], witness: Witness) -> Iterator[_Letter]:
        """The messages as bytes, one after the other; what cannot be written in a mail is refused on the way."""
        for message in messages:
            try:
                sender = f"MAIL FROM:<{checked_address(message.sender_address)}>\r\n".encode()
                recipient = f"RCPT TO:<{checked_address(message.recipient_address)}>\r\n".encode()
                content = _stuffed(serialise(message, date=_clock()))
            except UnsafeHeader as error:
                set_aside(message, error, witness)
                continue
            yield _Letter(message.reference, (sender, recipient), content)

    def _announcement(self, letter: _Letter) -> bytes:
        reset = b"RSET\r\n" if self._open_transaction else b""
        return reset + letter.envelope[0] + letter.envelope[1] + b"DATA\r\n"

    def _accepted(self, letter: _Letter, *, announced: bool) -> tuple[Stage, Reply] | None:
        """Whether the server is ready for the content; else where it refused. Raises _Lost."""
        connection = self._connected()
        try:
            if not connection.has_extn("pipelining"):
                return self._accepted_step_by_step(connection, letter)
            if not announced:
                _write(connection, self._announcement(letter))
            if self._open_transaction:
                _read(connection)
                self._open_transaction = False
            replies = {stage: _read(connection) for stage in (Stage.SENDER, Stage.RECIPIENT, Stage.DATA)}
            refusal = next(((stage, reply) for stage, reply in replies.items() if reply.code >= 400), None)
            if refusal is not None and replies[Stage.DATA].code == 354:
                if replies[Stage.RECIPIENT].code < 400:  # an end now would send somebody an empty message
                    self._drop()
                    return refusal
                _write(connection, b".\r\n")  # it wants content for nobody (RFC 2920, 3.1): give it none
                _read(connection)
        except (OSError, smtplib.SMTPException) as error:
            raise _Lost(error) from error
        return self._noted(refusal)

    def _accepted_step_by_step(self, connection: smtplib.SMTP, letter: _Letter) -> tuple[Stage, Reply] | None:
        if self._open_transaction:
            _write(connection, b"RSET\r\n")
            _read(connection)
            self._open_transaction = False
        steps = ((Stage.SENDER, letter.envelope[0]), (Stage.RECIPIENT, letter.envelope[1]), (Stage.DATA, b"DATA\r\n"))
        for stage, command in steps:
            _write(connection, command)
            reply = _read(connection)
            if reply.code >= 400:
                return self._noted((stage, reply))
        return None

    def _noted(self, refusal: tuple[Stage, Reply] | None) -> tuple[Stage, Reply] | None:
        if refusal is not None:
            self._open_transaction = True
            if refusal[1].code == 421:  # the server is about to hang up
                raise _Lost(str(refusal[1]))
        return refusal

    def _delivered(self, letter: _Letter, following: _Letter | None) -> Reply:
        """Write the content, and behind it the next envelope; returns the server's word on the content."""
        connection = self._connected()
        self._used = True
        self._open_transaction = False
        try:
            ahead = self._announcement(following) if following is not None else b""
            _write(connection, letter.content + b".\r\n" + ahead)
            return _read(connection)
        except (OSError, smtplib.SMTPException) as error:
            # After the last byte only the server knows. The witness hears no more of it: unknown, never sent again.
            raise OutcomeUnknown(f"The connection was lost while a message was leaving: {error}") from error

    def _refuse(self, stage: Stage, reply: Reply, reference: str, witness: Witness) -> None:
        about, reason = judge(stage, reply)
        detail = without_addresses(reply)
        if about is About.RECIPIENT:
            self._doubts = 0
            witness.refused(reference, reason, detail)
            return
        if about is About.DOUBTFUL:
            self._doubts += 1
            if self._doubts < DOUBTS_BEFORE_TROUBLE:
                witness.deferred(reference, reason, detail)
                return
            self._doubts = 0
        witness.not_left(reference)
        if about is About.SETTINGS:
            raise ProviderMisconfigured(f"The server refuses us at {stage}: {detail}")
        raise ProviderTrouble(f"The server refuses for now at {stage}: {detail}")

    def probe(self) -> ProbeResult:
        try:
            server = self._server()
            reply = self._noop()
        except ProviderMisconfigured as error:
            return ProbeResult(False, str(error), "misconfigured")
        except (ProviderTrouble, OSError, smtplib.SMTPException) as error:
            return ProbeResult(False, without_addresses(error), "does_not_answer")
        finally:
            self.close()
        checked = ("connection", *(("encryption",) if server.security != "none" else ()))
        checked += ("sign-in",) if server.username else ()
        return ProbeResult(reply.code < 400, without_addresses(f"{server.host} answers: {reply}"), "", checked)

    def _noop(self) -> Reply:
        connection = self._connected()
        _write(connection, b"NOOP\r\n")
        return _read(connection)


def _write(connection: smtplib.SMTP, content: bytes) -> None:
    if connection.sock is None:
        raise smtplib.SMTPServerDisconnected("the connection is closed")
    connection.sock.sendall(content)


def _read(connection: smtplib.SMTP) -> Reply:
    code, text = connection.getreply()
    if code < 200:
        raise smtplib.SMTPServerDisconnected("the server does not speak SMTP")
    return Reply(code, text.decode("utf-8", "replace").replace("\n", " "))


def _stuffed(content: bytes) -> bytes:
    """The content with lines that begin with a dot doubled (RFC 5321, 4.5.2), ending in a line break."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"
