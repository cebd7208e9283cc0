"""ICE of one client (RFC 8445), by aioice, on sockets that the worker reads with all others.

Nothing is sent to where a client says that it is, only to where it was heard from and proved who it is: as an agent
that is lite does (section 2.5). Media is taken where it is read, with the moment at which the kernel had it, so a
packet costs what one of plain RTP does, and its decryption.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from aioice import Candidate, Connection
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol

from services.recorder.media.sources.answer import Door
from services.recorder.media.sources.offer import Credentials
from services.recorder.media.sources.ports import Addresses, Host
from services.recorder.media.sources.reading import Datagram, SocketReader

#: First bytes of SRTP and SRTCP; lower ones are STUN's and DTLS' (RFC 7983 section 7).
_MEDIA = range(128, 192)
#: Datagrams of DTLS that may wait: several flights of a handshake.
_WAITING = 64

#: Takes encrypted media, at least one datagram.
TakeMedia = Callable[[list[Datagram]], None]


class IceSession(Connection):
    """One session of it: our credentials and candidates, and the client's. A restart makes another."""

    def __init__(self, addresses: Addresses, reader: SocketReader, take_media: TakeMedia) -> None:
        super().__init__(ice_controlling=False)
        self._addresses = addresses
        self._reader = reader
        self._take_media = take_media
        #: What DTLS is to read; None: there will be nothing more.
        self.handshake: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING)

    async def open(self) -> Door:
        """Bind a port at each host, and return where the client is to send. Raises NoPortsLeftError."""
        await self.gather_candidates()
        return Door(Credentials(self.local_username, self.local_password), self.local_candidates)

    async def get_component_candidates(self, component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:  # noqa: ARG002, ASYNC109  aioice asks so
        for host in self._addresses.webrtc:
            self._protocols.append(self._listening(host, component))
        return [protocol.local_candidate for protocol in self._protocols]

    def data_received(self, data: bytes, component: int) -> None:  # noqa: ARG002
        if not self.handshake.full():  # a flood; DTLS says again what was not heard
            self.handshake.put_nowait(data)

    def protocol_lost(self, protocol: StunProtocol) -> None:  # noqa: ARG002
        if self.handshake.full():
            self.handshake.get_nowait()
        self.handshake.put_nowait(None)

    def _listening(self, host: Host, component: int) -> StunProtocol:
        protocol = StunProtocol(self)
        bound = host.bind_one(self._addresses.ports)
        address, port = bound.getsockname()[:2]
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", address),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=address,
            port=port,
            type="host",
        )
        protocol.connection_made(_Socket(bound, self._reader, protocol))
        self._reader.add(bound, partial(self._take, protocol))
        return protocol

    def _take(self, protocol: StunProtocol, datagrams: list[Datagram]) -> None:
        if media := [each for each in datagrams if each[0] and each[0][0] in _MEDIA]:
            self._take_media(media)
        for data, sender, _ in datagrams:
            if data and data[0] not in _MEDIA:
                protocol.datagram_received(data, sender)


class Route:
    """What DTLS speaks by: the ICE session of the moment, which a restart replaces. The names are aiortc's."""

    role = "controlled"

    def __init__(self, ice: IceSession) -> None:
        self.ice = ice

    async def turn_to(self, ice: IceSession) -> None:
        """Go on by another session, which is connected, and close the one before."""
        before, self.ice = self.ice, ice
        await before.close()

    async def _recv(self) -> bytes:
        """Return the next datagram of DTLS. Raises ConnectionError when the client is gone."""
        while True:
            ice = self.ice
            datagram = await ice.handshake.get()
            if datagram is not None:
                return datagram
            if ice is self.ice:
                raise ConnectionError("the client is gone")

    async def _send(self, data: bytes) -> None:
        """Send a datagram. Raises ConnectionError."""
        await self.ice.send(data)


class _Socket(asyncio.DatagramTransport):
    """A socket as aioice's protocol knows it."""

    def __init__(self, bound: socket.socket, reader: SocketReader, protocol: StunProtocol) -> None:
        super().__init__({"socket": bound, "sockname": bound.getsockname()})
        self._socket = bound
        self._reader = reader
        self._protocol = protocol

    def sendto(self, data: Any, addr: Any = None) -> None:
        try:
            self._socket.sendto(data, addr)
        except OSError as error:  # one that cannot be reached is found so by the checks
            self._protocol.error_received(error)

    def close(self) -> None:
        if self._socket.fileno() != -1:
            self._reader.remove(self._socket)
            self._socket.close()
            self._protocol.connection_lost(None)
