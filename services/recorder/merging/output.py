"""What a merge leaves in the store: nothing, or one whole file in its place."""

from __future__ import annotations

import asyncio
import os
from fractions import Fraction
from pathlib import Path

import ffmpeg as ffmpeg_python

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.media.ffmpeg import arguments, file_url, run
from services.recorder.media.probe import PATIENCE, probe
from services.recorder.merging.errors import UnexpectedMergeError
from services.recorder.merging.keys import merge_key, part_key
from services.recorder.merging.plan import Plan, size
from shared.contracts.merge import MergedFile, MergeRequested

#: What encoders round up to: an MP3 frame is 24 ms, a picture 40 ms.
_TOLERANCE_MS = 100


class Output:
    """The object of one merge, and what this worker writes until it is whole."""

    def __init__(self, objects: LocalObjectStore, ffmpeg: Path, requested: MergeRequested, worker_id: str) -> None:
        self._objects = objects
        self._ffmpeg = ffmpeg
        self._layout = requested.layout
        self.key = merge_key(requested)
        self._part_key = part_key(requested, worker_id)

    @property
    def part(self) -> Path:
        """Where to write."""
        return self._objects.path(self._part_key)

    async def measured(self, plan: Plan) -> MergedFile:
        """Look into what was written. Raises UnexpectedMergeError."""
        return await self._measured(self._part_key, plan)

    async def put_in_place(self, measured: MergedFile, plan: Plan) -> MergedFile:
        """Let the file appear, whole; return what is in place.

        A file that is in place already stays: it was put there by a worker that came to no word about it, or that made
        the merge while this one was thought dead. What the log says of a file is true for good.
        """
        # In a thread: it waits for the disk. Cancelled, it finds nothing to name, or the sweep finds what it named.
        if await asyncio.to_thread(_appears, self.part, self._objects.path(self.key)):
            return measured
        return await self._measured(self.key, plan)

    def discard(self) -> None:
        """Remove what this worker wrote."""
        self.part.unlink(missing_ok=True)

    def sweep(self, *, keep_file: bool) -> None:
        """Remove what any worker left: what was not whole, and the file itself where the merge came to nothing."""
        place = self._objects.path(self.key)
        for part in place.parent.glob(f"{place.name}.*.part"):
            part.unlink(missing_ok=True)
        if not keep_file:
            place.unlink(missing_ok=True)

    async def _measured(self, key: str, plan: Plan) -> MergedFile:
        path = self._objects.path(key)
        measure = _measured_sound if self._layout == "stereo" else _measured_pictures
        duration_ms, (width, height) = await measure(self._ffmpeg, path, plan)
        if abs(duration_ms - plan.duration_ms) > _TOLERANCE_MS:
            raise UnexpectedMergeError(self.key, f"lasts {duration_ms} ms, and not {plan.duration_ms}")
        size_bytes, digest = await self._objects.digest(key)
        return MergedFile(
            path=self.key, size_bytes=size_bytes, sha256=digest, duration_ms=duration_ms, width=width, height=height
        )


def _appears(part: Path, place: Path) -> bool:
    """Give the file its name, unless there is one of that name; its content is on disk before."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(part, place)
    except FileExistsError:
        return False
    except OSError:
        part.replace(place)  # a store without hard links
    return True


async def _measured_sound(ffmpeg: Path, path: Path, _: Plan) -> tuple[int, tuple[int, int]]:
    """Decode an MP3: its packets also hold what encoders put before and after the sound."""
    played = ffmpeg_python.input(file_url(path)).output("pipe:1", map="0:a", acodec="pcm_s16le", format="framecrc")
    listing, _said = await run(arguments(ffmpeg, played, "-loglevel", "error"), PATIENCE)
    return _end_ms(listing.decode()), (0, 0)


def _end_ms(listing: str) -> int:
    """Return when the last packet of a framecrc listing of one track ends: `0, dts, pts, duration, size, checksum`."""
    *_, last = listing.rstrip().rsplit("\n", 1)
    _, time_base = listing.split("#tb 0: ", 1)
    _, _, pts, duration, *_rest = last.split(",")
    return round((int(pts) + int(duration)) * Fraction(time_base.split("\n", 1)[0]) * 1000)


async def _measured_pictures(ffmpeg: Path, path: Path, plan: Plan) -> tuple[int, tuple[int, int]]:
    probed = await probe(ffmpeg, path)
    if (probed.video_codec, probed.audio_codec) != ("h264", "aac"):
        raise UnexpectedMergeError(path.name, f"holds {probed.video_codec} and {probed.audio_codec}")
    if (probed.width, probed.height) != size(len(plan.cells)):
        raise UnexpectedMergeError(path.name, f"is {probed.width} pixels wide and {probed.height} high")
    return probed.duration_ms, (probed.width, probed.height)
