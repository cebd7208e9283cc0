"""Under which keys the files of participant recordings are stored.

Pure. The identifiers are safe as parts of paths, and so is the prefix; the stamp in a file's name is its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class RecordingKeys:
    """The keys of a recording of sound and picture, which is one file."""

    session_id: str
    participant_id: str
    start_ns: int
    #: Folders below the storage root; empty: none.
    prefix: str = ""

    @property
    def file(self) -> str:
        """The finished file.

        `[<prefix>/]<sessionId>/<participantId>/participant_recording_<participantId>_<epochMs>.webm`.
        """
        return f"{self._stem}.webm"

    @property
    def segment(self) -> str:
        """What ffmpeg writes while the recording runs."""
        return f"{self._stem}.segment-1.webm"

    @property
    def _stem(self) -> str:
        folder = _below(self.prefix, f"{self.session_id}/{self.participant_id}")
        return f"{folder}/participant_recording_{self.participant_id}_{self.start_ns // _NS_PER_MS}"


@dataclass(frozen=True, slots=True)
class TrackKeys:
    """The keys of one file of a recording of one track."""

    session_id: str
    participant_id: str
    kind: Literal["audio", "video"]
    #: Where this file begins, not the recording.
    start_ns: int
    prefix: str = ""

    @property
    def file(self) -> str:
        """The finished file.

        `[<prefix>/]<sessionId>/<participantId>/<kind>/track_recording_<participantId>_<kind>_<epochMs>.webm`.
        """
        return f"{self._stem}.webm"

    @property
    def segment(self) -> str:
        """What ffmpeg writes until this file is whole."""
        return f"{self._stem}.segment-1.webm"

    @property
    def _stem(self) -> str:
        folder = _below(self.prefix, f"{self.session_id}/{self.participant_id}/{self.kind}")
        return f"{folder}/track_recording_{self.participant_id}_{self.kind}_{self.start_ns // _NS_PER_MS}"


def _below(prefix: str, folder: str) -> str:
    return f"{prefix}/{folder}" if prefix else folder
