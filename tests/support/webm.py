"""Reading recorded files back, packet by packet, without decoding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av


@dataclass(frozen=True, slots=True)
class Packet:
    kind: Literal["audio", "video"]
    time_ms: int
    keyframe: bool
    data: bytes


def read_packets(path: Path) -> list[Packet]:
    """Return every packet of a WebM in the order of the file."""
    with av.open(str(path)) as container:
        return [_packet(packet) for packet in container.demux() if packet.size]


def _packet(packet: av.Packet[Any]) -> Packet:
    assert packet.pts is not None
    assert packet.time_base is not None
    kind: Literal["audio", "video"] = "video" if packet.stream.type == "video" else "audio"
    return Packet(kind, round(packet.pts * packet.time_base * 1000), packet.is_keyframe, bytes(packet))
