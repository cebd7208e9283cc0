"""A browser publishes by WHIP, and what it sends is in the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from services.system import System
from shared.contracts.file_timeline import FileTimeline
from shared.contracts.participant_recording import ParticipantRecordingStopped
from tests.support.eventually import eventually
from tests.support.meeting import Meeting, until_happened
from tests.support.webm import read_packets

pytestmark = pytest.mark.timeout(150)

_WITHIN_SECONDS = 30


async def begin(room: Meeting, page: Page, codec: str = "VP8") -> str:
    """Let alice come in, consent and publish, and have the meeting recorded from when media can be."""
    await room.join("alice")
    await room.consent("alice", consent=True, seen_by="mona")
    await publish(room, page, codec)
    return await room.start("mona")


async def publish(room: Meeting, page: Page, codec: str = "VP8") -> None:
    url = f"{room.base_url}/v1/whip/{room.room_id}"
    await page.evaluate("about => publish(about)", {"url": url, "token": room.token("alice"), "codec": codec})
    await until(page, "state() === 'connected'")


async def until(page: Page, condition: str) -> None:
    async def holds() -> bool:
        return bool(await page.evaluate(f"(async () => {condition})()"))

    await eventually(holds, within=_WITHIN_SECONDS)


async def send_on(page: Page, frames: int = 60) -> None:
    """Wait until so many more pictures were sent."""
    before = await page.evaluate("framesSent()")
    await until(page, f"await framesSent() >= {before + frames}")


async def end(running: System, room: Meeting, recording_id: str) -> tuple[Path, FileTimeline]:
    await room.stop("mona", recording_id)
    stopped = await until_happened(running.infrastructure.store, ParticipantRecordingStopped)
    assert stopped.timeline is not None
    told = FileTimeline.model_validate_json((running.storage_root / stopped.timeline.path).read_bytes())
    return running.storage_root / stopped.file.path, told


@pytest.mark.parametrize("codec", ["VP8", "VP9", "AV1"])
async def test_its_picture_and_sound_are_recorded_without_a_gap(
    running: System, room: Meeting, browser_page: Page, codec: str
) -> None:
    recording_id = await begin(room, browser_page, codec)
    await send_on(browser_page)
    file, told = await end(running, room, recording_id)
    assert told.file.video_codec == codec.lower()
    assert told.file.decodes
    assert [track.gaps for track in told.tracks] == [(), ()]
    packets = read_packets(file)
    assert sum(packet.kind == "video" for packet in packets) >= 55
    first = next(packet for packet in packets if packet.kind == "video" and packet.keyframe and len(packet.data) > 2000)
    assert first.time_ms <= 1000


async def test_it_sends_more_as_it_is_told_when_its_packets_came(
    running: System, room: Meeting, browser_page: Page
) -> None:
    """Seen to fail without transport-wide feedback: it sent 300 kbit/s, and no more."""
    await begin(room, browser_page)
    await until(browser_page, "await targetBitrate() > 1000000")


async def test_ice_is_restarted_and_the_file_goes_on_by_the_new_way(
    running: System, room: Meeting, browser_page: Page
) -> None:
    recording_id = await begin(room, browser_page)
    await send_on(browser_page)
    before = await browser_page.evaluate("ports()")
    await browser_page.evaluate("restartIce()")
    await until(browser_page, f"(await ports())[1] !== {before[1]}")
    await send_on(browser_page)
    _, told = await end(running, room, recording_id)
    assert [track.gaps for track in told.tracks] == [(), ()]


async def test_who_publishes_anew_goes_on_in_the_same_file(running: System, room: Meeting, browser_page: Page) -> None:
    recording_id = await begin(room, browser_page)
    await send_on(browser_page)
    await browser_page.evaluate("hangUp()")
    await publish(room, browser_page)
    await send_on(browser_page)
    file, told = await end(running, room, recording_id)
    assert told.file.decodes
    pictures = [packet for packet in read_packets(file) if packet.kind == "video" and len(packet.data) > 500]
    assert len(pictures) >= 100
