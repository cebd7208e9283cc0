"""The disk that media waits on: the room that there is, and files without a name.

Nobody else can open such a file, and when its process ends, however that comes, nothing is left of it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, TypeVar

SLOT_BYTES = 64 * 1024
#: A disk that hangs holds up these, and nothing else of the process.
_THREADS = 2
#: What is not read or written within so many seconds is given up.
_SECONDS = 10.0

Done = TypeVar("Done")


class SpoolDisk:
    """What all recordings of a worker share: a folder, how many bytes may lie in it, and for how long."""

    def __init__(self, folder: Path, max_bytes: int, patience_ns: int) -> None:
        self.patience_ns = patience_ns
        self._folder = folder
        self._free_bytes = max_bytes
        self._threads = ThreadPoolExecutor(_THREADS, "spool")

    def reserve(self, size: int) -> bool:
        """Take so many bytes of the room, if there are as many."""
        fits = size <= self._free_bytes
        self._free_bytes -= size if fits else 0
        return fits

    def release(self, size: int) -> None:
        """Give them back."""
        self._free_bytes += size

    def file(self) -> SlotFile:
        return SlotFile(self._folder)

    async def do(self, work: Callable[[], Done]) -> Done:
        """Do it off the event loop. Raises OSError, of which TimeoutError is one."""
        async with asyncio.timeout(_SECONDS):
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Begin nothing more; what hangs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class SlotFile:
    """A file of slots of one size, made at the first write. It may be closed while a thread uses it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._closed = False
        self._use = Lock()

    def write(self, slots: Sequence[int], data: bytes) -> None:
        """Put data into these slots. Raises OSError."""
        with self._used() as descriptor:
            for place, slot in enumerate(slots):
                part = memoryview(data)[place * SLOT_BYTES : (place + 1) * SLOT_BYTES]
                if os.pwrite(descriptor, part, slot * SLOT_BYTES) < len(part):
                    raise OSError("the disk took a part of what was written")

    def read(self, slots: Sequence[int], size: int) -> bytes:
        """Return the `size` bytes that are in these slots. Raises OSError."""
        with self._used() as descriptor:
            data = b"".join(os.pread(descriptor, SLOT_BYTES, slot * SLOT_BYTES) for slot in slots)[:size]
        if len(data) < size:
            raise OSError("the disk gave a part of what was written")
        return data

    def close(self) -> None:
        """Close it now, or as soon as nobody uses it any more."""
        self._closed = True
        if self._file and self._use.acquire(blocking=False):
            try:
                self._file.close()
            finally:
                self._use.release()

    @contextmanager
    def _used(self) -> Iterator[int]:
        """Yield the descriptor. It stays this file's meanwhile: another file could get its number."""
        try:
            with self._use:
                if self._closed:
                    raise OSError("the spool is closed")
                self._file = self._file or TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115  see `close`
                yield self._file.fileno()
        finally:
            if self._closed:
                self.close()
