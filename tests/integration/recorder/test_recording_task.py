"""One recording: from the request to the file in its place, or to the reason why there is none."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import threading
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.recorder import recording_task
from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.media.probe import probe
from services.recorder.moments import nanoseconds
from services.recorder.watermark import WatermarkGauge
from services.recorder.worker import Worker
from shared.contracts.file_timeline import FileTimeline
from shared.contracts.participant_recording import (
    ParticipantRecordingFailed,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
)
from shared.eventsourcing import insisting
from shared.eventsourcing.codec import Context
from tests.support.addresses import loopback
from tests.support.eventually import eventually
from tests.support.held_writes import held_writes
from tests.support.rtp_peer import delivered, rtp_peer
from tests.support.spooling import spool_disk
from tests.support.stand_in import ailing
from tests.support.studio import Studio, now, studio
from tests.support.webm import Packet, read_packets


@pytest.fixture
async def room(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path, ffmpeg) as one:
        one.arrives("ann")
        yield one


async def test_the_file_is_in_place_and_is_what_the_log_says_it_is(room: Studio, ffmpeg: Path) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    with rtp_peer(opened.video) as video, rtp_peer(opened.audio) as audio:
        pictures, sounds = await asyncio.gather(video.pictures(4), audio.sounds(6))
    await room.stops("ann")
    stopped = await room.until("ann", ParticipantRecordingStopped)

    path = room.root / stopped.file.path
    data, packets = path.read_bytes(), await asyncio.to_thread(read_packets, path)
    assert (stopped.file.size_bytes, stopped.file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert Counter(packet.kind for packet in packets) == {
        "video": stopped.file.video_frames,
        "audio": stopped.file.audio_packets,
    }
    found = await probe(ffmpeg, path)
    assert found.duration_ms == stopped.file.duration_ms
    assert (found.width, found.height) == (stopped.file.width, stopped.file.height) == (640, 480)
    assert [data in _data(packets) for data in pictures + sounds] == [True] * 10
    assert room.files() == ["ann/timeline.json", "ann/webm"]


async def test_the_timeline_beside_the_file_is_what_the_log_says_it_is(room: Studio) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    with rtp_peer(opened.video) as video, rtp_peer(opened.audio) as audio:
        await asyncio.gather(video.pictures(10), audio.sounds(20))  # until their clocks have settled
        audio.report()
        video.report()
        await delivered()
    await room.stops("ann")
    stopped = await room.until("ann", ParticipantRecordingStopped)
    started = await room.until("ann", ParticipantRecordingStarted)

    assert stopped.timeline
    data = (room.root / stopped.timeline.path).read_bytes()
    assert stopped.timeline.path == stopped.file.path.removesuffix(".webm") + ".timeline.json"
    assert (stopped.timeline.size_bytes, stopped.timeline.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    told = FileTimeline.model_validate_json(data)
    assert (told.begin, told.end, told.file) == (started.at, stopped.at, stopped.file)
    assert [(track.track, track.codec) for track in told.tracks] == [("audio", "opus"), ("video", "vp8")]
    assert told.skew_ms is not None
    # requested, started, stop-requested; the fourth tells that the file is in place.
    assert told.log.stream == stopped.stream
    assert (told.log.started.position, told.log.latest.position) == (2, 3)


async def test_a_file_for_whose_timeline_there_is_no_room_is_kept_without_one(
    room: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(store: LocalObjectStore, key: str, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(LocalObjectStore, "put", full)
    await room.records("ann")
    await room.stops("ann")
    stopped = await room.until("ann", ParticipantRecordingStopped)
    assert stopped.timeline is None
    assert room.files() == ["ann/webm"]


async def test_the_log_tells_begin_and_end_of_the_file(room: Studio) -> None:
    await room.records("ann")
    await room.stops("ann")
    stopped = await room.until("ann", ParticipantRecordingStopped)
    types = [event.type.split(".")[1] for event in await room.happened("ann")]
    assert types == ["requested", "started", "stop-requested", "stopped"]
    started = await room.until("ann", ParticipantRecordingStarted)
    assert stopped.file.path == f"s/ann/participant_recording_ann_{nanoseconds(started.at) // 1_000_000}.webm"
    lasted_ms = (stopped.at - started.at).total_seconds() * 1000
    assert abs(stopped.file.duration_ms - lasted_ms) <= 40


async def test_a_recording_that_was_stopped_before_a_worker_began_leaves_nothing(room: Studio) -> None:
    requested = await room.requests("ann")
    await room.stops("ann")
    with capture_logs() as logs:
        room.takes(requested)
        await room.idle()
    assert "participant recording failed" not in [entry["event"] for entry in logs]
    types = [event.type.split(".")[1] for event in await room.happened("ann")]
    assert types == ["requested", "failed"]
    assert room.files() == []


async def test_a_stop_of_an_earlier_recording_of_the_same_participant_does_not_end_this_one(room: Studio) -> None:
    await room.records("ann")
    about = {"room_id": "r", "session_id": "s", "participant_id": "ann"}
    long_ago = now() - timedelta(hours=1)  # a file that is told to end before it begins is a moment long
    room.worker.apply(ParticipantRecordingStopRequested(**about, at=long_ago, participant_recording_id="ann-0"))
    await room.stops("ann")
    stopped = await room.until("ann", ParticipantRecordingStopped)
    started = await room.until("ann", ParticipantRecordingStarted)
    assert stopped.at > started.at


async def test_a_request_that_comes_again_is_done_once(room: Studio) -> None:
    requested = await room.requests("ann")
    for _ in range(3):
        room.takes(requested)
    await room.until("ann", ParticipantRecordingStarted)
    await room.stops("ann")
    await room.until("ann", ParticipantRecordingStopped)
    await room.idle()
    room.takes(requested)
    await room.idle()
    assert room.files() == ["ann/timeline.json", "ann/webm"]


@pytest.mark.parametrize("writes", [False, True], ids=["nothing-written", "written-but-not-told"])
async def test_what_the_log_could_not_be_told_it_is_told_later(
    room: Studio, writes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.01)
    opened = await room.opens_source("ann")
    await room.records("ann")
    with rtp_peer(opened.audio) as audio:
        sounds = await audio.sounds(2)
    await room.stops("ann")
    room.log.refusals, room.log.writes_before_it_refuses = (1 if writes else 5), writes
    stopped = await room.until("ann", ParticipantRecordingStopped)
    assert room.log.refusals == 0
    packets = await asyncio.to_thread(read_packets, room.root / stopped.file.path)
    assert [data in _data(packets) for data in sounds] == [True] * 2
    assert [event.type for event in await room.happened("ann")].count(ParticipantRecordingStopped.type) == 1


async def test_a_worker_that_began_and_did_not_hear_so_goes_on(room: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail: it took the beginning that it had written itself for another's, and left the recording alone."""
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.01)
    opened, requested = await room.opens_source("ann"), await room.requests("ann")
    room.log.refusals, room.log.writes_before_it_refuses = 1, True
    room.takes(requested)
    await eventually(lambda: room.has("ann", ParticipantRecordingStarted.type))
    with rtp_peer(opened.audio) as audio:
        sounds = await audio.sounds(2)
    await room.stops("ann")
    stopped = await room.until("ann", ParticipantRecordingStopped)
    packets = await asyncio.to_thread(read_packets, room.root / stopped.file.path)
    assert [data in _data(packets) for data in sounds] == [True] * 2
    assert [event.type for event in await room.happened("ann")].count(ParticipantRecordingStarted.type) == 1


