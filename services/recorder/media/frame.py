"""What travels along the media path: frames in, blocks out.

Times are integer nanoseconds; `_ns` on a wall-clock time counts from the Unix epoch (UTC). What is made for each frame
is a named tuple, as a frozen dataclass takes three times as long to make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["audio", "video"]
#: Sound is always Opus.
VideoCodec = Literal["vp8", "vp9", "av1"]

NS_PER_SECOND = 1_000_000_000
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """What a picture is encoded in, and its size in pixels."""

    codec: VideoCodec
    width: int
    height: int
    #: What decoders are told before the first picture, with AV1.
    configuration: bytes = b""


class EncodedFrame(NamedTuple):
    """One whole video frame or Opus packet as the sender encoded it, not yet placed on the wall clock."""

    kind: Kind
    #: RTP timestamp, unwrapped: it never jumps back over a 32-bit wrap. Ticks of 90 kHz (video) or 48 kHz (audio).
    timestamp: int
    #: Wall-clock arrival of the first packet of the frame.
    first_arrival_ns: int
    #: Wall-clock arrival of the packet that completed the frame; never before `first_arrival_ns`.
    arrival_ns: int
    #: Audio is always a keyframe.
    keyframe: bool
    data: bytes
    #: How long it sounds. 0 for video, whose frames last until the next one.
    duration_ns: int = 0
    #: Of a video keyframe; None elsewhere.
    format: PictureFormat | None = None


class TimedFrame(NamedTuple):
    """An encoded frame with its place on the wall clock."""

    #: When it was captured, as the track's clock tells.
    time_ns: int
    frame: EncodedFrame


class Block(NamedTuple):
    """What the muxer writes: one frame at its time in the file."""

    kind: Kind
    #: Since the beginning of the file; never negative, per kind never going back.
    time_ns: int
    keyframe: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Black:
    """A black picture that is due. It is encoded only then: a sender may change its size as often as it likes."""

    #: Since the beginning of the file.
    time_ns: int
    format: PictureFormat
