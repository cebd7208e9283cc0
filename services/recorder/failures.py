"""What is said of failures: a sentence to everybody, and the details to the log alone.

Pure. What ffmpeg and the system say is for whoever runs this: no server is shown it, and it names no path of the
machine.
"""

from __future__ import annotations

import re
from errno import EDQUOT, ENOSPC
from pathlib import Path

from services.recorder.media.ffmpeg_errors import FfmpegError

#: The folders of an absolute path, with ffmpeg's `file:` before it; what it names at last is kept.
_FOLDERS = re.compile(r"(?<![\w.\-/])(?:file:)?/(?:[^\s/'\":]+/)*")


def reason_of(error: Exception) -> str:
    """Return why something was not recorded, in words that anybody may read."""
    match error:
        case OSError(errno=number) if number in {ENOSPC, EDQUOT}:
            return "the recorder's disk is full"
        case OSError():
            return "the recorder could not write the file"
        case FfmpegError():
            return "the recorder's ffmpeg failed"
        case _:
            return "the recorder failed"


def details_of(error: Exception, root: Path) -> str:
    """Return what is known of an error, with object keys for paths below the storage root and names for others."""
    said = f"{type(error).__name__}: {error}".replace(f"{root}/", "")
    return _FOLDERS.sub("", said)
