"""A DNS server on loopback with a zone of its own: over UDP, and over TCP for what is too long for it."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from dnslib import MX, QTYPE, RCODE, RR, TXT, A, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSServer

Zone = dict[str, dict[str, list[str]]]


@dataclass
class Names(BaseResolver):
    """``zone``: name → type → values; ``broken``: names that the server fails on. Every question is kept."""

    zone: Zone
    broken: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        name = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE[request.q.qtype]
        self.asked.append((name, kind))
        reply = request.reply()
        if name in self.broken:
            reply.header.rcode = RCODE.SERVFAIL
            return reply
        known = self.zone.get(name)
        if known is None:
            if not any(each.endswith(f".{name}") for each in self.zone):
                reply.header.rcode = RCODE.NXDOMAIN
            return reply
        for value in known.get(kind, []):
            reply.add_answer(RR(request.q.qname, request.q.qtype, ttl=60, rdata=_rdata(kind, value)))
        return reply


def _rdata(kind: str, value: str) -> object:
    if kind == "TXT":
        return TXT([value[start : start + 255] for start in range(0, len(value), 255)])
    if kind == "MX":
        preference, _, host = value.partition(" ")
        return MX(host, int(preference))
    return A(value)


@dataclass(frozen=True)
class Running:
    """``address``: where it listens."""

    names: Names
    address: str


def _on_one_port(names: Names) -> tuple[DNSServer, DNSServer, int]:
    """Both servers on a port that is free for UDP and for TCP: what the one is given may be taken for the other."""
    for _ in range(20):
        over_udp = DNSServer(names, address="127.0.0.1", port=0)
        port = over_udp.server.server_address[1]
        try:
            return over_udp, DNSServer(names, address="127.0.0.1", port=port, tcp=True), port
        except OSError:
            over_udp.server.server_close()
    raise OSError("no port is free for both")


@contextmanager
def serving(zone: Zone, broken: Sequence[str] = ()) -> Iterator[Running]:
    names = Names(zone, set(broken))
    over_udp, over_tcp, port = _on_one_port(names)
    over_udp.start_thread()
    over_tcp.start_thread()
    try:
        yield Running(names, f"127.0.0.1:{port}")
    finally:
        for server in (over_udp, over_tcp):
            server.stop()
            server.server.server_close()


@dataclass(frozen=True)
class Key:
    """A key pair for signing: ``private`` in PEM, ``record`` as it stands in the DNS."""

    private: bytes
    public: str

    @property
    def record(self) -> str:
        return f"v=DKIM1; k=rsa; p={self.public}"


def make_key(bits: int = 2048) -> Key:
    pair = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = pair.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = pair.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Key(private, base64.b64encode(public).decode())
