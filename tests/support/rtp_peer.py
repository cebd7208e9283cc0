"""A sender of RTP with sockets of its own, and what it is asked by RTCP."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import REGISTRY

from services.recorder.media.frame import NS_PER_SECOND, Kind
from services.recorder.media.rtp import RtpPacket
from shared.contracts.rtp_source import RtpPorts
from tests.support import vp8
from tests.support.datagrams import datagram, sender_report

_RECEIVER_REPORT, _ONE_BLOCK = 201, 1
_TRANSPORT_FEEDBACK, _GENERIC_NACK = 205, 1
_PAYLOAD_FEEDBACK, _PICTURE_LOSS = 206, 1


@dataclass(slots=True)
class RtpPeer:
    """One track on its way to a source's ports; VP8 of payload type 96, Opus of 111."""

    rtp: socket.socket
    rtcp: socket.socket
    to: RtpPorts
    sequence: int = 0
    timestamp: int = 0

    def keyframe(self) -> bytes:
        return self._picture(vp8.keyframe())

    def delta(self) -> bytes:
        return self._picture(vp8.delta_frame())

    def sound(self) -> bytes:
        packet = b"\xf8sound" + self.sequence.to_bytes(2, "big")
        self.send(RtpPacket(111, self.sequence, self.timestamp, vp8.SSRC, marker=False, payload=packet))
        self.timestamp += 960
        return packet

    async def sounds(self, count: int) -> list[bytes]:
        """Send sound in real time."""
        return [await self._paced(self.sound(), 0.02) for _ in range(count)]

    async def pictures(self, count: int) -> list[bytes]:
        """Send a keyframe and what builds on it in real time."""
        return [await self._paced(self.delta() if at else self.keyframe(), 1 / 30) for at in range(count)]

    def lose(self) -> None:
        """Let a packet be lost."""
        self.sequence += 1

    def report(self) -> None:
        self.rtcp.sendto(sender_report(1_800_000_000 * NS_PER_SECOND, self.timestamp), ("127.0.0.1", self.to.rtcp_port))

    def raw(self, data: bytes) -> None:
        """Send the same bytes to both ports."""
        self.rtp.sendto(data, ("127.0.0.1", self.to.rtp_port))
        self.rtcp.sendto(data, ("127.0.0.1", self.to.rtcp_port))

    def keyframe_requests(self) -> list[int]:
        """Return the media SSRCs of the keyframe requests that have come to the RTCP socket and were not read yet."""
        losses = _told(self.rtcp, _PAYLOAD_FEEDBACK, _PICTURE_LOSS)
        return [struct.unpack_from("!I", packet, 8)[0] for packet in losses]

    def packet_requests(self) -> list[tuple[int, int, int]]:
        """Return media SSRC, first sequence number and mask of each request for packets (RFC 4585 section 6.2.1)."""
        nacks = _told(self.rtcp, _TRANSPORT_FEEDBACK, _GENERIC_NACK)
        return [struct.unpack_from("!IHH", packet, 8) for packet in nacks]

    def receiver_reports(self) -> list[tuple[int, ...]]:
        """Return the six words of each report block (RFC 3550 section 6.4.1)."""
        reports = _told(self.rtcp, _RECEIVER_REPORT, _ONE_BLOCK)
        return [struct.unpack_from("!6I", packet, 8) for packet in reports]

    def _picture(self, frame: bytes) -> bytes:
        frame += self.sequence.to_bytes(2, "big")
        for packet in vp8.packetize(frame, timestamp=self.timestamp, sequence=self.sequence, mtu=30):
            self.send(packet)
        self.timestamp += 3000
        return frame

    async def _paced(self, sent: bytes, seconds: float) -> bytes:
        await asyncio.sleep(seconds)
        return sent

    def send(self, packet: RtpPacket) -> None:
        """Send a packet, whose sequence number is this peer's."""
        self.rtp.sendto(datagram(packet), ("127.0.0.1", self.to.rtp_port))
        self.sequence += 1


@contextmanager
def rtp_peer(to: RtpPorts | None, port: int = 0, rtcp_port: int | None = None) -> Iterator[RtpPeer]:
    """Send from ports that belong to no pair, or from `port`, with RTCP from the one above or from `rtcp_port`."""
    assert to is not None
    with socket.socket(type=socket.SOCK_DGRAM) as rtp, socket.socket(type=socket.SOCK_DGRAM) as rtcp:
        rtp.bind(("127.0.0.1", port))
        rtcp.bind(("127.0.0.1", (port and port + 1) if rtcp_port is None else rtcp_port))
        rtcp.setblocking(False)
        yield RtpPeer(rtp, rtcp, to)


def strangers(kind: Kind) -> float:
    """Return how many packets of tracks of that kind were ignored, of all sources, as far as it was counted by now."""
    return REGISTRY.get_sample_value("onrecord_media_packets_total", {"track": kind, "fate": "strangers"}) or 0


async def delivered() -> None:
    """Let the loop read what was sent: loopback has delivered it by the time it is sent."""
    for _ in range(3):
        await asyncio.sleep(0)


def _received(receiving: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            yield receiving.recv(2048)
        except BlockingIOError:
            return


def _told(receiving: socket.socket, packet_type: int, count_or_format: int) -> Iterator[bytes]:
    """Yield the packets of that kind in the compounds that have come and were not read yet."""
    for compound in _received(receiving):
        rest = compound
        while rest:
            first, told_type, words = struct.unpack_from("!BBH", rest)
            if (told_type, first & 0x1F) == (packet_type, count_or_format):
                yield rest[: 4 * (words + 1)]
            rest = rest[4 * (words + 1) :]
