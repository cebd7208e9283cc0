"""One file, whatever becomes of the ffmpeg that writes it: killed, stuck, without room, or never there."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.recorder.media import frame_queue, segments
from services.recorder.media.ffmpeg_errors import FfmpegError
from services.recorder.media.flow import SenderFlow
from services.recorder.media.frame import NS_PER_MS, TimedFrame
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.media.probe import probe
from services.recorder.media.recent import RecentBlocks
from tests.support import stand_in
from tests.support.eventually import eventually
from tests.support.film import START_NS, Film, delta, keyframe, on_disk, recorded, sound
from tests.support.spooling import MAX_BYTES, spool_disk
from tests.support.webm import Packet

_SECOND_MS = 1000


def second(begin_ms: int) -> list[TimedFrame]:
    """A keyframe, what builds on it at 25 pictures a second, and sound."""
    pictures = [keyframe(begin_ms), *(delta(begin_ms + at) for at in range(40, _SECOND_MS, 40))]
    sounds = [sound(begin_ms + at) for at in range(0, _SECOND_MS, 20)]
    return sorted([*pictures, *sounds], key=lambda frame: frame.time_ns)


async def play(film: Film, begin_ms: int, end_ms: int) -> list[TimedFrame]:
    """Send seconds, and let them be written as they come; in no time."""
    sent = [frame for at in range(begin_ms, end_ms, _SECOND_MS) for frame in second(at)]
    for frame in sent:
        film.send(frame)
    for at in range(begin_ms, end_ms + 1, 100):
        await film.known_until(at)
        await asyncio.sleep(0)
    return sent


async def befall(film: Film, what: signal.Signals) -> int:
    """Send ffmpeg a signal, wait until it has that, and return which ffmpeg it was."""
    pid = film.pid
    os.kill(pid, what)
    # On a busy machine one that is to stop may read what comes meanwhile: then there is nothing that it does not take.
    await eventually(lambda: _state(pid) in "TZX")
    return pid


def _state(pid: int) -> str:
    """Tell how a process is: stopped (T), or over (Z, X); see proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "X"


async def until_another_writes(film: Film, broken: int, at_ms: int) -> None:
    """Move on, with nothing new, until another ffmpeg has taken over."""

    async def anew() -> bool:
        await film.known_until(at_ms)
        return film.segments._writer is not None and film.pid != broken

    await eventually(anew)


def broken_off(reason: str) -> float:
    return REGISTRY.get_sample_value("onrecord_ffmpeg_broken_off_total", {"reason": reason}) or 0


def assert_is_whole(packets: list[Packet], lasts_ms: int) -> None:
    """See that sound is there every 20 ms and that a picture never stands for more than a second."""
    assert [packet.time_ms for packet in packets if packet.kind == "audio"] == list(range(0, lasts_ms, 20))
    pictures = [packet for packet in packets if packet.kind == "video"]
    assert pictures[0].keyframe
    times = [packet.time_ms for packet in pictures]
    assert times == sorted(set(times))
    assert max(later - earlier for earlier, later in zip(times, [*times[1:], lasts_ms], strict=True)) <= _SECOND_MS


async def test_an_ffmpeg_that_is_killed_costs_nothing(film: Film) -> None:
    film.say(-1000, holds=True)
    before = broken_off("died")
    sent = await play(film, 0, 5000)
    await on_disk(film.path, 4500)
    broken = await befall(film, signal.SIGKILL)
    await until_another_writes(film, broken, 5000)
    sent += await play(film, 5000, 8000)
    packets = await film.end(8000)
    assert film.join
    assert len(film.join.segments) == 2
    assert_is_whole(packets, 8000)
    assert recorded(packets, *sent) == [True] * len(sent)
    assert film.pipeline.gaps(SenderFlow(START_NS), film.join).longest == ()
    assert broken_off("died") == before + 1


async def test_an_ffmpeg_that_is_stuck_is_killed_within_a_second_and_costs_nothing(film: Film) -> None:
    film.say(-1000, holds=True)
    before = broken_off("stuck")
    sent = await play(film, 0, 5000)
    await on_disk(film.path, 4500)
    broken = await befall(film, signal.SIGSTOP)
    stopped = asyncio.get_running_loop().time()
    sent += await play(film, 5000, 6000)
    await until_another_writes(film, broken, 6000)
    assert asyncio.get_running_loop().time() - stopped < 1.5, "0.7 s, and a busy machine"
    sent += await play(film, 6000, 8000)
    packets = await film.end(8000)
    assert_is_whole(packets, 8000)
    assert recorded(packets, *sent) == [True] * len(sent)
    assert broken_off("stuck") == before + 1


