"""A pipeline and the file it writes, in milliseconds since the file's beginning; no two frames are alike."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count
from pathlib import Path

import av
import structlog

from services.recorder.media.black import BlackPictures
from services.recorder.media.frame import (
    NS_PER_MS,
    NS_PER_SECOND,
    EncodedFrame,
    Kind,
    PictureFormat,
    TimedFrame,
    VideoCodec,
)
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.media.gate import Condition, Gate
from services.recorder.media.joining import Join
from services.recorder.media.pauses import Pauses
from services.recorder.media.pipeline import Pipeline
from services.recorder.media.segments import Segments
from services.recorder.media.spool_disk import SpoolDisk
from services.recorder.media.tags import Tags
from services.recorder.moments import moment
from tests.support import vp8
from tests.support.eventually import eventually
from tests.support.spooling import spool_disk
from tests.support.webm import Packet, read_packets

START_NS = 1_800_000_000 * NS_PER_SECOND
_SOUND_NS = 20 * NS_PER_MS
_TAGS = Tags("ann", "abcd-efgh-ijkl", moment(START_NS))
_CELT_20_MS = b"\xf8"

_numbers = count(1)


class Film:
    """What a participant says and sends, and how far it is known what was said."""

    def __init__(self, ffmpeg: Path, path: Path, segments: Segments, disk: SpoolDisk | None = None) -> None:
        self._ffmpeg = ffmpeg
        #: The first segment; at the end, what several were joined into.
        self.path = path
        self.join: Join | None = None
        self.segments = segments
        self.pauses = Pauses()
        self.gate = Gate().within(self.pauses)
        self.pictures = BlackPictures(ffmpeg)
        self.disk = disk or spool_disk(path.parent)
        self.pipeline = Pipeline(self.pictures, self.gate, segments, START_NS, self.disk)

    @classmethod
    async def begin(cls, ffmpeg: Path, path: Path, disk: SpoolDisk | None = None) -> Film:
        async def path_of(number: int) -> Path:
            return path.with_name(f"{number}-{path.name}")

        segments = await Segments.start(ffmpeg, path_of, structlog.get_logger())
        return cls(ffmpeg, await path_of(1), segments, disk)

    @property
    def pid(self) -> int:
        """That of the ffmpeg that writes at present."""
        assert self.segments._writer
        return self.segments._writer.pid

    def say(self, at_ms: int, condition: Condition = "consent", *, holds: bool) -> None:
        self.gate.say(condition, _ns(at_ms), holds=holds)

    def send(self, *frames: TimedFrame) -> None:
        self.pipeline.take(list(frames))

    async def known_until(self, at_ms: int) -> None:
        """Move the watermark."""
        await self.pipeline.advance(_ns(at_ms))

    async def end(self, at_ms: int, known_until_ms: int | None = None) -> list[Packet]:
        """End the file there, everything being known unless told otherwise, and read it."""
        self.pipeline.end_at(_ns(at_ms))
        await self.pipeline.finish(_ns(at_ms + 60_000 if known_until_ms is None else known_until_ms))
        if join := await self.pipeline.join():
            self.join, self.path = join, self.path.with_name("joined.webm")
            await join.into(self._ffmpeg, self.path, _TAGS)
        return await self.packets()

    async def packets(self) -> list[Packet]:
        return await asyncio.to_thread(read_packets, self.path)

    async def black(self, width: int = 640, height: int = 480) -> bytes:
        return await self.pictures.of(PictureFormat("vp8", width, height))


async def on_disk(path: Path, until_ms: int) -> list[Packet]:
    """Wait until so much can be read of what is being written, and return that."""

    async def read() -> bool:
        packets.clear()
        with suppress(av.error.FFmpegError):
            packets.extend(await asyncio.to_thread(read_packets, path))
        return bool(packets) and packets[-1].time_ms >= until_ms

    packets: list[Packet] = []
    await eventually(read)
    return packets


def keyframe(
    at_ms: int, *, arrival_ms: int | None = None, size: tuple[int, int] = (640, 480), codec: VideoCodec = "vp8"
) -> TimedFrame:
    data = vp8.keyframe(*size) + _unique()
    return _frame("video", at_ms, arrival_ms, data, keyframe=True, picture_format=PictureFormat(codec, *size))


def delta(at_ms: int, *, first_arrival_ms: int | None = None, arrival_ms: int | None = None) -> TimedFrame:
    return _frame("video", at_ms, arrival_ms, vp8.delta_frame() + _unique(), first_arrival_ms=first_arrival_ms)


def sound(at_ms: int, *, arrival_ms: int | None = None) -> TimedFrame:
    return _frame("audio", at_ms, arrival_ms, _CELT_20_MS + b"sound" + _unique(), keyframe=True)


def recorded(packets: list[Packet], *frames: TimedFrame) -> list[bool]:
    """Tell of each frame whether it is in the file."""
    written = {packet.data for packet in packets}
    return [frame.frame.data in written for frame in frames]


def times(packets: list[Packet], data: bytes) -> list[int]:
    """Return the times of the packets with these very bytes, in ms."""
    return [packet.time_ms for packet in packets if packet.data == data]


def silences(packets: list[Packet]) -> list[int]:
    return times(packets, OPUS_SILENCE)


def end_ms(packets: list[Packet]) -> int:
    """Return when the last sound ends; all of them last 20 ms."""
    return max(packet.time_ms for packet in packets if packet.kind == "audio") + 20


def _frame(
    kind: Kind,
    at_ms: int,
    arrival_ms: int | None,
    data: bytes,
    *,
    keyframe: bool = False,
    picture_format: PictureFormat | None = None,
    first_arrival_ms: int | None = None,
) -> TimedFrame:
    """Make a frame that arrived when it was captured unless told otherwise."""
    arrival_ms = arrival_ms if arrival_ms is not None else at_ms
    first_ms = first_arrival_ms if first_arrival_ms is not None else arrival_ms
    duration_ns = _SOUND_NS if kind == "audio" else 0
    encoded = EncodedFrame(kind, 0, _ns(first_ms), _ns(arrival_ms), keyframe, data, duration_ns, picture_format)
    return TimedFrame(_ns(at_ms), encoded)


def _unique() -> bytes:
    return next(_numbers).to_bytes(4, "big")


def _ns(at_ms: int) -> int:
    return START_NS + at_ms * NS_PER_MS
