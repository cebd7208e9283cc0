"""What became of media is told: in metrics while it comes, in the log when it is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.recorder.wall_clock import now_ns
from shared.contracts.participant_recording import ParticipantRecordingStopped
from tests.support.eventually import eventually
from tests.support.rtp_peer import rtp_peer
from tests.support.studio import Studio, now, studio


@pytest.fixture
async def room(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path, ffmpeg) as one:
        one.arrives("ann")
        yield one


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"onrecord_{name}_total", labels) or 0


async def test_packets_are_counted_while_they_come_and_told_of_when_their_source_is_closed(room: Studio) -> None:
    received, lost = (
        metric("media_packets", track="audio", fate="received"),
        metric("media_packets", track="audio", fate="lost"),
    )
    opened = await room.opens_source("ann")
    await room.records("ann")
    with rtp_peer(opened.audio) as audio:
        audio.sound()
        audio.lose()
        await audio.sounds(3)
        await eventually(lambda: metric("media_packets", track="audio", fate="received") == received + 4)
        await eventually(lambda: metric("media_packets", track="audio", fate="lost") == lost + 1)
    with capture_logs() as logs:
        room.leaves("ann")
    (told,) = [entry for entry in logs if entry["event"] == "media received"]
    assert (told["session"], told["participant"], told["kind"]) == ("s", "ann", "audio")
    assert (told["packets"]["received"], told["packets"]["lost"], told["frames"]["frames"]) == (4, 1, 4)


async def test_media_that_waits_is_told_until_it_waits_no_more(ffmpeg: Path, tmp_path: Path) -> None:
    def waiting(what: str) -> float:
        labels = {"kind": "audio_video", "where": "memory"}
        return REGISTRY.get_sample_value(f"onrecord_media_waiting_{what}", labels) or 0

    async with studio(tmp_path, ffmpeg, watermark=False) as room:
        room.arrives("ann")
        opened = await room.opens_source("ann")
        await room.records("ann")
        with rtp_peer(opened.audio) as audio:
            await audio.sounds(30)
        await eventually(lambda: waiting("bytes") > 10_000)
        assert waiting("seconds") > 0
        room.worker.watermark.raise_to(now_ns() + 10**10)
        await eventually(lambda: waiting("bytes") == 0)
        assert waiting("seconds") == pytest.approx(0)
        room.waits_for_no_watermark()
        await room.stops("ann")


async def test_frames_that_are_left_out_are_counted_and_told_of_when_the_recording_is_over(room: Studio) -> None:
    refused = metric("frames_left_out", kind="audio_video", why="refused")
    opened = await room.opens_source("ann")
    await room.records("ann")
    room.withdraws("ann", now())
    with rtp_peer(opened.audio) as audio:
        await audio.sounds(3)
    sent_ns = now_ns()
    await eventually(lambda: room.worker.watermark.value_ns > sent_ns)
    await eventually(lambda: metric("frames_left_out", kind="audio_video", why="refused") == refused + 3)
    with capture_logs() as logs:
        await room.stops("ann")
        await room.until("ann", ParticipantRecordingStopped)
    (told,) = [entry for entry in logs if entry["event"] == "media is over"]
    assert (told["id"], told["kind"]) == ("ann-1", "audio_video")
    assert told["left_out"] == {"refused": 3, "overflowed": 0, "late": 0, "baseless": 0, "other_codec": 0}