async def test_an_end_that_is_heard_of_late_and_in_the_midst_of_writing_is_the_end(
    room: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail: what had not been told to end could not be finished."""
    await room.records("ann")
    room.waits_for_no_watermark()
    async with held_writes(monkeypatch) as held:
        await held.wait()
        await room.stops("ann")
    stopped = await room.until("ann", ParticipantRecordingStopped)
    started = await room.until("ann", ParticipantRecordingStarted)
    lasts_ms = (stopped.at - started.at) / timedelta(milliseconds=1)
    assert abs(stopped.file.duration_ms - lasts_ms) <= 60


async def test_media_that_comes_while_the_log_cannot_be_told_of_the_beginning_is_kept(
    room: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.01)
    opened, requested = await room.opens_source("ann"), await room.requests("ann")
    room.log.refusals = 30
    room.takes(requested)
    with rtp_peer(opened.audio) as audio:
        sounds = []
        while not await room.has("ann", ParticipantRecordingStarted.type):
            sounds += await audio.sounds(1)
    await room.stops("ann")
    stopped = await room.until("ann", ParticipantRecordingStopped)
    packets = await asyncio.to_thread(read_packets, room.root / stopped.file.path)
    assert sum(data in _data(packets) for data in sounds) >= 10


async def test_a_recording_that_is_over_waits_for_what_was_said_as_long_as_media_does(
    ffmpeg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail: what was not known ten seconds after the end was left out."""
    monkeypatch.setattr(recording_task, "_DRAIN_NS", 0)
    async with studio(tmp_path, ffmpeg, watermark=False) as room:
        room.arrives("ann")
        opened = await room.opens_source("ann")
        await room.records("ann")
        with rtp_peer(opened.audio) as audio:
            sounds = await audio.sounds(20)
        await room.stops("ann")
        await asyncio.sleep(0.5)
        assert not await room.has("ann", ParticipantRecordingStopped.type)
        room.worker.watermark.raise_to(2 * 10**18)
        stopped = await room.until("ann", ParticipantRecordingStopped)
        packets = await asyncio.to_thread(read_packets, tmp_path / stopped.file.path)
        assert all(data in _data(packets) for data in sounds)


async def test_without_any_watermark_the_file_is_black_and_silent_and_not_waited_for_for_ever(
    ffmpeg: Path, tmp_path: Path
) -> None:
    async with studio(tmp_path, ffmpeg, watermark=False, patience_seconds=0.1) as room:
        room.arrives("ann")
        opened = await room.opens_source("ann")
        await room.records("ann")
        with rtp_peer(opened.video) as video, rtp_peer(opened.audio) as audio:
            sent = [video.keyframe(), audio.sound()]
            await delivered()
        await room.stops("ann")
        stopped = await room.until("ann", ParticipantRecordingStopped)
        packets = await asyncio.to_thread(read_packets, tmp_path / stopped.file.path)
        assert [data in _data(packets) for data in sent] == [False, False]


async def test_what_may_hang_on_a_network_volume_is_not_done_on_the_event_loop(
    room: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail: while a segment of gigabytes was unlinked, nobody's media was read."""
    done: list[tuple[str, bool]] = []

    def watch(kind: type, name: str) -> None:
        called = getattr(kind, name)

        def noted(*given: Any, **named: Any) -> Any:
            done.append((name, threading.current_thread() is threading.main_thread()))
            return called(*given, **named)

        monkeypatch.setattr(kind, name, noted)

    for kind, name in ((LocalObjectStore, "path"), (LocalObjectStore, "delete"), (Path, "touch"), (Path, "replace")):
        watch(kind, name)
    await room.records("ann")
    await room.stops("ann")
    await room.until("ann", ParticipantRecordingStopped)
    assert {name for name, _ in done} == {"path", "delete", "touch", "replace"}
    assert [name for name, on_the_loop in done if on_the_loop] == []


# --- failures


async def test_a_folder_that_cannot_be_made_fails_this_recording_with_the_reason_and_no_other(room: Studio) -> None:
    (room.root / "s").mkdir()
    (room.root / "s" / "ann").write_text("a file where the folder should be")
    room.arrives("bob")
    await room.records("bob")
    room.takes(await room.requests("ann"))
    failed = await room.until("ann", ParticipantRecordingFailed)
    assert failed.reason == "the recorder could not write the file"
    assert "s/ann" in (failed.details or "")
    assert str(room.root) not in (failed.details or "")
    await room.stops("bob")
    await room.until("bob", ParticipantRecordingStopped)


async def test_without_ffmpeg_the_recording_fails_and_the_log_names_what_is_missing(tmp_path: Path) -> None:
    async with studio(tmp_path, Path("/gone/ffmpeg")) as room:
        room.takes(await room.requests("ann"))
        failed = await room.until("ann", ParticipantRecordingFailed)
    assert failed.reason == "the recorder's ffmpeg failed"
    assert "ffmpeg cannot be run: set ONRECORD_FFMPEG" in (failed.details or "")
    assert "/gone" not in (failed.details or "")


async def test_a_second_worker_that_is_handed_it_too_and_fails_leaves_it_to_the_first(
    room: Studio, tmp_path: Path
) -> None:
    requested = await room.requests("ann")
    room.takes(requested)
    await eventually(lambda: room.has("ann", ParticipantRecordingStarted.type))
    missing, store = Path("/nowhere/ffmpeg"), LocalObjectStore(tmp_path / "other")
    gauge, disk = WatermarkGauge(), spool_disk(tmp_path)
    second = Worker(room.streams, store, missing, gauge, "second", loopback(range(0)), disk)
    async with second.working():
        second.take(requested, Context.begin("service:test"))
        await eventually(lambda: not second._tasks)
    await room.stops("ann")
    await room.until("ann", ParticipantRecordingStopped)


@pytest.mark.parametrize("word", ["cues_to_front", "framecrc"], ids=["remux", "probe"])
async def test_the_segment_is_kept_until_the_file_is_in_place_and_looked_into(
    word: str, ffmpeg: Path, tmp_path: Path
) -> None:
    """An ffmpeg that records and then fails: what it said last is in the log."""
    ailing_ffmpeg = ailing(ffmpeg, tmp_path / "ffmpeg", word, f'echo "no {word} today" >&2; exit 3')
    async with studio(tmp_path / "root", ailing_ffmpeg) as room:
        room.arrives("ann")
        await room.records("ann")
        await room.stops("ann")
        failed = await room.until("ann", ParticipantRecordingFailed)
        assert f"no {word} today" in (failed.details or "")
        assert "ann/segment-1.webm" in room.files()


async def test_a_copy_that_lacks_what_was_recorded_fails_the_recording_and_the_segment_is_kept(
    ffmpeg: Path, tmp_path: Path
) -> None:
    """An ffmpeg that records, and copies a moment of it, with status 0."""
    hasty = ailing(ffmpeg, tmp_path / "ffmpeg", "cues_to_front", f'exec {ffmpeg} -t 0.001 "$@"')
    async with studio(tmp_path / "root", hasty) as room:
        room.arrives("ann")
        opened = await room.opens_source("ann")
        await room.records("ann")
        with rtp_peer(opened.audio) as audio:
            await audio.sounds(20)
        await room.stops("ann")
        failed = await room.until("ann", ParticipantRecordingFailed)
        assert "the segment beside it is kept" in (failed.details or "")
        assert room.files() == ["ann/segment-1.webm"]


def _data(packets: list[Packet]) -> set[bytes]:
    return {packet.data for packet in packets}
