"""The pipe into a process, which never blocks the event loop.

Written without asyncio's transports: these keep bytes in memory of which nobody knows whether they are taken.
"""

from __future__ import annotations

import asyncio
import os
from array import array
from fcntl import ioctl
from termios import FIONREAD


class Pipe:
    """A pipe of 64 KiB. Its reading end is for the process, and is to be let go when that has it."""

    def __init__(self) -> None:
        self.reading_end, self._writing_end = os.pipe()
        os.set_blocking(self._writing_end, False)
        #: How many bytes were put into it.
        self.written = 0

    @property
    def unread(self) -> int:
        """How many bytes wait in it."""
        size = array("i", [0])
        ioctl(self._writing_end, FIONREAD, size)
        return size[0]

    async def write(self, data: bytes, patience: float) -> None:
        """Put data into it; wait while it is full, at most `patience` seconds each time.

        Raises TimeoutError, and BrokenPipeError if nobody reads it any more. Then a part of the data is in it.
        """
        rest = memoryview(data)
        while rest:
            try:
                size = os.write(self._writing_end, rest)
            except BlockingIOError:
                await self._room(patience)
            else:
                self.written += size
                rest = rest[size:]

    def let_go_of_reading_end(self) -> None:
        os.close(self.reading_end)

    def close(self) -> None:
        """Let the process see the end. Closing it again does nothing."""
        if self._writing_end >= 0:
            os.close(self._writing_end)
            self._writing_end = -1

    @property
    def is_closed(self) -> bool:
        return self._writing_end < 0

    async def _room(self, patience: float) -> None:
        loop, room = asyncio.get_running_loop(), asyncio.Event()
        loop.add_writer(self._writing_end, room.set)
        try:
            async with asyncio.timeout(patience):
                await room.wait()
        finally:
            loop.remove_writer(self._writing_end)
