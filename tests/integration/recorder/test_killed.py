"""A recorder and all its ffmpegs killed at one moment, as by a power cut: what is on the disk then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # comes with pytest-xdist
import pytest

from services.bench.processes import ServiceProcess
from services.demo.media import Clip, encode_clip
from services.demo.rtp_sender import RtpSender, Sent
from services.recorder.media.frame import NS_PER_SECOND
from services.recorder.media.probe import decode_errors
from services.recorder.settings import RecorderSettings
from shared.concurrency.supervision import supervised
from shared.contracts.participant_recording import ParticipantRecordingStarted
from tests.integration.recorder.house import House, open_house
from tests.support.eventually import eventually
from tests.support.webm import read_packets

#: How long what was sent may take to the disk.
_LAST_NS = 2 * NS_PER_SECOND
_SENT_SECONDS = 6


@pytest.fixture
async def house(database_url: str, amqp_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(RecorderSettings(database_url=database_url, amqp_url=amqp_url, data_dir=tmp_path)) as one:
        yield one


@pytest.mark.timeout(120)
@pytest.mark.parametrize("camera", ["camera on", "camera off"])
async def test_the_file_plays_up_to_its_last_two_seconds(house: House, ffmpeg: Path, camera: str) -> None:
    clip = await encode_clip(ffmpeg, seconds=_SENT_SECONDS + 4)
    async with house.recorder_process() as recorder:
        await house.session()
        await house.joins()
        sender = await _sender(house, clip)
        await house.starts()
        await house.until(ParticipantRecordingStarted)
        async with supervised(sender.run(None if camera == "camera on" else 0)):
            await eventually(lambda: len(sender.sent_audio) > _SENT_SECONDS * 50, within=60)
            _kill_all(recorder)
            killed_ns = time.time_ns()

    (file,) = house.settings.storage_root.rglob("*.webm")
    assert _complaints(await decode_errors(ffmpeg, file)) == []
    packets = await asyncio.to_thread(read_packets, file)
    for kind, sent in (("video", sender.sent_video), ("audio", sender.sent_audio)):
        written = [packet.data for packet in packets if packet.kind == kind]
        due = _sent_before(killed_ns - _LAST_NS, sent)
        assert len(due) > 100 or (kind == "video" and camera == "camera off")
        assert set(due) <= set(written), f"{kind} that was sent two seconds before is missing"
        assert [data for data in written if data in set(due)] == due


async def _sender(house: House, clip: Clip) -> RtpSender:
    opened = await house.opens_source()
    assert opened.video
    assert opened.audio
    video, audio = ((ports.rtp_port, ports.rtcp_port) for ports in (opened.video, opened.audio))
    return RtpSender(clip, opened.host, video, audio)


def _kill_all(recorder: ServiceProcess) -> None:
    process = psutil.Process(recorder.pid)
    ffmpegs = process.children(recursive=True)
    assert ffmpegs
    for each in (process, *ffmpegs):
        each.kill()


def _sent_before(at_ns: int, sent: list[Sent]) -> list[bytes]:
    return [each.data for each in sent if each.at_ns <= at_ns]


def _complaints(said: str) -> list[str]:
    """Return what is said against a file, but that it ends within a packet."""
    return [line for line in said.splitlines() if "File ended prematurely" not in line]
