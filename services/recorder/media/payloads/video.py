"""Pictures of packets: what is not whole is dropped, with all that builds on it.

Pure. This is the same for every codec; what a picture is made of is told by its payload format.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from services.recorder.media.frame import EncodedFrame, PictureFormat, VideoCodec
from services.recorder.media.jitter_buffer import BufferedPacket
from services.recorder.media.payloads.depacketizer import FrameCounters

#: Larger than any picture of a meeting; a sender that never ends its picture must not fill our memory.
MAX_FRAME_BYTES = 4 << 20
#: Whoever decodes a picture gives it 3 bytes of memory for each pixel that it claims, in however few bytes it came.
MAX_PIXELS = 4096 * 4096


class WholePicture(NamedTuple):
    """A picture as WebM holds it."""

    data: bytes
    #: The largest that it claims, in pixels; 0 where it says nothing.
    width: int
    height: int
    #: Of a keyframe, if its codec has such: what decoders are told before it.
    configuration: bytes = b""


class Picture(Protocol):
    """A picture that its payload format puts together, one payload after the other."""

    @property
    def keyframe(self) -> bool:
        """Whether it needs none before it; false from the first payload on if it does, certain when it is whole."""

    @property
    def size(self) -> int:
        """Bytes so far."""

    def add(self, payload: bytes) -> bool:
        """Take the next payload, of at least a byte; False: it is malformed, or not the next one."""

    def whole(self) -> WholePicture | None:
        """Return it after its last payload; None if something is missing or malformed."""


class VideoDepacketizer:
    """Whole pictures, each with all those before it back to a keyframe.

    After any loss nothing passes until a keyframe is whole: that no other picture refers to the lost one cannot
    be known.
    """

    def __init__(self, codec: VideoCodec, picture: Callable[[], Picture]) -> None:
        """Put together what `picture` begins."""
        self.counters = FrameCounters()
        self._codec: VideoCodec = codec
        self._begun = picture
        self._needs_keyframe = True
        self._timestamp: int | None = None  # of the picture at hand, whether it is open or dropped already
        self._picture: Picture | None = None
        self._first_arrival_ns = self._last_arrival_ns = 0

    @property
    def needs_keyframe(self) -> bool:
        """True from the start, a restart or a loss until a whole keyframe has come."""
        return self._needs_keyframe

    def push(self, packet: BufferedPacket) -> list[EncodedFrame]:
        if packet.lost_before or packet.restarted:
            self._drop()
        if packet.restarted:
            self._timestamp = None
        if not packet.packet.payload:  # a bandwidth probe, of no picture
            return []
        if packet.timestamp != self._timestamp:
            self._begin(packet)
        return self._add(self._picture, packet) if self._picture else []

    def _begin(self, packet: BufferedPacket) -> None:
        if self._picture:  # without its marker
            self._drop()
        self._timestamp = packet.timestamp
        self._picture = self._begun()
        self._first_arrival_ns = self._last_arrival_ns = packet.arrival_ns

    def _drop(self) -> None:
        """Drop the open picture, if there is one, and every one until a keyframe."""
        self._needs_keyframe = True
        self.counters.dropped += self._picture is not None
        self._picture = None

    def _add(self, picture: Picture, packet: BufferedPacket) -> list[EncodedFrame]:
        fits = picture.add(packet.packet.payload) and picture.size <= MAX_FRAME_BYTES
        if not fits or (self._needs_keyframe and not picture.keyframe):
            self._drop()
            return []
        arrival_ns = packet.arrival_ns
        if arrival_ns > self._last_arrival_ns:
            self._last_arrival_ns = arrival_ns
        elif arrival_ns < self._first_arrival_ns:
            self._first_arrival_ns = arrival_ns
        return self._finish(picture, packet.timestamp) if packet.packet.marker else []

    def _finish(self, picture: Picture, timestamp: int) -> list[EncodedFrame]:
        whole = picture.whole()
        is_baseless = self._needs_keyframe and not picture.keyframe
        if whole is None or is_baseless or not self._has_sane_size(whole, keyframe=picture.keyframe):
            self._drop()
            return []
        self._needs_keyframe = False
        self._timestamp = self._picture = None
        self.counters.frames += 1
        return [self._frame(whole, timestamp, keyframe=picture.keyframe)]

    def _has_sane_size(self, whole: WholePicture, *, keyframe: bool) -> bool:
        pixels = whole.width * whole.height
        self.counters.oversized += pixels > MAX_PIXELS
        return pixels <= MAX_PIXELS and (pixels > 0 or not keyframe)

    def _frame(self, whole: WholePicture, timestamp: int, *, keyframe: bool) -> EncodedFrame:
        picture_format = PictureFormat(self._codec, *whole[1:]) if keyframe else None
        arrivals = self._first_arrival_ns, self._last_arrival_ns
        return EncodedFrame("video", timestamp, *arrivals, keyframe, whole.data, 0, picture_format)
