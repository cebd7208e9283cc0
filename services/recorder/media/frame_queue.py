"""The queue that frames wait in, in the order of their arrival, and leave in that order.

Pure: no I/O and no clock. The oldest are in memory, to be let go at once. Where so many wait that memory shall not hold
them, those after them are made into pages, which lie on disk (`spool`), and the newest are in memory until they fill
one. What has waited as long as it may is dropped, and so are a page that cannot be written or read, and what comes
faster than pages are written:

    lost: dropped | head: in memory | pages: on disk, or dropped | tail: in memory
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from services.recorder.media.frame import NS_PER_SECOND, TimedFrame
from services.recorder.media.page import Dropped, Page, dropped

#: What may wait in memory before the disk is used: eight seconds of an ordinary participant.
_HEAD_BYTES = 1024 * 1024
#: What is written to disk at a time.
_PAGE_BYTES = 256 * 1024
#: What may wait for being written: a disk that takes no more than that is too slow.
_TAIL_BYTES = 1024 * 1024
#: What a frame takes in memory beside its bytes.
_FRAME_BYTES = 512
#: Where frames wait for longer than that, the oldest may have to be dropped, and with them what the others build on: so
#: often a keyframe is wanted.
_KEYFRAME_EVERY_NS = 30 * NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much media waits: bytes, and time from the arrival of the first frame to that of the last."""

    memory_bytes: int = 0
    disk_bytes: int = 0
    memory_ns: int = 0
    disk_ns: int = 0


