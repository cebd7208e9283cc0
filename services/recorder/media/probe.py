"""A finished WebM: remuxed with its index in front, looked into, decoded to see that it can be.

ffmpeg alone does it, without ffprobe: the imageio-ffmpeg wheel carries none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import ffmpeg as ffmpeg_python

from services.recorder.media.ffmpeg import arguments, file_url, run, stream
from services.recorder.media.ffmpeg_errors import FfmpegFailedError
from services.recorder.media.tags import Tags

#: What one pass over a file may take, in seconds. Copying two hours takes seconds, decoding them minutes.
PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class ProbedFile:
    """What is really in a file, counted packet by packet."""

    #: ffmpeg's names ("vp8", "opus"); None where there is no such track.
    video_codec: str | None
    audio_codec: str | None
    #: Pixels, as the header says; 0 without video.
    width: int
    height: int
    video_frames: int
    audio_packets: int
    #: False too if there is no picture at all.
    starts_with_keyframe: bool
    #: When the last packet ends.
    duration_ms: int
    #: Whether the times of each track always go on, never back and never stand.
    monotonic: bool


@dataclass(slots=True)
class _Track:
    kind: str = ""
    codec: str | None = None
    dimensions: tuple[int, int] = (0, 0)
    time_base: Fraction = Fraction(1, 1000)
    packets: int = 0
    keyframe_first: bool = False
    last_time: int | None = None
    end: int = 0
    monotonic: bool = True

    def end_ms(self) -> int:
        return int(self.end * self.time_base * 1000)


@dataclass(slots=True)
class _Tracks:
    by_index: dict[int, _Track] = field(default_factory=dict)

    def at(self, index: str) -> _Track:
        return self.by_index.setdefault(int(index), _Track())

    def first(self, kind: str) -> _Track:
        return next((track for track in self.by_index.values() if track.kind == kind), _Track())


class _Listing:
    """What the framecrc format lists, as it comes: a line at a time is kept, and what it counts."""

    def __init__(self) -> None:
        self.tracks = _Tracks()
        self._rest = b""

    def take(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            _read_line(self.tracks, line.decode())


async def remux(ffmpeg: Path, source: Path, target: Path, tags: Tags | None = None) -> None:
    """Copy a written file, cut off or not, into one with duration and an index in front, and with these tags.

    What is at the target is written over; what is there after an error is not whole.
    """
    # nofind_stream_info: as for the writer, so that the size stays what it is.
    copy = ffmpeg_python.input(file_url(source), nofind_stream_info=None).output(
        file_url(target), map="0", codec="copy", format="webm", cues_to_front=1, **(tags.options() if tags else {})
    )
    await run(arguments(ffmpeg, copy, "-y", "-loglevel", "error"), PATIENCE)


async def probe(ffmpeg: Path, path: Path) -> ProbedFile:
    """Read a file to its end and count what is in it."""
    # copyts: times as they are in the file. copyinkf: else ffmpeg hides delta frames before a first keyframe.
    every = ffmpeg_python.input(file_url(path), nofind_stream_info=None).output(
        "pipe:1", map="0", codec="copy", format="framecrc", copyts=None, copyinkf=None
    )
    listing = _Listing()

    async def take(piece: bytes) -> None:
        # Two hours are half a million lines, seconds of work: not on the event loop.
        await asyncio.to_thread(listing.take, piece)

    await stream(arguments(ffmpeg, every, "-loglevel", "error"), PATIENCE, take)
    return _summary(listing.tracks)


async def decode_errors(ffmpeg: Path, path: Path) -> str:
    """Decode a whole file and return what ffmpeg says against it; nothing if it is good."""
    played = ffmpeg_python.input(file_url(path)).output("pipe:1", format="null")
    try:
        _, errors = await run(arguments(ffmpeg, played, "-loglevel", "error"), PATIENCE)
    except FfmpegFailedError as error:
        return str(error)
    return errors


def _read_line(tracks: _Tracks, line: str) -> None:
    """Take in one line of the framecrc format: `#key track: value` or a packet."""
    if not line.startswith("#"):
        index, *fields = line.split(",")
        _count(tracks.at(index), fields)
        return
    name, _, value = line[1:].partition(": ")
    key, _, index = name.partition(" ")
    if index.isdigit():
        _describe(tracks.at(index), key, value)


def _describe(track: _Track, key: str, value: str) -> None:
    if key == "media_type":
        track.kind = value
    if key == "codec_id":
        track.codec = value
    if key == "tb":
        track.time_base = Fraction(value)
    if key == "dimensions":
        width, height = value.split("x")
        track.dimensions = int(width), int(height)


def _count(track: _Track, fields: list[str]) -> None:
    """Take in one packet: dts, pts, duration, size, checksum and, where it is no plain keyframe, flags."""
    time, duration = int(fields[1]), int(fields[2])
    if track.packets == 0:
        track.keyframe_first = _is_keyframe(fields[5:])
    track.packets += 1
    track.monotonic &= track.last_time is None or time > track.last_time
    track.last_time = time
    track.end = max(track.end, time + duration)


def _is_keyframe(extras: Iterable[str]) -> bool:
    """Tell whether bit 0 (AV_PKT_FLAG_KEY) is set; a packet with that flag alone has no `F=`."""
    flags = [extra.strip()[2:] for extra in extras if extra.strip().startswith("F=")]
    return not flags or bool(int(flags[0], 16) & 1)


def _summary(tracks: _Tracks) -> ProbedFile:
    video, audio = tracks.first("video"), tracks.first("audio")
    return ProbedFile(
        video_codec=video.codec,
        audio_codec=audio.codec,
        width=video.dimensions[0],
        height=video.dimensions[1],
        video_frames=video.packets,
        audio_packets=audio.packets,
        starts_with_keyframe=video.keyframe_first,
        duration_ms=max(video.end_ms(), audio.end_ms()),
        monotonic=video.monotonic and audio.monotonic,
    )
