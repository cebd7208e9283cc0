"""Where recordings are kept: a folder that holds them."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class FolderMissingError(OSError):
    """A folder that was made for objects is not there, so nobody can tell what became of them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"the store has no folder {folder}: mount what ONRECORD_STORAGE_URL names, or, if the folder was removed "
            "with all that was in it, make it anew"
        )
        self.folder = folder


class LocalObjectStore:
    """Objects as files below a folder, which may hang where it is a network's: call it off the event loop."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def root(self) -> Path:
        """The folder, as paths begin with it."""
        return self._root.resolve()

    def path(self, key: str) -> Path:
        """Return where the object is or will be, with its folder made. Raises ValueError for a key that leads out."""
        path = self._inside(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, key: str, data: bytes) -> None:
        """Put an object in place, which appears only when it is whole. Raises OSError, and leaves nothing then."""
        path = self.path(key)
        part = path.with_name(path.name + ".part")
        try:
            part.write_bytes(data)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def rename(self, part: str, key: str) -> None:
        """Let a whole object appear under its key, in place of any other; its content is on disk before.

        Raises OSError.
        """
        path = self._inside(key)
        _sync(self._inside(part))
        self._inside(part).replace(path)
        with suppress(OSError):  # there are network volumes that cannot sync a folder
            _sync(path.parent)

    async def digest(self, key: str) -> tuple[int, str]:
        """Return the object's size in bytes and its SHA-256 in hex."""
        return await asyncio.to_thread(lambda: _digest(self._inside(key)))

    def delete(self, key: str) -> None:
        self._inside(key).unlink(missing_ok=True)

    def sweep(self, folder: str, is_meant: Callable[[str], bool]) -> None:
        """Delete the files of a folder whose names are meant. Raises FolderMissingError."""
        path = self._inside(folder)
        if not path.is_dir():
            raise FolderMissingError(path)
        for file in path.iterdir():
            if is_meant(file.name):
                file.unlink(missing_ok=True)

    def _inside(self, key: str) -> Path:
        path = (self.root / key).resolve()
        if not path.is_relative_to(self.root):
            raise ValueError(f"key {key!r} leads out of the storage root")
        return path


def _sync(path: Path) -> None:
    """Wait until what was written to a file, or named in a folder, outlasts a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return path.stat().st_size, digest.hexdigest()
