"""What every depacketizer is, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.recorder.media.frame import EncodedFrame
from services.recorder.media.jitter_buffer import BufferedPacket


@dataclass(slots=True)
class FrameCounters:
    """What became of the frames of which at least one packet came."""

    frames: int = 0
    dropped: int = 0
    #: Of those dropped, pictures that claim more than `MAX_PIXELS`.
    oversized: int = 0
    #: Of those whole, sounds of lost packets that came again in a later one.
    repaired: int = 0


class Depacketizer(Protocol):
    """Makes the frames of one track of its packets."""

    @property
    def counters(self) -> FrameCounters: ...

    @property
    def needs_keyframe(self) -> bool:
        """Whether nothing can be written until the sender sends a keyframe."""

    def push(self, packet: BufferedPacket) -> list[EncodedFrame]:
        """Take a packet and return the frames that are whole because of it, in order."""
