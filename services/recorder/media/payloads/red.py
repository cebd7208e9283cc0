"""Sounds that come more than once: redundant audio data (RED, RFC 2198) with Opus inside. Pure."""

from __future__ import annotations

from typing import NamedTuple

from services.recorder.media.frame import EncodedFrame
from services.recorder.media.jitter_buffer import BufferedPacket
from services.recorder.media.payloads.depacketizer import Depacketizer, FrameCounters

#: Of a redundant block; the primary one has a byte.
_HEADER_BYTES = 4


class RedBlock(NamedTuple):
    #: 0..127
    payload_type: int
    #: How many ticks before the packet's timestamp it sounds, 0..2^14-1; 0 for the primary one.
    earlier: int
    data: bytes


def parse_red(payload: bytes) -> list[RedBlock] | None:
    """Read the blocks of a payload (RFC 2198 section 3), the primary one last; None if it is cut off."""
    headers = []
    at = 0
    while payload[at : at + 1] >= b"\x80":  # F: another header follows
        headers.append(int.from_bytes(payload[at : at + _HEADER_BYTES], "big"))
        at += _HEADER_BYTES
    if at >= len(payload):
        return None
    primary, at = payload[at], at + 1
    blocks = []
    for header in headers:
        size = header & 0x3FF
        blocks.append(RedBlock(header >> 24 & 0x7F, header >> 10 & 0x3FFF, payload[at : at + size]))
        at += size
    return [*blocks, RedBlock(primary, 0, payload[at:])] if at <= len(payload) else None


class RedDepacketizer:
    """What `inner` makes of the primary blocks, and of redundant ones where packets were lost.

    A packet may come in plain as well: senders leave redundancy out where it has no room.
    """

    def __init__(self, inner: Depacketizer, payload_type: int, red_payload_type: int) -> None:
        """Take blocks of `payload_type` from packets of `red_payload_type`; others are of no use."""
        self._inner = inner
        self._payload_type = payload_type
        self._red_payload_type = red_payload_type
        #: Ticks of the newest sound; None before the first.
        self._newest: int | None = None

    @property
    def counters(self) -> FrameCounters:
        return self._inner.counters

    @property
    def needs_keyframe(self) -> bool:
        return self._inner.needs_keyframe

    def push(self, packet: BufferedPacket) -> list[EncodedFrame]:
        if packet.restarted:
            self._newest = None
        frames = [frame for sound in self._unfolded(packet) for frame in self._inner.push(sound)]
        self._newest = packet.timestamp
        self.counters.repaired += sum(frame.timestamp < packet.timestamp for frame in frames)
        return frames

    def _unfolded(self, packet: BufferedPacket) -> list[BufferedPacket]:
        """Return the packet as if it had come in plain, behind those that it makes good for."""
        payload = packet.packet.payload
        if packet.packet.payload_type != self._red_payload_type or not payload:
            return [packet]
        blocks = parse_red(payload)
        if blocks is None:
            self.counters.dropped += 1
            return []
        sounds = {packet.timestamp - each.earlier: each for each in blocks if each.payload_type == self._payload_type}
        wanted = (at for at in sorted(sounds) if at == packet.timestamp or self._was_lost(at, packet))
        return [_plain(packet, at, sounds[at]) for at in wanted]

    def _was_lost(self, timestamp: int, packet: BufferedPacket) -> bool:
        return packet.lost_before > 0 and self._newest is not None and timestamp > self._newest


def _plain(packet: BufferedPacket, timestamp: int, block: RedBlock) -> BufferedPacket:
    return packet._replace(timestamp=timestamp, packet=packet.packet._replace(payload=block.data))
