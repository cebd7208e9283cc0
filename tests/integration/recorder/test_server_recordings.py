"""Recordings that a server asks for: alone, beside a room recording, paused, stopped, and erased."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.eraser import Eraser
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.merging.streams import MergeStreams
from services.recorder.moments import moment
from services.recorder.process_managers.erasures import ERASURES
from services.recorder.wall_clock import now_ns
from shared.concurrency.clock import utc_now
from shared.contracts.participant_recording import (
    ParticipantRecordingErased,
    ParticipantRecordingFailed,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    RecordingKind,
    TrackRecordingStopped,
)
from shared.contracts.room import SessionEnded
from shared.eventsourcing.process_manager import ProcessManager
from tests.integration.recorder.asking import Asked, stored
from tests.integration.recorder.talking import among, finished, talking
from tests.support.events import as_stored
from tests.support.stand_in import ailing
from tests.support.studio import Studio, studio

KINDS: tuple[RecordingKind, ...] = ("audio_video", "audio")


@pytest.fixture
async def room(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Studio]:
    """A room that keeps consent."""
    async with studio(tmp_path, ffmpeg) as one:
        one.begins("keep")
        one.arrives("ann")
        yield one


def knows_until_now(room: Studio) -> datetime:
    """Let the watermark come up to now, and return that moment."""
    room.worker.watermark.raise_to(now_ns() - 1000)
    return moment(now_ns())


# --- alone


async def test_it_needs_no_room_recording_and_lies_below_its_prefix(room: Studio) -> None:
    opened, asked = await room.opens_source("ann"), Asked(room)
    await asked.starts("team/meetings")
    with talking(opened) as ann:
        sounds, pictures = await ann.both()
    end = await asked.stops()
    packets = await asked.finished()
    begun, stopped = await asked.until(ParticipantRecordingStarted), await asked.until(ParticipantRecordingStopped)
    assert all(among(packets, sounds + pictures))
    assert stopped.at == end
    stamp = int(begun.at.timestamp() * 1000)
    stem = f"team/meetings/s/ann/participant_recording_ann_{stamp}"
    assert sorted(stored(room.root)) == [f"{stem}.timeline.json", f"{stem}.webm"]
    assert stopped.file.path in stored(room.root)


async def test_a_pause_is_black_and_silence_and_the_same_file_goes_on_after_it(room: Studio) -> None:
    opened, asked = await room.opens_source("ann"), Asked(room)
    await asked.starts()
    with talking(opened) as ann:
        before = await ann.both()
        await asked.pauses()
        meanwhile = await ann.both()
        await asked.resumes()
        after = await ann.both()
    await asked.stops()
    packets = await asked.finished()
    assert [all(among(packets, sent)) for sent in (*before, *after)] == [True] * 4
    assert [any(among(packets, sent)) for sent in meanwhile] == [False] * 2
    assert sum(packet.data == OPUS_SILENCE for packet in packets) >= 5
    assert room.files() == ["ann/timeline.json", "ann/webm"]


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_that_came_after_a_pause_is_in_the_file_however_late_it_is_heard_of(
    kind: RecordingKind, ffmpeg: Path, tmp_path: Path
) -> None:
    """The gateway holds its horizon while the pause is on its way, so the watermark stays before it."""
    async with studio(tmp_path, ffmpeg, watermark=False) as room:
        room.arrives("ann")
        opened, asked = await room.opens_source("ann"), Asked(room, kind=kind)
        await asked.starts()
        with talking(opened) as ann:
            before = await ann.sounds()
            paused = knows_until_now(room)
            after = await ann.sounds()
        await asked.pauses(paused)
        await asked.stops()
        room.worker.watermark.raise_to(2 * 10**18)
        packets = await asked.finished()
    assert all(among(packets, before))
    assert not any(among(packets, after))


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_that_came_after_a_stop_is_in_the_file_however_late_it_is_heard_of(
    kind: RecordingKind, ffmpeg: Path, tmp_path: Path
) -> None:
    async with studio(tmp_path, ffmpeg, watermark=False) as room:
        room.arrives("ann")
        opened, asked = await room.opens_source("ann"), Asked(room, kind=kind)
        await asked.starts()
        with talking(opened) as ann:
            before = await ann.sounds()
            stopped = knows_until_now(room)
            after = await ann.sounds()
        await asked.stops(stopped)
        room.worker.watermark.raise_to(2 * 10**18)
        packets = await asked.finished()
    assert all(among(packets, before))
    assert not any(among(packets, after))


@pytest.mark.parametrize("kind", KINDS)
async def test_it_ends_where_its_session_ended_although_nobody_has_told_it_yet(
    kind: RecordingKind, ffmpeg: Path, tmp_path: Path
) -> None:
    """The log says so before the watermark passes it; what tells the recording comes after."""
    async with studio(tmp_path, ffmpeg, watermark=False) as room:
        room.arrives("ann")
        opened, asked = await room.opens_source("ann"), Asked(room, kind=kind)
        await asked.starts()
        with talking(opened) as ann:
            before = await ann.sounds()
            ended = knows_until_now(room)
            after = await ann.sounds()
        room.worker.apply(SessionEnded(at=ended, room_id="r", session_id="s"))
        room.worker.watermark.raise_to(2 * 10**18)
        packets = await asked.finished()
        over = await asked.until(ParticipantRecordingStopped if kind == "audio_video" else TrackRecordingStopped)
        await room.idle()
        assert not room.worker._gates
    assert over.at == ended
    assert all(among(packets, before))
    assert not any(among(packets, after))


@pytest.mark.parametrize("kind", KINDS)
async def test_who_comes_back_is_recorded_from_the_source_that_was_opened_since(
    kind: RecordingKind, room: Studio
) -> None:
    asked = Asked(room, kind=kind)
    await asked.starts()
    with talking(await room.opens_source("ann")) as ann:
        before = await ann.sounds()
    room.leaves("ann")
    room.joins("ann")
    with talking(await room.opens_source("ann")) as ann:
        after = await ann.sounds()
    await asked.stops()
    assert all(among(await asked.finished(), before + after))


# --- beside others


async def test_sound_and_picture_and_a_track_are_recorded_from_the_same_media(room: Studio) -> None:
    opened, both, audio = await room.opens_source("ann"), Asked(room), Asked(room, kind="audio")
    await both.starts()
    await audio.starts()
    with talking(opened) as ann:
        sounds, pictures = await ann.both()
        await both.stops()
        more = await ann.sounds()
    await audio.stops()
    everything, of_track = await both.finished(), await audio.finished()
    assert all(among(everything, sounds + pictures))
    assert not any(among(everything, more))
    assert all(among(of_track, sounds + more))
    assert not any(among(of_track, pictures))


async def test_a_pause_of_one_is_none_of_the_other(room: Studio) -> None:
    opened, both, audio = await room.opens_source("ann"), Asked(room), Asked(room, kind="audio")
    await both.starts()
    await audio.starts()
    await both.pauses()
    with talking(opened) as ann:
        sounds = await ann.sounds()
    await both.stops()
    await audio.stops()
    assert not any(among(await both.finished(), sounds))
    assert all(among(await audio.finished(), sounds))


async def test_a_room_recording_that_is_paused_and_stops_does_not_touch_it(room: Studio) -> None:
    opened, asked = await room.opens_source("ann"), Asked(room)
    await asked.starts()
    with talking(opened) as ann:
        room.pauses()
        first = await ann.sounds()
        room.stops_recording()
        second = await ann.sounds()
    await asked.stops()
    assert all(among(await asked.finished(), first + second))


async def test_a_server_pauses_and_stops_a_room_recordings_file(room: Studio) -> None:
    opened, asked = await room.opens_source("ann"), Asked(room)
    await room.records("ann")
    with talking(opened) as ann:
        before = await ann.sounds()
        await asked.pauses()
        meanwhile = await ann.sounds()
    end = await asked.stops()
    packets = await finished(room, "ann")
    assert (await room.until("ann", ParticipantRecordingStopped)).at == end
    assert all(among(packets, before))
    assert not any(among(packets, meanwhile))


async def test_the_room_recordings_file_begins_when_the_servers_one_is_over(room: Studio) -> None:
    opened, asked = await room.opens_source("ann"), Asked(room)
    await asked.starts()
    await asked.stops()
    await asked.until(ParticipantRecordingStopped)
    await room.records("ann")
    with talking(opened) as ann:
        sounds = await ann.sounds()
    await room.stops("ann")
    assert all(among(await finished(room, "ann"), sounds))


async def test_a_worker_that_ends_finishes_what_servers_asked_for(ffmpeg: Path, tmp_path: Path) -> None:
    async with studio(tmp_path, ffmpeg) as room:
        room.arrives("ann")
        opened, both, audio = await room.opens_source("ann"), Asked(room), Asked(room, kind="audio")
        await both.starts()
        await audio.starts()
        with talking(opened) as ann:
            sounds = await ann.sounds()
    assert all(among(await both.finished(), sounds))
    assert all(among(await audio.finished(), sounds))
    assert room.files() == ["ann/timeline.json", "ann/webm", "audio/webm"]


# --- deleted


async def test_a_deleted_recording_is_erased_by_the_next_recorder_when_the_first_one_dies(room: Studio) -> None:
    opened, both, audio = await room.opens_source("ann"), Asked(room), Asked(room, kind="audio")
    await both.starts("team")
    await audio.starts()
    with talking(opened) as ann:
        await ann.sounds()
    for asked in (both, audio):
        await asked.stops()
        await asked.finished()
    assert len(stored(room.root)) == 3, "sound and picture have a timeline"
    await both.deletes()
    assert len(stored(room.root)) == 3, "sound and picture have a timeline"
    await erased(room, both)
    assert [Path(path).parent.name for path in stored(room.root)] == ["audio"]
    await audio.deletes()
    await erased(room, audio)
    assert stored(room.root) == {}


async def test_what_a_failed_recording_left_is_erased_with_it(ffmpeg: Path, tmp_path: Path) -> None:
    """An ffmpeg that records and does not finish."""
    failing = ailing(ffmpeg, tmp_path / "ffmpeg", "cues_to_front", "exit 3")
    async with studio(tmp_path / "root", failing) as room:
        room.begins("keep")
        room.arrives("ann")
        asked = Asked(room)
        await asked.starts("team")
        await asked.stops()
        await asked.until(ParticipantRecordingFailed)
        assert len(stored(room.root)) == 1
        await asked.deletes()
        await erased(room, asked)
        assert stored(room.root) == {}


async def erased(room: Studio, asked: Asked) -> None:
    """Start a recorder that reads the log, and wait until it says that the files are gone."""
    eraser = Eraser(room.streams, MergeStreams(room.log), LocalObjectStore(room.root), room.worker, utc_now)
    recorder = ProcessManager(ERASURES, eraser.erase, "service:recorder", utc_now)
    for event in await asked.told():
        recorder.apply(event, as_stored(event))
    running = asyncio.ensure_future(recorder.run())
    await asked.until(ParticipantRecordingErased)
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
