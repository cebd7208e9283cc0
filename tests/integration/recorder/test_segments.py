"""One file, whatever becomes of the ffmpeg that writes it: killed, stuck, without room, or never there."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import av
from prometheus_client import REGISTRY

from services.recorder.media.flow import SenderFlow
from services.recorder.media.frame import TimedFrame
from tests.support.eventually import eventually
from tests.support.film import START_NS, Film, delta, keyframe, recorded, sound
from tests.support.webm import Packet, read_packets

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


async def on_disk(path: Path, until_ms: int) -> list[Packet]:
    """Wait until so much can be read of what is being written, and return that."""

    async def read() -> bool:
        packets.clear()
        with suppress(av.error.InvalidDataError):
            packets.extend(await asyncio.to_thread(read_packets, path))
        return bool(packets) and packets[-1].time_ms >= until_ms

    packets: list[Packet] = []
    await eventually(read)
    return packets


async def until_broken(film: Film, at_ms: int) -> None:
    """Move on, with nothing new, until it is noticed that ffmpeg is gone."""
    began = film.pid
    for _ in range(300):
        await film.known_until(at_ms)
        if film.segments._writer and film.pid != began:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody noticed")


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
    os.kill(film.pid, signal.SIGKILL)
    await until_broken(film, 5000)
    sent += await play(film, 5000, 8000)
    packets = await film.end(8000)
    assert film.join
    assert len(film.join.segments) == 2
    assert_is_whole(packets, 8000)
    assert recorded(packets, *sent) == [True] * len(sent)
    assert film.pipeline.gaps(SenderFlow(START_NS), film.join).longest == ()
    assert broken_off("died") == before + 1
