"""Three people meet on the page and are recorded; the files hold what each of them agreed to, and nothing else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from services.system import System
from shared.contracts.file_timeline import FileTimeline, TimelineTrack
from shared.contracts.participant_recording import ParticipantRecordingStopped, TrackFlowStopped
from shared.contracts.recording import RecordingStarted
from shared.contracts.room import ParticipantJoined
from shared.eventsourcing.store import EventStore
from tests.e2e.page.conftest import Link, Visit
from tests.e2e.page.visitor import LIMIT_MS, Visitor, together
from tests.e2e.rest.picture import RATE, heard, seen
from tests.support.meeting import events_of, until_happened

#: How long people do what is to be seen in the files.
_A_WHILE_SECONDS = 2
#: Around the edges of gaps, in looks: a picture may wait for a keyframe for half a second without a gap being told.
_EDGE = RATE * 4 // 5
#: The made-up sound beeps about once a second.
_BEEPS = 2 * RATE


@dataclass(frozen=True, slots=True)
class File:
    timeline: FileTimeline
    seen: Sequence[bool]
    heard: Sequence[bool]

    def track(self, name: str) -> TimelineTrack:
        return next(track for track in self.timeline.tracks if track.track == name)

    def reasons(self, name: str) -> set[str]:
        return {gap.reason for gap in self.track(name).gaps}

    def in_gaps(self, name: str, looks: Sequence[bool]) -> list[bool]:
        """Return what is there where the timeline says that nothing is."""
        spans = [(gap.begin_ms, gap.end_ms) for gap in self.track(name).gaps]
        return [there for begin, end in spans for there in _within(looks, begin, end)]

    def outside(self, name: str, looks: Sequence[bool]) -> list[list[bool]]:
        """Return what is there in each stretch that the timeline says is recorded."""
        gaps = self.track(name).gaps
        begins = [0, *(gap.end_ms for gap in gaps)]
        ends = [*(gap.begin_ms for gap in gaps), self.timeline.file.duration_ms]
        return [list(_within(looks, begin, end)) for begin, end in zip(begins, ends, strict=True)]


def _within(looks: Sequence[bool], begin_ms: int, end_ms: int) -> Sequence[bool]:
    return looks[begin_ms * RATE // 1000 + _EDGE : end_ms * RATE // 1000 - _EDGE]


@pytest.mark.timeout(400)
async def test_each_file_holds_what_its_participant_agreed_to_and_plays_to_its_end(
    running: System, visit: Visit, link: Link, ffmpeg: Path
) -> None:
    store = running.infrastructure.store
    mona, alice, bob = await visit(), await visit(), await visit()
    await mona.enter(link(moderates=True), "Mona")
    await alice.enter(await mona.invitation(), "Alice")
    await bob.enter(link(participant="bob"), "Bob", await mona.room())
    assert "token" not in bob.page.url
    await alice.press("Yes, record me")
    await mona.sees_of("Alice", "agrees to be recorded")
    await mona.picture("before")

    await mona.press("Start recording")
    await together(mona, alice, bob, text="Recording began.")
    await asyncio.sleep(_A_WHILE_SECONDS)
    await bob.press("Yes, record me")
    await mona.sees_of("Bob", "agrees to be recorded")
    await asyncio.sleep(_A_WHILE_SECONDS)
    await mona.picture("recording")
    await _mute_and_unmute(alice, store)
    await _turn_camera_off_and_on(bob, store)
    await _withdraw_and_agree_again(alice, mona)
    await _reload_and_agree_again(bob, mona)
    await mona.press("Pause")
    await together(alice, bob, text="Paused")
    await asyncio.sleep(_A_WHILE_SECONDS)
    await mona.picture("paused")
    await mona.press("Resume")
    await together(alice, bob, text="The recording goes on.")
    await asyncio.sleep(_A_WHILE_SECONDS)
    await mona.press("Stop recording")
    await together(mona, alice, bob, text="The recording was stopped.")
    await alice.sees("Your yes has ended.")
    await alice.picture("stopped")
    await mona.sees("Who was recorded when")
    await mona.picture("stopped-moderator")

    names = {e.participant_id: e.display_name for e in await events_of(store) if isinstance(e, ParticipantJoined)}
    assert sorted(names.values()) == ["Alice", "Bob", "Mona"], "whoever reloads comes back as the same"
    files = {name: await _file(running, ffmpeg, who) for who, name in names.items() if name != "Mona"}
    assert len(list(running.storage_root.rglob("*.webm"))) == len(files)
    _assert_that_file_and_timeline_agree(files["Alice"])
    _assert_that_file_and_timeline_agree(files["Bob"])
    assert {"muted", "no_consent", "paused"} <= files["Alice"].reasons("audio")
    assert {"no_consent", "paused"} <= files["Alice"].reasons("video")
    assert {"camera_off", "disconnected", "no_consent", "paused"} <= files["Bob"].reasons("video")
    assert "camera_off" not in files["Bob"].reasons("audio")
    began = (await until_happened(store, RecordingStarted)).at
    assert abs((files["Alice"].timeline.begin - began).total_seconds()) < 1
    assert all(any(file.seen[:RATE]) for file in files.values()), "the first picture comes within a second"

    await mona.press("Leave")
    await _watch_all(mona, files)
    await alice.press("Leave")
    await alice.sees("Recordings are shown to moderators alone.")
    await alice.picture("guest-afterwards")
    assert [mona.errors, alice.errors, bob.errors] == [[], [], []]


async def _mute_and_unmute(alice: Visitor, store: EventStore) -> None:
    await alice.press("Mute")
    await until_happened(store, TrackFlowStopped, lambda event: event.track == "audio")
    await alice.press("Unmute")
    await asyncio.sleep(_A_WHILE_SECONDS)


async def _turn_camera_off_and_on(bob: Visitor, store: EventStore) -> None:
    await bob.press("Turn camera off")
    await bob.sees("The camera is off")
    await bob.picture("camera-off")
    await until_happened(
        store, TrackFlowStopped, lambda event: event.track == "video" and event.participant_id == "bob"
    )
    await asyncio.sleep(_A_WHILE_SECONDS)
    await bob.press("Turn camera on")
    await asyncio.sleep(_A_WHILE_SECONDS)


async def _withdraw_and_agree_again(alice: Visitor, mona: Visitor) -> None:
    await alice.press("Stop recording me")
    await mona.is_told("Alice does not agree to be recorded.")
    await alice.sees("From that moment on nothing of you is recorded.")
    await asyncio.sleep(_A_WHILE_SECONDS)
    await alice.press("Yes, record me")
    await mona.is_told("Alice agrees to be recorded.")
    await asyncio.sleep(_A_WHILE_SECONDS)


async def _reload_and_agree_again(bob: Visitor, mona: Visitor) -> None:
    await bob.page.reload()
    await bob.is_received()
    await bob.sees("Your yes has ended.")
    await expect(bob.page.get_by_role("timer")).to_have_text(re.compile(r"\d\d:\d\d"))
    await asyncio.sleep(_A_WHILE_SECONDS)
    await bob.press("Yes, record me")
    await mona.sees_of("Bob", "agrees to be recorded")
    await asyncio.sleep(_A_WHILE_SECONDS)


async def _file(running: System, ffmpeg: Path, participant_id: str) -> File:
    stopped = await until_happened(
        running.infrastructure.store,
        ParticipantRecordingStopped,
        lambda event: event.participant_id == participant_id,
    )
    assert stopped.timeline
    timeline = FileTimeline.model_validate_json((running.storage_root / stopped.timeline.path).read_bytes())
    path = running.storage_root / stopped.file.path
    return File(timeline, await seen(ffmpeg, path), await heard(ffmpeg, path))


def _assert_that_file_and_timeline_agree(file: File) -> None:
    assert not any(file.in_gaps("video", file.seen))
    assert not any(file.in_gaps("audio", file.heard))
    assert all(all(stretch) for stretch in file.outside("video", file.seen))
    assert all(any(stretch) for stretch in file.outside("audio", file.heard) if len(stretch) >= _BEEPS)


async def _watch_all(mona: Visitor, files: dict[str, File]) -> None:
    """Play each file to its end in the page's own player."""
    await mona.sees("Who was recorded when")
    for name, file in files.items():
        await mona.press(f"Play the recording of {name}")
        player = mona.page.get_by_label(f"Recording of {name}", exact=True)
        await _plays_to_its_end(player, file.timeline.file.duration_ms / 1000)
    await mona.page.get_by_text("The same in words").click()
    cells = mona.page.get_by_role("cell")
    for said in ("microphone off", "camera off", "no consent", "not connected", "recording paused"):
        await expect(cells.filter(has_text=said).first).to_be_visible()
    await mona.sees("Mona: no file: no consent")
    async with mona.page.expect_download() as download:
        await mona.press("Download the recording of Bob")
    assert (await download.value).suggested_filename.endswith(".webm")
    await mona.picture("recordings")


async def _plays_to_its_end(player: Locator, seconds: float) -> None:
    await player.evaluate("video => { video.playbackRate = 4 }")
    await expect(player).to_have_js_property("ended", True, timeout=LIMIT_MS + 1000 * seconds)
    assert abs(await player.evaluate("video => video.currentTime") - seconds) < 0.5
    assert await player.evaluate("video => video.error") is None
