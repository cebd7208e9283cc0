"""Media waits on disk while the watermark stands, and is in the file when that goes on; or it becomes a gap."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import stat
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.recorder.media.flow import SenderFlow
from services.recorder.media.frame import NS_PER_MS, TimedFrame
from services.recorder.media.frame_queue import FrameQueue, Waiting
from services.recorder.media.page import Dropped
from services.recorder.media.spool import Spool
from services.recorder.media.spool_disk import SlotFile
from tests.support.eventually import eventually
from tests.support.film import START_NS, Film, delta, keyframe, recorded, sound
from tests.support.spooling import open_spools, spool_disk

#: The watermark stands for so long, as a participant of 1 Mbit/s goes on.
_STANDS_MS = 290_000
_PATIENCE_MS = 300_000
_PICTURE_BYTES = 5000


def talk(begin_ms: int, end_ms: int) -> Iterator[TimedFrame]:
    """Yield sounds and 25 pictures a second, in the order of their arrival, with a keyframe every two seconds."""
    for at in range(begin_ms, end_ms, 20):
        yield sound(at)
        if at % 40 == 0:
            yield _large(keyframe(at) if at % 2000 == 0 else delta(at))


async def send(film: Film, *frames: TimedFrame) -> None:
    """Send, and let the disk keep up as it does in real time."""
    for at in range(0, len(frames), 50):
        film.send(*frames[at : at + 50])
        await until_written(film.pipeline._spool)


def left_out(film: Film) -> int:
    """Return how many frames were dropped, and with them how many pictures that build on these."""
    return film.pipeline.counters.overflowed + film.pipeline.counters.baseless


def heard(frames: list[TimedFrame]) -> SenderFlow:
    """Return the flow of a sender whose packets all came."""
    flow = SenderFlow(START_NS)
    for each in frames:
        flow.hear(each.frame.arrival_ns, each.frame.kind)
    return flow


async def until_written(spool: Spool) -> None:
    while spool._writing:
        await asyncio.wait({spool._writing})


def _large(frame: TimedFrame) -> TimedFrame:
    data = frame.frame.data
    return frame._replace(frame=frame.frame._replace(data=data + bytes(_PICTURE_BYTES - len(data))))


def ns(at_ms: int) -> int:
    return START_NS + at_ms * NS_PER_MS


# --- the watermark stands


@pytest.mark.timeout(180)
async def test_a_watermark_that_stands_for_minutes_costs_nothing_but_time(film: Film) -> None:
    film.say(-1000, holds=True)
    sent = list(talk(0, _STANDS_MS))
    await send(film, *sent)
    waiting = film.pipeline.waiting
    assert waiting.disk_bytes > 30_000_000
    assert waiting.memory_bytes < 2_000_000
    assert abs(waiting.disk_ns + waiting.memory_ns - _STANDS_MS * NS_PER_MS) < 3000 * NS_PER_MS
    assert open_spools(film.path.parent), "it has a file"
    packets = await film.end(_STANDS_MS)
    assert recorded(packets, *sent) == [True] * len(sent)
    assert len(packets) == len(sent)
    assert film.pipeline.waiting == Waiting()
    assert open_spools(film.path.parent) == [], "it has none any more"
    assert [gap.reason for gap in film.pipeline.gaps(SenderFlow(START_NS)).longest] == []


async def test_what_was_not_permitted_while_it_stood_is_refused_when_it_goes_on(film: Film) -> None:
    film.say(-1000, holds=True)
    sent = list(talk(0, 60_000))
    await send(film, *sent)
    film.say(30_000, holds=False)
    packets = await film.end(60_000)
    assert recorded(packets, *sent) == [frame.frame.arrival_ns < ns(30_000) for frame in sent]


async def test_media_goes_on_to_come_while_what_waited_is_read_back(film: Film) -> None:
    film.say(-1000, holds=True)
    sent = list(talk(0, 60_000))
    await send(film, *sent[:2000])
    reading = asyncio.create_task(film.known_until(60_000))
    for at in range(2000, len(sent), 50):
        film.send(*sent[at : at + 50])
        await until_written(film.pipeline._spool)
    await reading
    packets = await film.end(60_000)
    assert [packet.data for packet in packets if packet.kind == "audio"] == [
        frame.frame.data for frame in sent if frame.frame.kind == "audio"
    ]
    assert recorded(packets, *sent) == [True] * len(sent)


@pytest.mark.timeout(180)
async def test_beyond_the_bound_there_is_a_gap_exactly_there(film: Film) -> None:
    """The oldest 100 of 400 seconds are not known in time."""
    film.say(-1000, holds=True)
    sent, end_ms = list(talk(0, _PATIENCE_MS + 100_000)), _PATIENCE_MS + 100_000
    await send(film, *sent)
    film.pipeline.expire(ns(end_ms))
    packets = await film.end(end_ms)
    assert recorded(packets, *sent) == [frame.frame.arrival_ns >= ns(100_000) for frame in sent]
    found = film.pipeline.gaps(SenderFlow(START_NS)).longest
    assert [(gap.track, gap.begin_ms, gap.end_ms, gap.reason) for gap in found] == [
        ("audio", 0, 100_000, "not_known"),
        ("video", 0, 100_000, "not_known"),
    ]


# --- the disk


@pytest.fixture
async def narrow(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Film]:
    """A file on a disk with room for two megabytes of media that waits."""
    begun = await Film.begin(ffmpeg, tmp_path / "film.webm", spool_disk(tmp_path, max_bytes=2 * 1024 * 1024))
    begun.say(-60_000, "presence", holds=True)
    begun.say(-1000, holds=True)
    yield begun
    await begun.pipeline.abort()


async def test_what_a_full_disk_has_no_room_for_is_a_gap_and_the_recording_goes_on(narrow: Film) -> None:
    sent = list(talk(0, 60_000))
    await send(narrow, *sent)
    assert sum(open_spools(narrow.path.parent)) <= 2 * 1024 * 1024
    overflowed = narrow.pipeline.counters.overflowed
    await narrow.known_until(60_000)
    after = list(talk(60_000, 70_000))
    await send(narrow, *after)
    packets = await narrow.end(70_000)
    kept = recorded(packets, *sent)
    first = kept.index(False)
    until = kept.index(True, first)
    assert until - first == overflowed, "it is one gap"
    assert kept.count(False) == left_out(narrow)
    assert recorded(packets, *after) == [True] * len(after)
    found = narrow.pipeline.gaps(heard(sent + after)).longest
    assert [(gap.track, gap.reason) for gap in found if gap.reason != "lost"] == [
        ("audio", "not_known"),
        ("video", "not_known"),
    ], "beside that, pictures wait for a keyframe"
    for gap in found[:2]:
        assert abs(gap.begin_ms - (sent[first].time_ns - START_NS) // NS_PER_MS) <= 40
        assert abs(gap.end_ms - (sent[until].time_ns - START_NS) // NS_PER_MS) <= 500


async def test_a_disk_that_cannot_be_written_costs_what_memory_does_not_hold(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    film.say(-1000, holds=True)
    sent = list(talk(0, 60_000))
    await send(film, *sent)
    packets = await film.end(60_000)
    kept = recorded(packets, *sent)
    assert kept.count(False) == left_out(film) > 1000
    assert all(kept[:400]), "of the oldest nothing was dropped"
    assert any(kept[-20:]), "the newest were in memory"


async def test_a_disk_that_cannot_be_read_costs_what_lies_there(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    film.say(-1000, holds=True)
    sent = list(talk(0, 60_000))
    await send(film, *sent)
    monkeypatch.setattr(os, "pread", broken)
    packets = await film.end(60_000)
    assert recorded(packets, *sent).count(False) == left_out(film) > 1000


async def test_a_disk_that_hangs_holds_up_neither_the_event_loop_nor_memory(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda *args: os.read(reading, 1) and real(*args))
    film.say(-1000, holds=True)
    sent = list(talk(0, 60_000))
    for at in range(0, len(sent), 50):
        film.send(*sent[at : at + 50])
        await film.known_until(0)
    assert film.pipeline.waiting.memory_bytes < 3_000_000
    os.write(writing, bytes(1000))
    packets = await film.end(60_000)
    assert recorded(packets, *sent).count(False) == left_out(film)
    os.close(reading)
    os.close(writing)


async def test_room_is_used_again_and_given_back(tmp_path: Path) -> None:
    disk = spool_disk(tmp_path, max_bytes=3 * 1024 * 1024)
    queue = FrameQueue(_PATIENCE_MS * NS_PER_MS)
    spool = Spool(disk, queue)
    for begin in range(0, 200_000, 1000):
        queue.put(talk(begin, begin + 1000))
        spool.put_away()
        await until_written(spool)
        await _release(queue, spool, begin - 15_000)
    assert queue.dropped == 0
    await _release(queue, spool, 200_000)
    assert open_spools(tmp_path) == []
    assert disk.reserve(3 * 1024 * 1024), "all of it is free"
    await spool.close()


async def _release(queue: FrameQueue, spool: Spool, until_ms: int) -> list[TimedFrame | Dropped]:
    released = list(queue.release(ns(until_ms)))
    while await spool.bring_back(ns(until_ms)):
        released += queue.release(ns(until_ms))
    return released


# --- nothing is left


async def test_nobody_else_can_open_what_waits_and_nothing_is_left_when_the_recording_is_given_up(film: Film) -> None:
    film.say(-1000, holds=True)
    await send(film, *talk(0, 60_000))
    assert len(open_spools(film.path.parent)) == 1
    assert [path.name for path in film.path.parent.iterdir()] == ["1-film.webm"]
    await film.pipeline.abort()
    assert open_spools(film.path.parent) == []


def test_where_a_file_has_to_have_a_name_first_it_is_its_owners_alone(tmp_path: Path) -> None:
    file = SlotFile(tmp_path)
    file.write([0], b"media")
    assert file._file
    assert stat.S_IMODE(os.fstat(file._file.fileno()).st_mode) == 0o600
    file.close()


def test_a_file_that_is_closed_while_a_thread_uses_it_is_closed_after_that(tmp_path: Path) -> None:
    """Else its descriptor could be another file's by the time at which it is written."""
    file = SlotFile(tmp_path)
    with file._used():
        file.close()
        assert open_spools(tmp_path)
    assert open_spools(tmp_path) == []
    with pytest.raises(OSError, match="closed"):
        file.write([0], b"media")


