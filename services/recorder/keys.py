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
        return self.nth_segment(1)

    def nth_segment(self, number: int) -> str:
        """Return the same of each ffmpeg: from 2 on, of those that go on where others broke off."""
        return f"{self._stem}.segment-{number}.webm"

    @property
    def timeline(self) -> str:
        """What lies beside the finished file, and tells when each moment of it was."""
        return f"{self._stem}.timeline.json"

    @property
    def remains(self) -> Remains:
        """Whatever may be there of it."""
        stamp = self.start_ns // _NS_PER_MS
        return Remains(self._folder, self._name, stamp, stamp)

    @property
    def _stem(self) -> str:
        return f"{self._folder}/{self._name}{self.start_ns // _NS_PER_MS}"

    @property
    def _folder(self) -> str:
        return _below(self.prefix, f"{self.session_id}/{self.participant_id}")

    @property
    def _name(self) -> str:
        return f"participant_recording_{self.participant_id}_"


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

    def remains_until(self, end_ns: int) -> Remains:
        """Whatever may be there of this file, and of those of its recording that began up to then."""
        return Remains(self._folder, self._name, self.start_ns // _NS_PER_MS, end_ns // _NS_PER_MS)

    @property
    def _stem(self) -> str:
        return f"{self._folder}/{self._name}{self.start_ns // _NS_PER_MS}"

    @property
    def _folder(self) -> str:
        return _below(self.prefix, f"{self.session_id}/{self.participant_id}/{self.kind}")

    @property
    def _name(self) -> str:
        return f"track_recording_{self.participant_id}_{self.kind}_"


@dataclass(frozen=True, slots=True)
class Remains:
    """The files of one recording, finished or not: no other of its kind has begun between its beginning and its end."""

    folder: str
    #: How their names begin, before the stamp.
    name: str
    first_ms: int
    last_ms: int

    def include(self, name: str) -> bool:
        """Tell whether a file of that folder is among them: `….webm`, `….timeline.json`, `….webm.part`."""
        stamp, dot, _ = name.removeprefix(self.name).partition(".")
        is_named_so = name.startswith(self.name) and dot == "." and stamp.isdecimal()
        return is_named_so and self.first_ms <= int(stamp) <= self.last_ms


def _below(prefix: str, folder: str) -> str:
    return f"{prefix}/{folder}" if prefix else folder
