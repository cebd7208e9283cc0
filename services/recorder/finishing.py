"""From the segment that ffmpeg wrote to the finished file in its place: made, looked into, hashed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.media.ffmpeg_errors import FfmpegStalledError
from services.recorder.media.frame import NS_PER_MS
from services.recorder.media.joining import Join
from services.recorder.media.probe import ProbedFile, probe, remux
from services.recorder.media.sampling import sampled_errors
from services.recorder.media.tags import Tags
from services.recorder.media.written import Written
from shared.contracts.participant_recording import RecordedFile, RecordingKind

_log = structlog.get_logger()

#: What may be in a track, as ffmpeg names it; nothing where there is none.
_PICTURES, _SOUND, _NOTHING = {"vp8", "vp9", "av1"}, {"opus"}, {None}
#: Of picture and sound, by what is recorded.
_CODECS: dict[RecordingKind, tuple[Collection[str | None], Collection[str | None]]] = {
    "audio_video": (_PICTURES, _SOUND),
    "audio": (_NOTHING, _SOUND),
    "video": (_PICTURES, _NOTHING),
}
#: One sound, or one picture at 50 in a second: the last sound ends at the packet's end that is nearest to the end.
_FRAME_MS = 20


class UnexpectedFileError(Exception):
    """The finished file is not what was written."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key} {reason}; the segment beside it is kept")
        self.key = key


class Keys(Protocol):
    """Where a file is to be, and where its segment is."""

    @property
    def file(self) -> str: ...

    @property
    def segment(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Meant:
    """What a finished file is to be."""

    kind: RecordingKind
    tags: Tags
    #: What ffmpeg was given. None: one broke off, and may have lost some of it.
    written: Written | None
    #: How long it has to last, ns, whatever was written.
    extent_ns: int = 0

    @property
    def least_ms(self) -> int:
        """How long it lasts at least."""
        return max(self.extent_ns, self.written.end_ns if self.written else 0) // NS_PER_MS


async def put_in_place(
    ffmpeg: Path, store: LocalObjectStore, keys: Keys, meant: Meant, join: Join | None = None
) -> RecordedFile:
    """Make the finished file of the segment, or of several that `join` names, look into it, and let it appear.

    Only then it lets the segments go. Raises FfmpegError, OSError, UnexpectedFileError and NothingWrittenError, and
    leaves nothing but the segments then.
    """
    part = f"{keys.file}.part"
    try:
        file = await _made(ffmpeg, store, keys, part, meant, join)
        await asyncio.to_thread(store.rename, part, keys.file)
    except BaseException:
        await asyncio.to_thread(store.delete, part)
        raise
    # To unlink gigabytes takes a while, on a network volume most of all.
    await asyncio.to_thread(store.delete, keys.segment)
    if join:
        await join.forget()
    return file


async def _made(
    ffmpeg: Path, store: LocalObjectStore, keys: Keys, part: str, meant: Meant, join: Join | None
) -> RecordedFile:
    segment, target = await asyncio.to_thread(lambda: (store.path(keys.segment), store.path(part)))
    await (join.into(ffmpeg, target, meant.tags) if join else remux(ffmpeg, segment, target, meant.tags))
    probed = await probe(ffmpeg, target)
    _check_tracks(keys.file, probed, meant.kind)
    _check_lengths(keys.file, probed, meant)
    decodes = await _decodes(ffmpeg, target, probed)
    size, digest = await store.digest(part)
    return RecordedFile(
        path=keys.file,
        size_bytes=size,
        sha256=digest,
        duration_ms=probed.duration_ms,
        width=probed.width,
        height=probed.height,
        video_codec=probed.video_codec or "",
        audio_codec=probed.audio_codec or "",
        video_frames=probed.video_frames,
        audio_packets=probed.audio_packets,
        decodes=decodes,
    )


def _check_tracks(key: str, probed: ProbedFile, kind: RecordingKind) -> None:
    pictures, sounds = _CODECS[kind]
    if probed.video_codec not in pictures or probed.audio_codec not in sounds:
        raise UnexpectedFileError(key, f"holds {probed.video_codec} and {probed.audio_codec}")
    if not (probed.monotonic and (kind == "audio" or probed.starts_with_keyframe)):
        raise UnexpectedFileError(key, "does not begin with a keyframe or goes back in time")


def _check_lengths(key: str, probed: ProbedFile, meant: Meant) -> None:
    """Hold the file against what was written; of what may have lost some of that, it is only told if it is short."""
    longer_ms = probed.duration_ms - meant.least_ms
    if longer_ms < -_FRAME_MS or (meant.written and longer_ms > _FRAME_MS):
        raise UnexpectedFileError(key, f"lasts {probed.duration_ms} ms, and {meant.least_ms} ms were recorded")
    if meant.written is None:
        return
    found = probed.video_frames, probed.audio_packets
    written = meant.written.video_frames, meant.written.audio_packets
    if found != written:
        counts = f"holds {found[0]} pictures and {found[1]} sounds, and {written[0]} and {written[1]} were written"
        raise UnexpectedFileError(key, counts)


async def _decodes(ffmpeg: Path, path: Path, probed: ProbedFile) -> bool | None:
    """Tell whether a decoder has nothing against it; None: it did not get to say.

    What was sent is kept as it came, so a file is not given up for it: nobody but its sender may be able to decode it.
    """
    try:
        said = await sampled_errors(ffmpeg, path, probed.duration_ms)
    except FfmpegStalledError as error:
        _log.warning("whether a finished file decodes is not known", path=str(path), error=str(error))
        return None
    if said:
        _log.warning("a finished file does not decode cleanly", path=str(path), said=said)
    return not said
