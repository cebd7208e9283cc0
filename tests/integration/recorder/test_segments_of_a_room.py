"""Two participants are recorded, and something befalls the ffmpeg of one of them: real RTP, in real time."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.demo.media import Clip, encode_clip
from services.recorder.media.probe import decode_errors
from shared.contracts.participant_recording import ParticipantRecordingStopped
from tests.support.broadcast import broadcast
from tests.support.eventually import eventually
from tests.support.studio import Studio, studio
from tests.support.webm import Packet, read_packets

#: Sounds and pictures of some seconds.
_SOUNDS, _PICTURES = 200, 120


@pytest.fixture(scope="module")
def clip(ffmpeg: Path) -> Clip:
    return asyncio.run(encode_clip(ffmpeg, seconds=1))


@pytest.fixture
async def room(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path, ffmpeg) as one:
        one.arrives("ann")
        one.arrives("bob")
        yield one


@pytest.mark.parametrize("befalls", [signal.SIGKILL, signal.SIGSTOP])
async def test_what_befalls_one_ffmpeg_costs_no_second_of_its_file_and_nothing_of_another(
    room: Studio, clip: Clip, ffmpeg: Path, befalls: signal.Signals
) -> None:
    sources = [await room.opens_source(who) for who in ("ann", "bob")]
    with capture_logs() as logs:
        for who in ("ann", "bob"):
            await room.records(who)
        with broadcast(clip, sources[0]) as ann, broadcast(clip, sources[1]) as bob:
            talk = asyncio.gather(
                *(sender.speak(_SOUNDS) for sender in (ann, bob)), ann.show(_PICTURES), bob.show(_PICTURES)
            )
            await eventually(lambda: _size_of(room, "ann") > 50_000)
            os.kill(_pid(logs, "ann"), befalls)
            await talk
        for who in ("ann", "bob"):
            await room.stops(who)
        stopped = {who: await room.until(who, ParticipantRecordingStopped) for who in ("ann", "bob")}
    assert [entry["reason"] for entry in logs if entry["event"] == "a segment broke off"] == [
        "died" if befalls == signal.SIGKILL else "stuck"
    ]
    packets = {who: await asyncio.to_thread(read_packets, room.root / each.file.path) for who, each in stopped.items()}
    for who, each in stopped.items():
        assert _complaints(await decode_errors(ffmpeg, room.root / each.file.path)) == []
        _assert_continuous(packets[who])
        assert abs(each.file.duration_ms - packets[who][-1].time_ms) <= 100
        assert each.gaps
        assert [gap for gap in each.gaps.longest if gap.reason == "not_written"] == [], "what was lost was kept"
        assert _of(packets[who], clip.video) == [clip.video[at % len(clip.video)] for at in range(_PICTURES)]
        assert len(_of(packets[who], clip.audio)) > _SOUNDS // 2, "a busy machine sends some too late"
    assert [kind for kind in room.files() if "segment" in kind] == []


def _complaints(said: str) -> list[str]:
    """Return what is said against a file, but for pictures that a busy machine sent at one moment."""
    busy = ("non monotonically increasing dts to muxer", "Last message repeated")
    return [line for line in said.splitlines() if not any(known in line for known in busy)]


def _of(packets: Sequence[Packet], sent: Sequence[bytes]) -> list[bytes]:
    """Return what of these was sent, in the order of the file."""
    known = set(sent)
    return [packet.data for packet in packets if packet.data in known]


def _assert_continuous(packets: Sequence[Packet]) -> None:
    sounds = [packet.time_ms for packet in packets if packet.kind == "audio"]
    # Silence comes in whole packets: where the first sound comes sooner than one lasts, or a sender is late on a busy
    # machine, none fits.
    assert sounds[0] < 20
    assert all(later - earlier < 40 for earlier, later in pairwise(sounds))
    pictures = [packet for packet in packets if packet.kind == "video"]
    assert pictures[0].keyframe
    assert all(later.time_ms - earlier.time_ms <= 1000 for earlier, later in pairwise(pictures))


def _size_of(room: Studio, who: str) -> int:
    return sum(path.stat().st_size for path in room.root.rglob(f"{who}/*segment-1.webm"))


def _pid(logs: Sequence[MutableMapping[str, Any]], who: str) -> int:
    """Return that of the ffmpeg which was started for somebody."""
    started: list[Mapping[str, Any]] = [entry for entry in logs if entry["event"] == "ffmpeg started"]
    return next(int(entry["pid"]) for entry in started if f"/{who}/" in entry["path"])
