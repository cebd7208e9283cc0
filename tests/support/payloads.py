"""Packets as a jitter buffer releases them, and what a depacketizer makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from services.recorder.media.frame import EncodedFrame
from services.recorder.media.jitter_buffer import BufferedPacket
from services.recorder.media.payloads.depacketizer import Depacketizer
from services.recorder.media.rtp import RtpPacket


def buffered(
    packet: RtpPacket, *, arrival_ns: int = 0, lost_before: int = 0, restarted: bool = False
) -> BufferedPacket:
    return BufferedPacket(packet, packet.sequence_number, packet.timestamp, arrival_ns, lost_before, restarted)


def in_one(packets: list[list[BufferedPacket]]) -> list[BufferedPacket]:
    return list(chain.from_iterable(packets))


def without(packets: Iterable[BufferedPacket], lost: set[int]) -> list[BufferedPacket]:
    """What a jitter buffer releases when those sequence numbers never come."""
    released: list[BufferedPacket] = []
    missing = 0
    for packet in packets:
        if packet.sequence in lost:
            missing += 1
            continue
        released.append(buffered(packet.packet, lost_before=missing))
        missing = 0
    return released


def push_all(depacketizer: Depacketizer, packets: Iterable[BufferedPacket]) -> list[EncodedFrame]:
    return [frame for packet in packets for frame in depacketizer.push(packet)]


def data(frames: Iterable[EncodedFrame]) -> list[bytes]:
    return [frame.data for frame in frames]