async def test_an_ffmpeg_that_has_nothing_to_take_is_not_stuck(film: Film) -> None:
    film.say(-1000, holds=True)
    await play(film, 0, 2000)
    await on_disk(film.path, 1500)
    await befall(film, signal.SIGSTOP)
    for _ in range(12):
        await asyncio.sleep(0.1)
        assert await film.segments.ready()
    os.kill(film.pid, signal.SIGCONT)
    await film.end(2000)
    assert film.join is None


async def test_while_one_is_stuck_the_event_loop_and_others_go_on(film: Film, ffmpeg: Path, tmp_path: Path) -> None:
    other = await Film.begin(ffmpeg, tmp_path / "other.webm")
    for each in (film, other):
        each.say(-60_000, "presence", holds=True)
        each.say(-1000, holds=True)
        await play(each, 0, 1000)
    await befall(film, signal.SIGSTOP)
    film.send(*(keyframe(at, size=(640, 480)) for at in range(1000, 5000, 10)), *big_pictures(5000))
    stuck = asyncio.create_task(film.known_until(7000))
    began = asyncio.get_running_loop().time()
    sent = await play(other, 1000, 3000)
    packets = await other.end(3000)
    assert not stuck.done()
    assert asyncio.get_running_loop().time() - began < 5
    assert recorded(packets, *sent) == [True] * len(sent)
    assert other.join is None
    await stuck


def big_pictures(at_ms: int) -> list[TimedFrame]:
    """More than a pipe holds."""
    frame = keyframe(at_ms)
    return [frame._replace(frame=frame.frame._replace(data=frame.frame.data + bytes(500_000)))]


# --- a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


@pytest.fixture
async def cramped(ffmpeg: Path, small_disk: Path, tmp_path: Path) -> AsyncIterator[Film]:
    """Its files have little room, and what waits has enough."""
    begun = await Film.begin(ffmpeg, small_disk / "film.webm", spool_disk(tmp_path))
    begun.say(-60_000, "presence", holds=True)
    begun.say(-1000, holds=True)
    yield begun
    await begun.pipeline.abort()


