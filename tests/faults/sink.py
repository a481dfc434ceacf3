"""A mail server that takes everything and writes down each message before it says so: reference, peer and time.

    python3 tests/faults/sink.py ADDRESS PORT BOOK THINK_SECONDS

It pipelines (RFC 2920), takes one message after the other on a connection, and thinks about each for so long; for a
second while there is a file BOOK.slow-PEER.
"""

import asyncio
import os
import re
import sys
import time

_REFERENCE = re.compile(rb"^Message-ID: <([^@>]+)@", re.MULTILINE)


class Sink:
    """All connections write into one book, by one write(2) a message."""

    def __init__(self, book: str, think_seconds: float) -> None:
        self._path = book
        self._book = os.open(book, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._think_seconds = think_seconds

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 sink ESMTP\r\n")
            while line := await reader.readline():
                command = line[:4].upper()
                if command == b"DATA":
                    await self._take(reader, writer)
                elif command == b"EHLO":
                    writer.write(b"250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n")
                else:
                    writer.write(b"250 fine\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # a sender that was killed
        finally:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"354 go on\r\n")
        content = await reader.readuntil(b"\r\n.\r\n")
        found = _REFERENCE.search(content)
        peer = writer.get_extra_info("peername")[0]
        os.write(self._book, b"%s %s %.3f\n" % (found[1] if found else b"?", peer.encode(), time.time()))
        await asyncio.sleep(1.0 if os.path.exists(f"{self._path}.slow-{peer}") else self._think_seconds)
        writer.write(b"250 taken\r\n")


async def serve(address: str, port: int, book: str, think_seconds: float) -> None:
    sink = Sink(book, think_seconds)
    async with await asyncio.start_server(sink.talk, address, port, limit=1 << 20) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
