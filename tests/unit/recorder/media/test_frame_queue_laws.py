"""However frames come, are written, read and released: each leaves once, in order, or is told to be dropped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media import frame_queue
from services.recorder.media.frame import NS_PER_MS, TimedFrame
from services.recorder.media.frame_queue import FrameQueue
from services.recorder.media.page import Dropped, Page
from tests.support.film import START_NS, delta, keyframe, sound

_PATIENCE_MS = 1000
_HEAD, _PAGE, _TAIL = 4000, 2000, 5000
#: More than any frame here takes.
_FRAME = 600

#: What happens next: ms that pass before some frames come, frames, a write that is begun, one that ends well or not, a
#: watermark so many ms ago, which reads what it has to, a time at which what is old is dropped.
_Step = tuple[str, int]
_KEEPS_UP: list[_Step] = [("write", 0), ("written", 0)] * 3
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(0, 400)),
        st.tuples(st.just("put"), st.integers(1, 12)),
        st.tuples(st.just("write"), st.just(0)),
        st.tuples(st.sampled_from(["written", "not written", "unreadable"]), st.just(0)),
        st.tuples(st.just("release"), st.integers(0, 1500)),
        st.tuples(st.just("expire"), st.just(0)),
    ),
    max_size=60,
)


@contextmanager
def little_memory() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame_queue, "_HEAD_BYTES", _HEAD)
        patch.setattr(frame_queue, "_PAGE_BYTES", _PAGE)
        patch.setattr(frame_queue, "_TAIL_BYTES", _TAIL)
        yield


@dataclass
class Waiting:
    """A queue with a disk that is slow, and what came out of it."""

    queue: FrameQueue = field(default_factory=lambda: FrameQueue(_PATIENCE_MS * NS_PER_MS))
    now: int = 0
    put: list[TimedFrame] = field(default_factory=list)
    left: list[TimedFrame | Dropped] = field(default_factory=list)
    writing: list[Page] = field(default_factory=list)
    disk: dict[int, bytes] = field(default_factory=dict)

    def do(self, what: str, number: int) -> None:
        match what:
            case "pass":
                self.now += number
            case "put":
                self._put(number)
            case "write":
                self.writing += [page] if (page := self.queue.page_out()) else []
            case "written" if self.writing:
                self._written(self.writing.pop(0))
            case "not written" if self.writing:
                self.queue.give_up(self.writing.pop(0))
            case "unreadable" if page := self.queue.page_in(_ns(self.now)):
                self.queue.give_up(page)
            case "release":
                self.release(self.now - number)
            case "expire":
                self.queue.expire(_ns(self.now))

    def release(self, watermark: int) -> None:
        self._leave(watermark)
        while page := self.queue.page_in(_ns(watermark)):
            self.queue.bring_in(page, page.data or self.disk[id(page)])
            self._leave(watermark)

    def _leave(self, watermark: int) -> None:
        for each in self.queue.release(_ns(watermark)):
            if not isinstance(each, Dropped):
                assert each.frame.arrival_ns <= _ns(watermark)
            self.left.append(each)

    def _put(self, number: int) -> None:
        kinds = (sound, delta, keyframe)
        frames = [kinds[(self.now + place) % 3](self.now + place) for place in range(number)]
        self.now += number
        self.put += frames
        self.queue.put(frames)

    def _written(self, page: Page) -> None:
        assert page.data
        self.disk[id(page)], page.data = page.data, None


@given(_steps)
def test_each_frame_leaves_once_and_in_order_or_is_told_to_be_dropped_in_its_place(steps: list[_Step]) -> None:
    with little_memory():
        waiting = Waiting()
        for step in steps:
            waiting.do(*step)
        waiting.release(waiting.now)
    at = 0
    for each in waiting.left:
        if isinstance(each, Dropped):
            gone = waiting.put[at : at + each.frames]
            assert (each.begin_ns, each.end_ns) == (gone[0].time_ns, gone[-1].time_ns)
            at += each.frames
        else:
            assert each == waiting.put[at]
            at += 1
    assert at == len(waiting.put)
    assert waiting.queue.dropped == sum(each.frames for each in waiting.left if isinstance(each, Dropped))


@given(_steps)
def test_memory_is_bounded_whatever_the_disk_does(steps: list[_Step]) -> None:
    with little_memory():
        waiting = Waiting()
        for step in steps:
            waiting.do(*step)
            assert waiting.queue.waiting.memory_bytes <= _HEAD + _PAGE + _TAIL + 2 * _FRAME


@given(_steps)
def test_nothing_that_has_waited_too_long_leaves_but_as_dropped(steps: list[_Step]) -> None:
    with little_memory():
        waiting = Waiting()
        for step in steps:
            waiting.queue.expire(_ns(waiting.now))
            left = len(waiting.left)
            waiting.do(*step)
            for each in waiting.left[left:]:
                assert isinstance(each, Dropped) or each.frame.arrival_ns >= _ns(waiting.now - _PATIENCE_MS)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 5), st.integers(0, 900)), max_size=60))
def test_nothing_is_dropped_by_a_disk_that_keeps_up(steps: list[tuple[int, int, int]]) -> None:
    with little_memory():
        waiting = Waiting()
        for passes, number, behind in steps:
            for step in (("pass", passes), ("put", number), *_KEEPS_UP, ("release", behind)):
                waiting.do(*step)
        waiting.release(waiting.now)
    if waiting.now < _PATIENCE_MS:
        assert waiting.left == waiting.put


def _ns(at_ms: int) -> int:
    return START_NS + at_ms * NS_PER_MS
