"""From the segment that ffmpeg wrote to the finished file in its place, measured."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.media.joining import Join
from services.recorder.media.probe import ProbedFile, probe, remux
from shared.contracts.participant_recording import RecordedFile, RecordingKind

#: What may be in a track, as ffmpeg names it; nothing where there is none.
_PICTURES, _SOUND, _NOTHING = {"vp8", "vp9", "av1"}, {"opus"}, {None}
#: Of picture and sound, by what is recorded.
_CODECS: dict[RecordingKind, tuple[Collection[str | None], Collection[str | None]]] = {
    "audio_video": (_PICTURES, _SOUND),
    "audio": (_NOTHING, _SOUND),
    "video": (_PICTURES, _NOTHING),
}


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


async def put_in_place(
    ffmpeg: Path, store: LocalObjectStore, keys: Keys, kind: RecordingKind, join: Join | None = None
) -> RecordedFile:
    """Make the finished file of the segment, or of several that `join` names, look into it, and only then let it go.

    Raises FfmpegError, OSError, UnexpectedFileError and NothingWrittenError.
    """
    segment, target = await asyncio.to_thread(lambda: (store.path(keys.segment), store.path(keys.file)))
    await (join.into(ffmpeg, target) if join else remux(ffmpeg, segment, target))
    probed = await probe(ffmpeg, target)
    _check(keys.file, probed, kind)
    size, digest = await store.digest(keys.file)
    # To unlink gigabytes takes a while, on a network volume most of all.
    await asyncio.to_thread(store.delete, keys.segment)
    if join:
        await join.forget()
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
    )


def _check(key: str, probed: ProbedFile, kind: RecordingKind) -> None:
    pictures, sounds = _CODECS[kind]
    if probed.video_codec not in pictures or probed.audio_codec not in sounds:
        raise UnexpectedFileError(key, f"holds {probed.video_codec} and {probed.audio_codec}")
    if not (probed.monotonic and (kind == "audio" or probed.starts_with_keyframe)):
        raise UnexpectedFileError(key, "does not begin with a keyframe or goes back in time")
