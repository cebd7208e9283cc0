"""How ffmpeg fails.

FfmpegError
├── FfmpegMissingError   there is no binary to run
├── FfmpegStalledError   it runs but does not get on
└── FfmpegFailedError    it ended, and not well
"""

from __future__ import annotations

from errno import EDQUOT, EFBIG, ENOSPC
from typing import Literal

#: What the system says when there is no room; it is what ffmpeg says then, too.
_NO_ROOM = {
    ENOSPC: "No space left on device",
    EDQUOT: "Disk quota exceeded",
    EFBIG: "File too large",
}

#: Why an ffmpeg broke off.
BreakReason = Literal["died", "stuck", "disk_full"]


class FfmpegError(Exception):
    """ffmpeg did not do what was asked."""


class FfmpegMissingError(FfmpegError):
    """There is no ffmpeg to run."""


class FfmpegStalledError(FfmpegError):
    """ffmpeg is alive and does not get on: a hanging disk, most likely."""

    def __init__(self, doing: str, seconds: float) -> None:
        self.doing = doing
        self.seconds = seconds
        super().__init__(f"ffmpeg did not get on for {seconds:g} s {doing}: see whether its disk hangs")


class FfmpegFailedError(FfmpegError):
    """ffmpeg ended, and not well; a negative code is the signal that ended it."""

    def __init__(self, returncode: int, last_words: str) -> None:
        self.returncode = returncode
        self.last_words = last_words
        said = last_words.strip() or "nothing"
        super().__init__(f"ffmpeg ended with status {returncode}; see its last words for the cause: {said}")


def break_reason(error: FfmpegError | OSError) -> BreakReason:
    """Return why an ffmpeg broke off, or could not begin."""
    match error:
        case FfmpegStalledError():
            return "stuck"
        case FfmpegFailedError(last_words=words) if any(said in words for said in _NO_ROOM.values()):
            return "disk_full"
        case OSError(errno=number) if number in _NO_ROOM:
            return "disk_full"
        case _:
            return "died"