async def fill(disk: Path) -> Path:
    """Leave no room."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


async def test_on_a_full_disk_media_waits_and_goes_on_when_there_is_room_again(
    cramped: Film, small_disk: Path, tmp_path: Path
) -> None:
    before = broken_off("disk_full")
    sent = await play(cramped, 0, 3000)
    await on_disk(cramped.path, 2500)
    ballast = await fill(small_disk)
    sent += await play(cramped, 3000, 60_000)
    await eventually_broken(cramped, 60_000)
    assert broken_off("disk_full") > before
    ballast.unlink()
    await until_written(cramped, 60_000)
    sent += await play(cramped, 60_000, 62_000)
    packets = await cramped.end(62_000)
    assert_is_whole(packets, 62_000)
    assert recorded(packets, *sent) == [True] * len(sent)


async def test_what_waits_for_room_beyond_the_bound_is_a_gap_for_that(
    cramped: Film, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await play(cramped, 0, 3000)
    await on_disk(cramped.path, 2500)
    ballast = await fill(small_disk)
    await play(cramped, 3000, 30_000)
    await eventually_broken(cramped, 30_000)
    for name in ("_HEAD_BYTES", "_PAGE_BYTES", "_TAIL_BYTES"):
        monkeypatch.setattr(frame_queue, name, 5000)
    assert cramped.disk.reserve(MAX_BYTES), "there is no room for more"
    await play(cramped, 30_000, 60_000)
    ballast.unlink()
    await until_written(cramped, 60_000)
    packets = await cramped.end(60_000)
    assert_is_whole(packets, 60_000)
    flow = SenderFlow(START_NS)
    for at in range(0, 60_000, 20):
        flow.hear(START_NS + at * NS_PER_MS, "audio")
        flow.hear(START_NS + at * NS_PER_MS, "video")
    told = {(gap.track, gap.reason) for gap in cramped.pipeline.gaps(flow, cramped.join).longest}
    assert {("audio", "not_written"), ("video", "not_written")} <= told


async def eventually_broken(film: Film, at_ms: int) -> None:
    async def broken() -> bool:
        await film.known_until(at_ms)
        return not film.segments.can_be_written

    await eventually(broken)


async def until_written(film: Film, at_ms: int) -> None:
    async def written() -> bool:
        await film.known_until(at_ms)
        return film.segments.can_be_written

    await eventually(written)


# --- no ffmpeg at all


class Ailing:
    """An ffmpeg that does everything but write while it is told not to."""

    def __init__(self, ffmpeg: Path, folder: Path) -> None:
        self._flag = folder / "ails"
        does = f'[ -e {self._flag} ] && echo "not today" >&2 && exit 3'
        self.path = stand_in.ailing(ffmpeg, folder / "ffmpeg", "flush_packets", does)

    def ails(self, *, ails: bool = True) -> None:
        self._flag.touch() if ails else self._flag.unlink()


@pytest.fixture
def ailing(ffmpeg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ailing:
    monkeypatch.setattr(segments, "_LAST_ATTEMPTS", 2)
    return Ailing(ffmpeg, tmp_path)


async def begin(ailing: Ailing, path: Path) -> Film:
    film = await Film.begin(ailing.path, path)
    film.say(-60_000, "presence", holds=True)
    film.say(-1000, holds=True)
    return film


async def test_a_file_of_which_ffmpeg_never_wrote_anything_fails_at_its_end(ailing: Ailing, tmp_path: Path) -> None:
    ailing.ails()
    film = await begin(ailing, tmp_path / "film.webm")
    await play(film, 0, 2000)
    with pytest.raises(FfmpegError, match="not today"):
        await film.end(2000)
    assert film.segments.paths == []


async def test_one_that_dies_at_once_every_time_is_started_less_and_less_often(ailing: Ailing, tmp_path: Path) -> None:
    ailing.ails()
    began, before = asyncio.get_running_loop().time(), broken_off("died")
    film = await begin(ailing, tmp_path / "film.webm")
    sent = await play(film, 0, 2000)

    async def died_five_times() -> bool:
        await film.known_until(2000)
        return broken_off("died") - before >= 5

    await eventually(died_five_times)
    assert asyncio.get_running_loop().time() - began > 1.75, "at once, and after 0.25, 0.5, and 1 s"
    ailing.ails(ails=False)
    await until_written(film, 2000)
    packets = await film.end(2000)
    assert recorded(packets, *sent) == [True] * len(sent)


async def test_of_a_file_whose_end_cannot_be_written_what_exists_is_finished_and_lasts_as_long(
    ailing: Ailing, tmp_path: Path
) -> None:
    film = await begin(ailing, tmp_path / "film.webm")
    sent = await play(film, 0, 5000)
    await on_disk(film.path, 4500)
    ailing.ails()
    os.kill(film.pid, signal.SIGKILL)
    packets = await film.end(8000)
    assert_is_whole(packets, 8000)
    assert recorded(packets, *sent)[: len(sent) * 4 // 5] == [True] * (len(sent) * 4 // 5)
    gaps = film.pipeline.gaps(SenderFlow(START_NS), film.join).longest
    assert [(gap.track, gap.end_ms, gap.reason) for gap in gaps] == [
        ("audio", 8000, "not_written"),
        ("video", 8000, "not_written"),
    ]
    assert all(4500 <= gap.begin_ms <= 5100 for gap in gaps)


# --- what was not kept


async def test_what_no_segment_holds_is_black_and_silence_until_a_keyframe(
    film: Film,
) -> None:
    film.say(-1000, holds=True)
    await play(film, 0, 5000)
    await on_disk(film.path, 4500)
    broken = await befall(film, signal.SIGKILL)
    film.segments._recent = RecentBlocks()
    await until_another_writes(film, broken, 5000)
    unseen = [delta(5100), delta(5200)]
    film.send(*(sound(at) for at in range(5000, 5400, 20)), *unseen)
    await film.known_until(5400)
    assert film.pipeline.wants_keyframe
    shown = [keyframe(5500), delta(5540)]
    film.send(*shown)
    assert not film.pipeline.wants_keyframe
    packets = await film.end(6000)
    assert_is_whole(packets, 6000)
    assert recorded(packets, *unseen) == [False, False]
    assert recorded(packets, *shown) == [True, True]
    assert OPUS_SILENCE in {packet.data for packet in packets if 4700 <= packet.time_ms < 5000}


async def test_a_segment_that_follows_can_be_played_by_itself(film: Film, ffmpeg: Path) -> None:
    film.say(-1000, holds=True)
    await play(film, 0, 5000)
    await on_disk(film.path, 4500)
    broken = await befall(film, signal.SIGKILL)
    await until_another_writes(film, broken, 5000)
    await play(film, 5000, 8000)
    following = film.path.with_name("2-film.webm")
    await on_disk(following, 7500)
    os.kill(film.pid, signal.SIGKILL)
    found = await probe(ffmpeg, following)
    assert found.duration_ms >= 7500
    assert found.video_frames > 25
