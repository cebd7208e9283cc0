"""Pages: how frames lie on disk while they wait, and what is known of them meanwhile.

Pure: no I/O and no clock.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from services.recorder.media.frame import EncodedFrame, Kind, PictureFormat, TimedFrame

#: Before the bytes of each frame: whether it is a picture and a keyframe, the number of its format among those of the
#: page, the length of its bytes; then capture, RTP timestamp, first arrival, arrival and duration.
_HEAD = struct.Struct("<??HIqqqqq")
_NO_FORMAT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Dropped:
    """Frames that were given up while they waited, in their place among the others."""

    frames: int
    #: Capture of the earliest and of the latest.
    begin_ns: int
    end_ns: int
    #: Capture of the earliest picture; None: they are all sounds.
    picture_ns: int | None
    #: Arrival of the last.
    arrival_ns: int

    def and_then(self, after: Dropped) -> Dropped:
        """Return these together with those that come right after them."""
        pictures = [each for each in (self.picture_ns, after.picture_ns) if each is not None]
        return Dropped(
            self.frames + after.frames,
            min(self.begin_ns, after.begin_ns),
            max(self.end_ns, after.end_ns),
            min(pictures, default=None),
            after.arrival_ns,
        )


@dataclass(slots=True, eq=False)
class Page:
    """Frames that lie on disk together, or are on their way there."""

    #: How many bytes they are.
    size: int
    #: The bytes themselves, until they are on disk.
    data: bytes | None
    #: Of the keyframes, each once.
    formats: tuple[PictureFormat, ...]
    #: Arrival of the first.
    arrival_ns: int
    #: What is told if the page is given up.
    dropped: Dropped
    #: Where in the file it lies, or is to lie.
    slots: tuple[int, ...] = ()

    @classmethod
    def of(cls, frames: Sequence[TimedFrame]) -> Page:
        """Make a page of one frame or more, in the order of their arrival."""
        formats = tuple({each.frame.format: None for each in frames if each.frame.format})
        numbers = {each: number for number, each in enumerate(formats)}
        parts = [part for each in frames for part in _parts(each, numbers)]
        data = b"".join(parts)
        return cls(len(data), data, formats, frames[0].frame.arrival_ns, dropped(frames))

    def frames(self, data: bytes) -> list[TimedFrame]:
        """Read the page's bytes."""
        at, read = 0, []
        while at < len(data):
            is_video, keyframe, number, length, *times = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            read.append(self._frame(is_video, keyframe, number, data[at : at + length], times))
            at += length
        return read

    def _frame(self, is_video: bool, keyframe: bool, number: int, data: bytes, times: list[int]) -> TimedFrame:
        kind: Kind = "video" if is_video else "audio"
        time_ns, timestamp, first_arrival_ns, arrival_ns, duration_ns = times
        picture = None if number == _NO_FORMAT else self.formats[number]
        frame = EncodedFrame(kind, timestamp, first_arrival_ns, arrival_ns, keyframe, data, duration_ns, picture)
        return TimedFrame(time_ns, frame)


def dropped(frames: Sequence[TimedFrame]) -> Dropped:
    """Return what is told of frames, one or more in the order of their arrival, that are given up."""
    times = [each.time_ns for each in frames]
    pictures = [each.time_ns for each in frames if each.frame.kind == "video"]
    return Dropped(len(frames), min(times), max(times), min(pictures, default=None), frames[-1].frame.arrival_ns)


def _parts(held: TimedFrame, numbers: dict[PictureFormat, int]) -> tuple[bytes, bytes]:
    time_ns, frame = held
    number = numbers[frame.format] if frame.format else _NO_FORMAT
    head = _HEAD.pack(
        frame.kind == "video",
        frame.keyframe,
        number,
        len(frame.data),
        time_ns,
        frame.timestamp,
        frame.first_arrival_ns,
        frame.arrival_ns,
        frame.duration_ns,
    )
    return head, frame.data
