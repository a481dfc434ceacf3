"""An SMTP server that takes everything, keeps nothing, and counts: its own process, for benchmarks on this host alone.

    python3 benchmarks/sink.py PORT

It pipelines (RFC 2920). To HELP it answers ``214 <messages> <bytes>``.
"""

import asyncio
import sys

taken = {"messages": 0, "bytes": 0}


class Sink(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.waiting, self.in_content = transport, b"", False
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        answers = []
        while True:
            if self.in_content:
                end = self.waiting.find(b"\r\n.\r\n")
                if end < 0:
                    break
                taken["messages"] += 1
                taken["bytes"] += end
                self.waiting, self.in_content = self.waiting[end + 5 :], False
                answers.append(b"250 taken\r\n")
                continue
            line, found, rest = self.waiting.partition(b"\r\n")
            if not found:
                break
            self.waiting = rest
            answers.append(self.answer(line[:4].upper()))
        if answers:
            self.transport.write(b"".join(answers))

    def answer(self, command: bytes) -> bytes:
        if command == b"EHLO":
            return b"250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n"
        if command == b"DATA":
            self.in_content = True
            return b"354 go on\r\n"
        if command == b"HELP":
            return f"214 {taken['messages']} {taken['bytes']}\r\n".encode()
        if command == b"QUIT":
            self.transport.close()
            return b"221 bye\r\n"
        return b"250 fine\r\n"


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
