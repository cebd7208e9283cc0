"""Recordings whose colours and beeps are known, merged by the real ffmpeg; and what is seen and heard in the result."""

from __future__ import annotations

import array
import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.media.ffmpeg import file_url, run
from services.recorder.media.frame import VideoCodec
from services.recorder.media.probe import probe
from services.recorder.merging.maker import MergeMaker
from shared.contracts.merge import MergeInput, MergeLayout, MergeRequested, StartMerge
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    RecordedFile,
    RecordingKind,
    TrackFileFinished,
    TrackRecordingStopped,
)
from tests.support.encoded import encoder
from tests.support.merging import Workshop
from tests.support.moments import at

_COLOURS = {"black": (0, 0, 0), "red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0)}
_RATE = 16_000
#: A cell of 640x360 is looked at as so many pixels.
_LOOK_WIDTH, _LOOK_HEIGHT = 16, 9


@dataclass(frozen=True, slots=True)
class Film:
    """What is in a recording: one colour, of a size that may change halfway, and a beep. None: no such track."""

    seconds: float = 2
    colour: str | None = "red"
    beep: float | None = 1
    sizes: tuple[str, ...] = ("320x240",)
    codec: VideoCodec = "vp8"


@dataclass(slots=True)
class MergeStudio:
    """A store and a log of session `s`; moments are seconds after the session's beginning."""

    root: Path
    ffmpeg: Path
    workshop: Workshop

    @asynccontextmanager
    async def recorder(self, worker_id: str = "one") -> AsyncIterator[asyncio.Future[None]]:
        async with self.workshop.recorder(worker_id, self.maker(worker_id)) as running:
            yield running

    def maker(self, worker_id: str = "one") -> MergeMaker:
        objects = LocalObjectStore(self.root)
        return MergeMaker(self.workshop.log, objects, self.ffmpeg, worker_id)

    # --- what happened before

    async def has_recorded(self, who: str, begin: float, film: Film, number: int = 1) -> MergeInput:
        """Put a finished recording of sound and picture in its place."""
        one = await self.records(who, begin, number)
        await self.finishes(one, begin, film)
        return one

    async def records(self, who: str, begin: float, number: int = 1) -> MergeInput:
        one = MergeInput(participant_id=who, participant_recording_id=f"{who}-{number}")
        await self._happens(one, ParticipantRecordingRequested, begin)
        await self._happens(one, ParticipantRecordingStarted, begin, worker_id="worker")
        return one

    async def stops(self, one: MergeInput, second: float) -> None:
        await self._happens(one, ParticipantRecordingStopRequested, second)

    async def finishes(self, one: MergeInput, begin: float, film: Film) -> None:
        file = await self.file(one.participant_recording_id, film)
        await self._happens(one, ParticipantRecordingStopped, begin + film.seconds, file=file)

    async def fails(self, one: MergeInput, reason: str) -> None:
        await self._happens(one, ParticipantRecordingFailed, 1, reason=reason)

    async def deletes(self, one: MergeInput) -> None:
        await self._happens(one, ParticipantRecordingDeleted, 99, deleted_by="server:key", paths=())

    async def has_recorded_track(self, who: str, kind: RecordingKind, files: list[tuple[float, Film]]) -> MergeInput:
        """Put a finished recording of one track in its place: a file for each stretch."""
        one = MergeInput(participant_id=who, participant_recording_id=f"{who}-{kind}", kind=kind)
        await self._happens(one, ParticipantRecordingRequested, 0)
        await self._happens(one, ParticipantRecordingStarted, 0, worker_id="worker")
        for number, (begin, film) in enumerate(files):
            file = await self.file(f"{who}-{kind}-{number}", film)
            await self._happens(one, TrackFileFinished, begin + film.seconds, begin=at(begin), file=file)
        await self._happens(one, TrackRecordingStopped, 99)
        return one

    async def file(self, name: str, film: Film) -> RecordedFile:
        path = self.root / "s" / f"{name}.webm"
        path.parent.mkdir(parents=True, exist_ok=True)
        await _shoot(self.ffmpeg, path, film)
        probed = await probe(self.ffmpeg, path)
        return RecordedFile(
            path=f"s/{name}.webm",
            size_bytes=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            duration_ms=probed.duration_ms,
            width=probed.width,
            height=probed.height,
            video_codec=probed.video_codec or "",
            audio_codec=probed.audio_codec or "",
            video_frames=probed.video_frames,
            audio_packets=probed.audio_packets,
        )

    # --- what is asked for, and what came of it

    async def asks(self, layout: MergeLayout, *inputs: MergeInput, merge_id: str = "m") -> MergeRequested:
        now = self.workshop.now
        return await self.workshop.asks(
            StartMerge(at=now, room_id="r", session_id="s", merge_id=merge_id, layout=layout, inputs=inputs)
        )

    def merged_files(self) -> list[str]:
        """Return what is stored beside the recordings."""
        return sorted(path.name for path in self.root.rglob("*") if path.is_file() and path.suffix != ".webm")

    async def _happens(self, one: MergeInput, kind: type[Event], second: float, **more: object) -> None:
        about = {"room_id": "r", "session_id": "s", "participant_id": one.participant_id, "kind": one.kind}
        about["participant_recording_id"] = one.participant_recording_id
        await self.workshop.happens(kind.model_validate({**about, "at": at(second), **more}))


def left(one: MergeInput) -> MergeInput:
    return one.model_copy(update={"channel": 1})


def right(one: MergeInput) -> MergeInput:
    return one.model_copy(update={"channel": 2})


async def beeps(ffmpeg: Path, path: Path, channels: int = 2, *, loud: int = 1500) -> list[list[float]]:
    """Return when beeps begin, in seconds, by channel; a beep as it was recorded comes to 16384."""
    argv = [
        str(ffmpeg),
        "-v",
        "error",
        "-i",
        file_url(path),
        "-f",
        "s16le",
        "-ac",
        str(channels),
        "-ar",
        str(_RATE),
        "-",
    ]
    pcm, _ = await run(argv, 60)
    samples = array.array("h", pcm)
    return [_onsets(samples[channel::channels], loud) for channel in range(channels)]


def _onsets(samples: array.array[int], loud: int) -> list[float]:
    """A beep begins where it is loud after a fifth of a second of silence."""
    found: list[float] = []
    quiet_since = -_RATE
    for place, sample in enumerate(samples):
        if abs(sample) > loud:
            if place - quiet_since > _RATE // 5:
                found.append(place / _RATE)
            quiet_since = place
    return found


async def colours(ffmpeg: Path, path: Path, columns: int, rows: int) -> list[list[tuple[str, float]]]:
    """Return for each cell which colours are seen in its middle, one after the other, and from when, in seconds."""
    width, height = columns * _LOOK_WIDTH, rows * _LOOK_HEIGHT
    look = f"scale={width}:{height}:flags=area"
    argv = [str(ffmpeg), "-v", "error", "-i", file_url(path), "-vf", look, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data, _ = await run(argv, 60)
    pictures = [data[start : start + width * height * 3] for start in range(0, len(data), width * height * 3)]
    middles = [
        (row * _LOOK_HEIGHT + _LOOK_HEIGHT // 2) * width + column * _LOOK_WIDTH + _LOOK_WIDTH // 2
        for row in range(rows)
        for column in range(columns)
    ]
    return [_changes([_name(picture[middle * 3 : middle * 3 + 3]) for picture in pictures]) for middle in middles]


def _changes(names: list[str]) -> list[tuple[str, float]]:
    changes: list[tuple[str, float]] = []
    place = 0
    for name, same in groupby(names):
        changes.append((name, place / 25))
        place += len(list(same))
    return changes


def _name(pixel: bytes) -> str:
    return min(_COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(_COLOURS[name], pixel, strict=True)))


async def _shoot(ffmpeg: Path, path: Path, film: Film) -> None:
    """Make a file as recordings are: a picture and Opus in WebM."""
    parts = [path.with_name(f"{path.stem}-{number}.part") for number in range(len(film.sizes))]
    inputs, codecs = [], []
    if film.colour:
        for part, size in zip(parts, film.sizes, strict=True):
            colour = f"color={film.colour}:size={size}:rate=30:duration={film.seconds / len(parts)}"
            await _run(
                ffmpeg, "-f", "lavfi", "-i", colour, *encoder(film.codec), "-threads", "1", "-f", "webm", file_url(part)
            )
        listing = path.with_name(f"{path.stem}.txt.part")
        listing.write_text("".join(f"file '{part.name}'\n" for part in parts))
        inputs += ["-f", "concat", "-i", file_url(listing)]
        codecs += ["-c:v", "copy"]
        parts.append(listing)
    if film.beep is not None:
        tone = f"if(between(t\\,{film.beep}\\,{film.beep + 0.1})\\,0.5*sin(2*PI*1000*t)\\,0)"
        inputs += ["-f", "lavfi", "-i", f"aevalsrc={tone}:duration={film.seconds}:sample_rate=48000"]
        codecs += ["-c:a", "libopus"]
    await _run(ffmpeg, *inputs, *codecs, "-f", "webm", file_url(path))
    for part in parts:
        part.unlink(missing_ok=True)


async def _run(ffmpeg: Path, *argv: str) -> None:
    await run([str(ffmpeg), "-nostdin", "-v", "error", "-y", *argv], 60)
