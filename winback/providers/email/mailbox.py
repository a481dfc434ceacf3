"""The mailbox to which mail returns, over IMAP with TLS: what is unread is read, and marked so once it is kept."""

import imaplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from winback.providers.errors import ProviderMisconfigured, ProviderTrouble

TIMEOUT_SECONDS = 30
MOST_AT_ONCE = 500
MOST_OCTETS = 2 * 1024 * 1024


@dataclass
class Mailbox:
    """An open mailbox."""

    connection: imaplib.IMAP4

    def unread(self) -> Iterator[tuple[str, bytes]]:
        """Number and content of what nobody has read, the oldest first; what is too long for a report is left."""
        _, found = self.connection.search(None, "UNSEEN", "SMALLER", str(MOST_OCTETS))
        for number in (found[0] or b"").split()[:MOST_AT_ONCE]:
            _, parts = self.connection.fetch(number.decode(), "(BODY.PEEK[])")
            for part in parts:
                if isinstance(part, tuple):
                    yield number.decode(), bytes(part[1])

    def mark_read(self, number: str) -> None:
        self.connection.store(number, "+FLAGS", "\\Seen")


@contextmanager
def opened(*, host: str, username: str, password: str) -> Iterator[Mailbox]:
    """The inbox of an account; raises ProviderTrouble when it is silent, ProviderMisconfigured when it refuses."""
    try:
        connection = imaplib.IMAP4_SSL(host, timeout=TIMEOUT_SECONDS)
    except OSError as error:
        raise ProviderTrouble(f"The IMAP server does not answer ({type(error).__name__}).") from error
    try:
        try:
            connection.login(username, password)
            connection.select("INBOX")
        except imaplib.IMAP4.error as error:
            raise ProviderMisconfigured(f"The IMAP server refuses the account: {error}") from error
        yield Mailbox(connection)
    except OSError as error:
        raise ProviderTrouble(f"The IMAP server went silent ({type(error).__name__}).") from error
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            connection.logout()
