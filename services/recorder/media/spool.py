"""The spool of a recording: writes pages of waiting frames to disk, and reads them back when their turn comes.

Media waits there of which it is not known whether it may be recorded.
"""

from __future__ import annotations

import asyncio
from itertools import count, islice

import structlog

from services.recorder.media.frame_queue import FrameQueue
from services.recorder.media.page import Page
from services.recorder.media.spool_disk import SLOT_BYTES, SlotFile, SpoolDisk

_log = structlog.get_logger()


class Spool:
    """Takes from a queue what is to lie on disk, while that has room; what has none is dropped from the queue.

    Close it always: nothing of it is left then.
    """

    def __init__(self, disk: SpoolDisk, queue: FrameQueue) -> None:
        self._disk = disk
        self._queue = queue
        #: None: nothing is on disk.
        self._file: SlotFile | None = None
        #: Slots that the file has grown to.
        self._slots = 0
        self._writing: asyncio.Task[None] | None = None
        #: Whether the last page could not be written or read: that is told once.
        self._failed = False

    def put_away(self) -> None:
        """Begin to write what the queue wants written. It goes on by itself, a page at a time."""
        if self._writing is None and (page := self._queue.page_out()):
            self._writing = asyncio.create_task(self._write_all(page))

    async def bring_back(self, watermark_ns: int) -> bool:
        """Read the next page if the watermark has come to it; tell whether the queue may release more."""
        page = self._queue.page_in(watermark_ns)
        if page is None:
            self._close_if_empty()
            return False
        try:
            self._queue.bring_in(page, page.data or await self._read(page))
        except OSError as error:
            self._give_up(page, error)
        return True

    async def close(self) -> None:
        """End, whatever waits yet."""
        if self._writing:
            self._writing.cancel()
            await asyncio.wait({self._writing})
        self._close()

    async def _write_all(self, page: Page | None) -> None:
        try:
            while page:
                await self._write(page)
                page = self._queue.page_out()
        finally:
            self._writing = None

    async def _write(self, page: Page) -> None:
        file, data = self._file or self._disk.file(), page.data
        self._file = file
        assert data is not None
        try:
            page.slots = self._free_slots(-(-page.size // SLOT_BYTES))
            await self._disk.do(lambda: file.write(page.slots, data))
            page.data = None
            self._failed = False
        except OSError as error:
            self._give_up(page, error)

    def _give_up(self, page: Page, error: OSError) -> None:
        self._queue.give_up(page)
        if not self._failed:
            _log.warning("waiting media is dropped", error=repr(error))
        self._failed = True

    def _free_slots(self, number: int) -> tuple[int, ...]:
        """Return the first slots that nothing waits in. Raises OSError when there is no room for more."""
        taken = {slot for page in self._queue.pages if isinstance(page, Page) for slot in page.slots}
        slots = tuple(islice((slot for slot in count() if slot not in taken), number))
        more = max(slots) + 1 - self._slots
        if more > 0:
            if not self._disk.reserve(more * SLOT_BYTES):
                raise OSError("ONRECORD_SPOOL_MIB is used up")
            self._slots += more
        return slots

    async def _read(self, page: Page) -> bytes:
        file = self._file
        assert file is not None
        return await self._disk.do(lambda: file.read(page.slots, page.size))

    def _close_if_empty(self) -> None:
        if self._file and self._writing is None and not self._queue.pages:
            self._close()

    def _close(self) -> None:
        if self._file:
            self._file.close()
        self._disk.release(self._slots * SLOT_BYTES)
        self._file, self._slots = None, 0