_SPOOLS_UNTIL_KILLED = """
import sys, time
from pathlib import Path
from services.recorder.media.spool_disk import SlotFile
file = SlotFile(Path(sys.argv[1]))
file.write(range(100), b"media of somebody who may not have consented" * 100_000)
print("written", flush=True)
time.sleep(600)
"""


async def test_nothing_is_left_of_a_process_that_is_killed(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SPOOLS_UNTIL_KILLED, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    assert await process.stdout.readline() == b"written\n"
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert os.listdir(tmp_path) == []  # noqa: PTH208


# --- memory


@pytest.mark.timeout(180)
async def test_forty_participants_of_whom_nothing_is_known_for_a_minute_take_little_memory(tmp_path: Path) -> None:
    """They would take 300 MB: so much lies on disk."""
    disk = spool_disk(tmp_path)
    queues = [FrameQueue(_PATIENCE_MS * NS_PER_MS) for _ in range(40)]
    spools = [Spool(disk, queue) for queue in queues]
    tracemalloc.start()
    try:
        for begin in range(0, 60_000, 2000):
            for queue, spool in zip(queues, spools, strict=True):
                queue.put(talk(begin, begin + 2000))
                spool.put_away()
            for spool in spools:
                await until_written(spool)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    on_disk = sum(queue.waiting.disk_bytes for queue in queues)
    assert on_disk > 200_000_000
    assert held < 60_000_000
    assert sum(queue.dropped for queue in queues) == 0
    for spool in spools:
        await spool.close()
    await eventually(lambda: not open_spools(tmp_path))