class FrameQueue:
    """Frames that wait, for `patience_ns` after their arrival at most."""

    def __init__(self, patience_ns: int) -> None:
        #: Frames that were dropped.
        self.dropped = 0
        #: What waits between head and tail.
        self.pages: deque[Page | Dropped] = deque()
        self._patience_ns = patience_ns
        self._lost: Dropped | None = None
        self._head: deque[TimedFrame] = deque()
        self._tail: deque[TimedFrame] = deque()
        self._head_bytes = self._tail_bytes = 0
        #: What arrived before has waited too long.
        self._expired_ns = 0
        #: Arrival of the newest keyframe, of the newest frame that has left, and of the newest dropped picture.
        self._keyframe_ns = self._passed_ns = self._torn_ns = 0

    @property
    def waiting(self) -> Waiting:
        pages = [page for page in self.pages if isinstance(page, Page)]
        disk_ns = sum(page.dropped.arrival_ns - page.arrival_ns for page in pages)
        memory_ns = self._newest_ns - self._oldest_ns - disk_ns
        return Waiting(self._head_bytes + self._tail_bytes, sum(page.size for page in pages), memory_ns, disk_ns)

    def wants_keyframe(self, *, is_black: bool) -> bool:
        """Tell whether there is nothing for the next picture to build on, neither shown nor waiting.

        Nor may it build for long on what may yet be dropped.
        """
        waits_long = self._keyframe_ns > 0 and self._newest_ns - self._oldest_ns > _KEYFRAME_EVERY_NS
        is_torn = self._torn_ns > self._passed_ns
        since_ns = max(self._passed_ns, self._torn_ns, self._newest_ns - _KEYFRAME_EVERY_NS if waits_long else 0)
        return (is_black or is_torn or waits_long) and self._keyframe_ns <= since_ns

    def put(self, frames: Iterable[TimedFrame]) -> None:
        """Let frames wait that arrived after all the others, in order."""
        for held in frames:
            frame, size = held.frame, _size(held)
            if frame.keyframe and frame.kind == "video":
                self._keyframe_ns = frame.arrival_ns
            if self.pages or self._tail or (self._head and self._head_bytes + size > _HEAD_BYTES):
                self._put_last(held, size)
            else:
                self._head.append(held)
                self._head_bytes += size
        self.expire(self._newest_ns)

    def expire(self, now_ns: int) -> None:
        """Drop what has waited too long."""
        self._expired_ns = max(self._expired_ns, now_ns - self._patience_ns)
        while True:
            if gone := list(self._let_go(self._expired_ns - 1)):
                self._lose(self._drop(gone))
            front = self.pages[0] if self.pages and not self._head else None
            if isinstance(front, Page) and front.dropped.arrival_ns < self._expired_ns:
                self.give_up(front)
            if self._head or not self._come_up():
                return

    def known(self, watermark_ns: int) -> Iterator[TimedFrame]:
        """Yield the frames that `release` would, as far as they are in memory, and keep them."""
        return takewhile(lambda held: held.frame.arrival_ns <= watermark_ns, self._head)

    def release(self, watermark_ns: int) -> Iterator[TimedFrame | Dropped]:
        """Yield the frames that arrived until then, and what was dropped in its place among them; keep neither.

        It ends before a page that is on disk: see `page_in`.
        """
        while True:
            if self._lost:
                lost, self._lost = self._lost, None
                yield lost
            yield from self._let_go(watermark_ns)
            if self._head or not self._come_up():
                return

    def page_out(self) -> Page | None:
        """Make a page of the newest frames if they fill one; it is to be written."""
        if self._tail_bytes < _PAGE_BYTES:
            return None
        frames = [self._tail.popleft()]
        size = _size(frames[0])
        while self._tail and size + _size(self._tail[0]) <= _PAGE_BYTES:
            frames.append(self._tail.popleft())
            size += _size(frames[-1])
        self._tail_bytes -= size
        self.pages.append(page := Page.of(frames))
        return page

    def page_in(self, watermark_ns: int) -> Page | None:
        """Return the page that is to be read before more can be released, if the watermark has come to one."""
        front = self.pages[0] if self.pages and not self._head else None
        return front if isinstance(front, Page) and front.arrival_ns <= watermark_ns else None

    def bring_in(self, page: Page, data: bytes) -> None:
        """Take what was read of a page that was to be read, unless it was dropped meanwhile."""
        if self.pages and self.pages[0] is page:
            self.pages.popleft()
            self._head.extend(page.frames(data))
            self._head_bytes = sum(map(_size, self._head))
            self.expire(0)

    def give_up(self, page: Page) -> None:
        """Drop a page, as it cannot be written or read, if it waits yet."""
        if page in self.pages:
            self._count(page.dropped)
            self.pages[self.pages.index(page)] = page.dropped

    @property
    def _newest_ns(self) -> int:
        newest = self._tail or self._head
        return newest[-1].frame.arrival_ns if newest else self._oldest_ns

    @property
    def _oldest_ns(self) -> int:
        return self._head[0].frame.arrival_ns if self._head else self._passed_ns

    def _put_last(self, held: TimedFrame, size: int) -> None:
        if self._tail and self._tail_bytes + size > _TAIL_BYTES:
            self.pages.append(self._drop(self._tail))
            self._tail.clear()
            self._tail_bytes = 0
        self._tail.append(held)
        self._tail_bytes += size

    def _let_go(self, until_ns: int) -> Iterator[TimedFrame]:
        """Yield the frames of the head that arrived until then, and keep them no longer."""
        while self._head and (frame := self._head[0].frame).arrival_ns <= until_ns:
            self._head_bytes -= _size(self._head[0])
            self._passed_ns = frame.arrival_ns
            yield self._head.popleft()

    def _come_up(self) -> bool:
        """Let what comes next be the first, where the head is empty; False if that is a page, or there is nothing."""
        if not self.pages:
            self._head, self._tail = self._tail, self._head
            self._head_bytes, self._tail_bytes = self._tail_bytes, 0
            return bool(self._head)
        if isinstance(self.pages[0], Page):
            return False
        self._lose(self.pages[0])
        self.pages.popleft()
        return True

    def _drop(self, frames: Iterable[TimedFrame]) -> Dropped:
        gone = dropped(list(frames))
        self._count(gone)
        return gone

    def _count(self, gone: Dropped) -> None:
        self.dropped += gone.frames
        if gone.picture_ns is not None:
            self._torn_ns = max(self._torn_ns, gone.arrival_ns)

    def _lose(self, gone: Dropped) -> None:
        """Put what was dropped before everything that waits."""
        self._lost = self._lost.and_then(gone) if self._lost else gone
        self._passed_ns = gone.arrival_ns


def _size(held: TimedFrame) -> int:
    return _FRAME_BYTES + len(held.frame.data)
