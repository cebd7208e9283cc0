"""Which frames are in a file, and which of those that were sent are not.

Nothing is decoded: a frame in a file is, byte for byte, the one that was sent, and is known by its checksum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import adler32

import ffmpeg as ffmpeg_python

from services.bench.media.clip import FRAME_RATE
from services.demo.media import Clip
from services.recorder.media.ffmpeg import arguments, file_url, run
from services.recorder.media.probe import PATIENCE
from shared.runtime.errors import StartupError

#: Places in a line of ffmpeg's framecrc format.
_SIZE, _CHECKSUM = 4, 5


@dataclass(frozen=True, slots=True)
class SentFrames:
    """The frames of one participant."""

    #: When the first was due, by the machine's monotonic clock; each of the others a frame's time later.
    begin: float
    #: They grow; what is skipped was never sent.
    numbers: Sequence[int]

    def lost(self, recorded: Sequence[int], until: float) -> list[float]:
        """Return when each frame was due that is not recorded, of those from the first recorded one up to `until`.

        Of a file without any frame, all are lost.
        """
        there, first = set(recorded), recorded[0] if recorded else 0
        due = ((number, self.begin + place / FRAME_RATE) for place, number in enumerate(self.numbers))
        return [moment for number, moment in due if number >= first and number not in there and moment < until]


class FrameIndex:
    """Knows the frames of a clip by size and checksum."""

    def __init__(self, clip: Clip) -> None:
        self._laps = len(clip.video)
        # Not zlib's usual beginning of 1: ffmpeg's framecrc begins with 0.
        self._places = {(len(frame), adler32(frame, 0)): place for place, frame in enumerate(clip.video)}
        if len(self._places) < self._laps:
            raise StartupError("two frames of the clip are alike: what is recorded could not be told apart")

    async def recorded(self, ffmpeg: Path, file: Path) -> list[int]:
        """Return the numbers of the frames in a file, in its order; others, such as black, are left out."""
        # copyinkf: else ffmpeg hides what stands before the first keyframe.
        every = ffmpeg_python.input(file_url(file)).output(
            "pipe:1", map="0:v", codec="copy", format="framecrc", copyinkf=None
        )
        listing, _ = await run(arguments(ffmpeg, every, "-loglevel", "error"), PATIENCE)
        return self.numbers(listing.decode().splitlines())

    def numbers(self, listing: Iterable[str]) -> list[int]:
        """Read what framecrc lists: a number for each frame of the clip, on from its length in its second lap."""
        numbers: list[int] = []
        for place in self._known(listing):
            lap = numbers[-1] // self._laps if numbers else 0
            number = lap * self._laps + place
            numbers.append(number if not numbers or number > numbers[-1] else number + self._laps)
        return numbers

    def _known(self, listing: Iterable[str]) -> Iterable[int]:
        for line in listing:
            if line.startswith("#"):
                continue
            fields = line.split(",")
            place = self._places.get((int(fields[_SIZE]), int(fields[_CHECKSUM], 16)))
            if place is not None:
                yield place
