"""UDP ports: pairs, an even one for RTP and the odd one above it for RTCP (RFC 3550 section 11), and single ones."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from aioice.ice import get_host_addresses

#: What the kernel may hold while the process is busy: seconds of one participant's media.
_RECEIVE_BUFFER = 1024 * 1024

Pair = tuple[socket.socket, socket.socket]


class NoPortsLeftError(Exception):
    """Every port of the range is taken."""

    def __init__(self, ports: range) -> None:
        super().__init__(f"no free UDP ports left from {ports.start} to {ports.stop - 1}: widen ONRECORD_RTP_PORTS")
        self.ports = ports


@dataclass(frozen=True, slots=True)
class Host:
    """An address of this machine. A name was looked up, which blocks: once, not for each port that is tried."""

    #: What senders are told.
    name: str
    family: socket.AddressFamily
    address: str

    @classmethod
    def named(cls, name: str) -> Host:
        """Look the name up; an address is itself. Raises OSError."""
        family, *_, address = socket.getaddrinfo(name, 0, type=socket.SOCK_DGRAM)[0]
        return cls(name, family, str(address[0]))

    def bind_pair(self, ports: range) -> Pair:
        """Bind a free pair, in no order that could be guessed. Raises NoPortsLeftError."""
        pairs = range(ports.start + ports.start % 2, ports.stop - 1, 2)
        offset = secrets.randbelow(len(pairs)) if pairs else 0
        rtp = self._socket()
        for port in (*pairs[offset:], *pairs[:offset]):
            if not self._bind(rtp, port):
                continue
            rtcp = self._socket()
            if self._bind(rtcp, port + 1):
                return rtp, rtcp
            rtcp.close()
            rtp.close()
            rtp = self._socket()
        rtp.close()
        raise NoPortsLeftError(ports)

    def bind_one(self, ports: range) -> socket.socket:
        """Bind a free port, in no order that could be guessed. Raises NoPortsLeftError."""
        bound = self._socket()
        offset = secrets.randbelow(len(ports))
        for port in (*ports[offset:], *ports[:offset]):
            if self._bind(bound, port):
                return bound
        bound.close()
        raise NoPortsLeftError(ports)

    def _socket(self) -> socket.socket:
        unbound = socket.socket(self.family, socket.SOCK_DGRAM)
        unbound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        unbound.setblocking(False)
        return unbound

    def _bind(self, unbound: socket.socket, port: int) -> bool:
        with suppress(OSError):
            unbound.bind((self.address, port))
            return True
        return False


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where media comes in."""

    #: Of plain RTP.
    rtp: Host
    #: Of WebRTC: every one is offered, and clients find out which they reach.
    webrtc: Sequence[Host]
    ports: range


def addresses_of_this_machine() -> list[str]:
    """Return them all but those of one link alone; the loopback's last."""
    return [*get_host_addresses(use_ipv4=True, use_ipv6=True), "127.0.0.1"]
