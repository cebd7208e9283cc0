"""Why a recording is not aligned. In each case nothing is left in the folder that was to take it.

AlignError
├── NothingToAlignError    none of its files is in place
├── LibraryMissingError    Python has no OpenTimelineIO here
├── NameTakenError         a file of that name is there
├── FolderError            the folder cannot be written
├── SourceMissingError     the store does not give a file that the log tells of
├── SourceChangedError     the store has another one
└── UnexpectedCopyError    a copy is not what it was to be
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from shared.runtime.errors import StartupError


class AlignError(StartupError):
    """A recording cannot be aligned."""


class NothingToAlignError(AlignError):
    """None of its files is in place."""

    def __init__(self, recording_id: str, reasons: Iterable[str]) -> None:
        why = "; ".join(reasons) or "nobody was recorded"
        super().__init__(f"recording {recording_id} has no file to align: {why}")
        self.recording_id = recording_id


class LibraryMissingError(AlignError):
    """Python has no OpenTimelineIO here."""

    def __init__(self) -> None:
        super().__init__(
            "OpenTimelineIO is not installed, which writes the project: there are packages of it for Python 3.11 to "
            "3.13; for a newer one, pip builds it by CMake and a C++ compiler (`pip install opentimelineio`)"
        )


class NameTakenError(AlignError):
    """A file of that name is there."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is there, and is not written over: name another folder with --out, or move it away")
        self.path = path


class FolderError(AlignError):
    """The folder cannot be written."""

    def __init__(self, folder: Path, reason: str | None) -> None:
        super().__init__(f"--out names {folder}, which cannot be written: {reason}")
        self.folder = folder


class SourceMissingError(AlignError):
    """The store does not give a file that the log tells of."""

    def __init__(self, key: str, root: Path, reason: str | None) -> None:
        super().__init__(
            f"{key}, of which the log tells, cannot be read in {root}: {reason}; see whether ONRECORD_STORAGE_URL "
            "names the store that it was recorded into"
        )
        self.key = key


class SourceChangedError(AlignError):
    """The store has another file than the log tells of."""

    def __init__(self, key: str, found: str, logged: str) -> None:
        super().__init__(
            f"{key} is not the file that was recorded: its SHA-256 is {found}, and the log has {logged}; "
            "take it from a backup"
        )
        self.key = key
        self.found = found
        self.logged = logged


class UnexpectedCopyError(AlignError):
    """A copy is not what it was to be."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"the copy {name} {reason}; it is not kept")
        self.name = name
