"""Makes a copy of a file that begins earlier than the file does: a lead, and then the file as it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import ffmpeg as ffmpeg_python

from services.align.errors import UnexpectedCopyError
from services.align.lead import write_lead
from services.align.plan import AlignedCopy
from services.recorder.media.black import BlackPictures
from services.recorder.media.ffmpeg import arguments, file_url, run
from services.recorder.media.frame import PictureFormat, VideoCodec
from services.recorder.media.probe import PATIENCE, ProbedFile, probe, remux
from services.recorder.media.tags import Tags
from services.recorder.media.written import Written
from shared.contracts.participant_recording import RecordedFile

#: What the end of a file may differ by: of a picture, nobody but the container says how long it lasts.
_FRAME_MS = 20


@dataclass(frozen=True, slots=True)
class Copier:
    """Makes copies with one ffmpeg, in a folder for what is only there meanwhile."""

    ffmpeg: Path
    pictures: BlackPictures
    folder: Path

    async def make(self, source: Path, copy: AlignedCopy, tags: Tags) -> Path:
        """Make the copy of a file, look into it, and return where it is.

        Raises FfmpegError, OSError and UnexpectedCopyError.
        """
        target = self.folder / copy.name
        lead = Written()
        if copy.lead_ms:
            lead = await self._join(source, copy, tags, target)
        else:
            await remux(self.ffmpeg, source, target, tags)
        _check(copy, lead, await probe(self.ffmpeg, target))
        return target

    async def _join(self, source: Path, copy: AlignedCopy, tags: Tags, target: Path) -> Written:
        """Write the lead and the file after it into one; return what is in the lead."""
        lead, script = target.with_suffix(".lead"), target.with_suffix(".ffconcat")
        sound = bool(copy.source.audio_codec)
        written = await write_lead(lead, self.pictures, _picture(copy.source), sound=sound, until_ms=copy.lead_ms)
        await asyncio.to_thread(script.write_text, _script(lead, copy.lead_ms, source), "utf-8")
        joined = ffmpeg_python.input(file_url(script), format="concat", safe=0).output(
            file_url(target), map="0", codec="copy", format="webm", cues_to_front=1, **tags.options()
        )
        await run(arguments(self.ffmpeg, joined, "-y", "-loglevel", "error"), PATIENCE)
        await asyncio.to_thread(lead.unlink)
        return written


def _picture(source: RecordedFile) -> PictureFormat | None:
    """Return what the picture of a file begins in; None: it has none."""
    codec = next((codec for codec in get_args(VideoCodec) if codec == source.video_codec), None)
    return PictureFormat(codec, source.width, source.height) if codec else None


def _script(lead: Path, lead_ms: int, source: Path) -> str:
    """Return what ffmpeg's concat demuxer reads: the second file begins when the first one has lasted so long."""
    return f"ffconcat version 1.0\nfile {_quoted(lead)}\nduration {lead_ms / 1000:.3f}\nfile {_quoted(source)}\n"


def _quoted(path: Path) -> str:
    """Quote a path as ffmpeg reads it: within quotes every sign is itself, but for the quote."""
    return "'" + file_url(path.absolute()).replace("'", "'\\''") + "'"


def _check(copy: AlignedCopy, lead: Written, probed: ProbedFile) -> None:
    source = copy.source
    if not probed.monotonic or abs(probed.duration_ms - copy.duration_ms) > _FRAME_MS:
        raise UnexpectedCopyError(copy.name, f"lasts {probed.duration_ms} ms, and not {copy.duration_ms}")
    found = probed.video_frames, probed.audio_packets
    meant = source.video_frames + lead.video_frames, source.audio_packets + lead.audio_packets
    if found != meant:
        counts = f"holds {found[0]} pictures and {found[1]} sounds, and not {meant[0]} and {meant[1]}"
        raise UnexpectedCopyError(copy.name, counts)
