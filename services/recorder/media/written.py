"""What was written into a file, counted as ffmpeg is given it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from services.recorder.media.frame import Block, Kind
from services.recorder.media.muxer import PICTURE_NS
from services.recorder.media.payloads.opus import lasts_ns


class Written:
    """The blocks of one file, by kind: the finished file is held against them."""

    def __init__(self) -> None:
        self._counts: dict[Kind, int] = {"video": 0, "audio": 0}
        self._last: dict[Kind, Block] = {}

    @property
    def video_frames(self) -> int:
        return self._counts["video"]

    @property
    def audio_packets(self) -> int:
        return self._counts["audio"]

    @property
    def end_ns(self) -> int:
        """When the last of them ends, in the time of the file; 0 if there is none."""
        return max((block.time_ns + _duration_ns(block) for block in self._last.values()), default=0)

    def add(self, blocks: Iterable[Block]) -> None:
        """Take note of blocks; those of a kind come in the order of their times."""
        for block in blocks:
            self._counts[block.kind] += 1
            self._last[block.kind] = block


def _duration_ns(block: Block) -> int:
    return PICTURE_NS if block.kind == "video" else lasts_ns(block.data)
