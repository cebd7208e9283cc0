"""A recording of one track: a file for each stretch of its media, by RTP and a real ffmpeg."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.demo.media import FRAME_RATE, HEIGHT, WIDTH, Clip, encode_clip
from services.recorder import track_files
from services.recorder.media import track_splitter
from services.recorder.media.frame import NS_PER_MS
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.media.probe import decode_errors
from services.recorder.moments import nanoseconds
from shared.contracts.participant_recording import (
    ParticipantRecordingFailed,
    ParticipantRecordingStopped,
    TrackFileFinished,
    TrackRecordingStopped,
)
from shared.eventsourcing import insisting
from tests.integration.recorder.tracks import Track
from tests.support.broadcast import Broadcast, broadcast
from tests.support.eventually import eventually
from tests.support.held_writes import held_writes
from tests.support.rtp_peer import delivered
from tests.support.stand_in import ailing, program
from tests.support.studio import Studio, now, studio
from tests.support.webm import Packet, read_packets

#: So many bytes of a segment have a cluster in them that is whole.
_A_CLUSTER = 2048
#: How long a mute is in these tests that ends a file.
_MUTE_SECONDS = 1.2


@pytest.fixture(scope="module")
def clip(ffmpeg: Path) -> Clip:
    return asyncio.run(encode_clip(ffmpeg, seconds=3))


@pytest.fixture
async def room(ffmpeg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Studio]:
    """Where a second of nothing ends a file, not two, so that mutes may be short."""
    monkeypatch.setattr(track_splitter, "PATIENCE_NS", 1000 * NS_PER_MS)
    async with studio(tmp_path, ffmpeg) as one:
        one.arrives("ann")
        yield one


@pytest.fixture
async def ann(room: Studio, clip: Clip) -> AsyncIterator[Broadcast]:
    with broadcast(clip, await room.opens_source("ann")) as sender:
        yield sender


@pytest.fixture
def audio(room: Studio) -> Track:
    return Track(room, "audio")


@pytest.fixture
def video(room: Studio) -> Track:
    return Track(room, "video")


async def packets(room: Studio, file: TrackFileFinished) -> list[Packet]:
    return await asyncio.to_thread(read_packets, room.root / file.file.path)


async def data(room: Studio, file: TrackFileFinished) -> list[bytes]:
    return [packet.data for packet in await packets(room, file)]


# --- files


async def test_two_mutes_make_three_files_each_whole_and_told_of_as_soon_as_it_is_over(
    room: Studio, ann: Broadcast, audio: Track, ffmpeg: Path
) -> None:
    await audio.records()
    sent = [await ann.speak(30)]
    for number in (1, 2):
        await asyncio.sleep(_MUTE_SECONDS)
        sent.append(await ann.speak(20))
        assert len(await audio.files(number)) == number
    files = await audio.stops()

    assert [await data(room, file) for file in files] == sent
    assert [await decode_errors(ffmpeg, room.root / file.file.path) for file in files] == [""] * 3
    assert [file.file.audio_packets for file in files] == [30, 20, 20]
    for file in files:
        last = (await packets(room, file))[-1]
        assert abs(file.file.duration_ms - (last.time_ms + 20)) <= 1, "from the first sound to the end of the last"
        assert abs((file.at - file.begin) - timedelta(milliseconds=file.file.duration_ms)) < timedelta(milliseconds=1)
    for one, other in pairwise(files):
        assert timedelta(seconds=1) <= other.begin - one.at


async def test_a_file_of_sound_holds_sound_alone_and_is_what_the_log_says_it_is(
    room: Studio, ann: Broadcast, audio: Track
) -> None:
    await audio.records()
    await asyncio.gather(ann.speak(20), ann.show(10))
    (told,) = await audio.stops()
    stored = (room.root / told.file.path).read_bytes()
    assert (told.file.size_bytes, told.file.sha256) == (len(stored), hashlib.sha256(stored).hexdigest())
    assert (told.file.audio_codec, told.file.video_codec, told.file.video_frames) == ("opus", "", 0)
    assert (told.file.width, told.file.height) == (0, 0)
    assert {packet.kind for packet in await packets(room, told)} == {"audio"}
    epoch_ms = nanoseconds(told.begin) // NS_PER_MS
    assert told.file.path == f"s/ann/audio/track_recording_ann_audio_{epoch_ms}.webm"
    assert room.files() == ["audio/webm"], "no segment is left"


async def test_after_the_camera_was_off_a_file_begins_with_a_keyframe(
    room: Studio, ann: Broadcast, video: Track, ffmpeg: Path
) -> None:
    await video.records()
    first = await ann.show(FRAME_RATE // 2)
    await asyncio.sleep(_MUTE_SECONDS)
    await video.files(1)
    ann.picture(ann.clip.video[1])  # builds on what the receiver has, but is not in a file
    second = await ann.show(FRAME_RATE // 2)
    files = await video.stops()

    assert [await data(room, file) for file in files] == [first, second]
    assert [(await packets(room, file))[0].keyframe for file in files] == [True, True]
    assert [await decode_errors(ffmpeg, room.root / file.file.path) for file in files] == ["", ""]
    for told in (file.file for file in files):
        assert (told.video_codec, told.audio_codec, told.audio_packets) == ("vp8", "", 0)
        assert (told.width, told.height) == (WIDTH, HEIGHT)


async def test_both_tracks_are_recorded_side_by_side(room: Studio, ann: Broadcast, audio: Track, video: Track) -> None:
    await asyncio.gather(audio.records(), video.records())
    sounds, pictures = await asyncio.gather(ann.speak(25), ann.show(15))
    (heard,), (seen,) = await asyncio.gather(audio.stops(), video.stops())
    assert (await data(room, heard), await data(room, seen)) == (sounds, pictures)
    assert abs(heard.begin - seen.begin) < timedelta(milliseconds=200)


async def test_beside_a_recording_of_sound_and_picture_each_has_the_sounds_of_its_own_time(
    room: Studio, ann: Broadcast, audio: Track
) -> None:
    await room.records("ann")
    first = await ann.speak(15)
    await audio.records()
    second = await ann.speak(15)
    await room.stops("ann")
    third = await ann.speak(15)  # before that file is finished, which may take a while
    whole = await room.until("ann", ParticipantRecordingStopped)
    (file,) = await audio.stops()
    assert await data(room, file) == second + third
    written = await asyncio.to_thread(read_packets, room.root / whole.file.path)
    sounds = [packet.data for packet in written if packet.kind == "audio" and packet.data != OPUS_SILENCE]
    assert set(sounds) <= set(first + second)
    assert 25 <= len(sounds) <= 30, "where this machine is slow a sound comes too late for a file without gaps"


async def test_the_sender_is_asked_for_a_keyframe_while_a_picture_waits_for_one(
    room: Studio, ann: Broadcast, audio: Track, video: Track
) -> None:
    await audio.records()
    ann.video.report()
    await ann.show(10)
    assert ann.video.keyframe_requests() == [], "whoever records sound alone has no wish"
    await video.records()

    def asked() -> bool:
        ann.picture(ann.clip.video[1])
        return bool(ann.video.keyframe_requests())

    await eventually(asked)


# --- what is permitted


async def test_after_a_withdrawal_nothing_is_in_any_file(room: Studio, ann: Broadcast, audio: Track) -> None:
    await audio.records()
    before = await ann.speak(20)
    room.withdraws("ann", withdrawn := now())
    await ann.speak(20)
    (file,) = await audio.stops()
    written = await data(room, file)
    assert written == before[: len(written)]
    assert len(written) >= 18, "what was on its way is left out"
    assert file.at <= withdrawn + timedelta(milliseconds=25)


async def test_a_withdrawal_ends_the_file_and_a_new_yes_begins_another_one(
    room: Studio, ann: Broadcast, audio: Track
) -> None:
    await audio.records()
    await ann.speak(20)
    room.withdraws("ann", now())
    await ann.speak(10)
    await audio.files(1)
    room.consents("ann", again := now())
    await ann.speak(20)
    one, other = await audio.stops()
    assert other.begin >= again
    assert one.file.audio_packets <= 20
    assert 18 <= other.file.audio_packets <= 20


async def test_what_was_sent_before_the_beginning_or_after_the_end_is_in_no_file(
    room: Studio, ann: Broadcast, audio: Track
) -> None:
    await ann.speak(5)
    await delivered()
    await audio.records()
    between = await ann.speak(20)
    await audio.is_told_to_stop()
    await ann.speak(10)
    await audio.until(TrackRecordingStopped)
    (file,) = await audio.files()
    written = await data(room, file)
    assert written == between[: len(written)]
    assert len(written) >= 18


# --- what the log is told


async def test_an_end_that_is_heard_of_late_and_in_the_midst_of_writing_is_the_end(
    room: Studio, ann: Broadcast, audio: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail: all that had come until then was written, also what came after the end."""
    await audio.records()
    room.waits_for_no_watermark()
    async with held_writes(monkeypatch) as held:
        before = await ann.speak(10)
        await held.wait()
        end = now()
        await ann.speak(10)
        await audio.is_told_to_stop(end)
    await audio.until(TrackRecordingStopped)
    (file,) = await audio.files(1)
    assert await data(room, file) == before


async def test_without_any_media_it_starts_and_stops_and_there_is_no_file(room: Studio, audio: Track) -> None:
    await audio.records()
    stopped = now()
    assert await audio.stops(at=stopped) == []
    assert (await audio.until(TrackRecordingStopped)).at == stopped
    assert await audio.words() == ["requested", "started", "stop-requested", "track-stopped"]
    assert room.files() == []


async def test_the_end_is_told_after_every_file_also_when_the_log_does_not_answer_for_a_while(
    room: Studio, ann: Broadcast, audio: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.01)
    await audio.records()
    await ann.speak(10)
    room.log.refusals = 5
    await asyncio.sleep(_MUTE_SECONDS)
    await ann.speak(10)
    await audio.files(1)
    assert len(await audio.stops()) == 2
    words = await audio.words()
    assert words[2:] == ["track-file-finished", "stop-requested", "track-file-finished", "track-stopped"]


async def test_media_goes_on_while_a_file_waits_to_be_told_of(
    room: Studio, ann: Broadcast, audio: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.05)
    await audio.records()
    await ann.speak(10)
    room.log.refusals = 10_000
    await asyncio.sleep(_MUTE_SECONDS)
    second = await ann.speak(20)
    await eventually(lambda: room.files().count("audio/segment-1.webm") == 1)
    room.log.refusals = 0
    assert await data(room, (await audio.stops())[1]) == second


async def test_when_too_many_files_wait_to_be_told_of_media_waits_and_none_is_lost(
    room: Studio, ann: Broadcast, audio: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is being told of, one waits, one has ended: the next one begins when there is room for it."""
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(track_files, "_MAX_UNFINISHED", 1)
    await audio.records()
    room.log.refusals = 1_000_000
    sent = []
    for _ in range(4):
        sent.append(await ann.speak(10))
        await asyncio.sleep(_MUTE_SECONDS)
    await eventually(lambda: len(room.files()) == 3)
    room.log.refusals = 0
    files = await audio.files(4)
    assert [await data(room, file) for file in files] == sent
    assert await audio.stops() == files


async def test_without_any_watermark_nothing_is_written_and_it_is_not_waited_for_for_ever(
    ffmpeg: Path, tmp_path: Path, clip: Clip
) -> None:
    async with studio(tmp_path, ffmpeg, watermark=False, patience_seconds=0.1) as room:
        room.arrives("ann")
        audio = Track(room, "audio")
        with broadcast(clip, await room.opens_source("ann")) as ann:
            await audio.records()
            await ann.speak(10)
            assert await audio.stops() == []


# --- ffmpeg dies


async def test_a_killed_ffmpeg_ends_its_file_and_the_next_frame_begins_another(
    room: Studio, ann: Broadcast, audio: Track, ffmpeg: Path
) -> None:
    await audio.records()
    with capture_logs() as logs:
        before = await ann.speak(50)
        _kill(logs)
        after = await ann.speak(50)
    one, other = await audio.stops()
    first, second = await data(room, one), await data(room, other)
    assert first == before[: len(first)]
    assert len(first) >= 25, "at most the cluster that was being made is lost"
    assert second == after[-len(second) :]
    assert len(second) >= 25
    assert [await decode_errors(ffmpeg, room.root / file.file.path) for file in (one, other)] == ["", ""]


async def test_of_a_file_that_broke_off_there_may_be_nothing_whole_and_the_recording_goes_on(
    room: Studio, ann: Broadcast, audio: Track
) -> None:
    await audio.records()
    with capture_logs() as logs:
        talk = asyncio.create_task(ann.speak(50))
        await eventually(lambda: _pids(logs))
        _kill(logs)
        sent = await talk
    *_, last = await audio.stops()
    written = await data(room, last)
    assert written == sent[-len(written) :]
    assert len(written) >= 25


async def test_an_ffmpeg_that_dies_time_and_again_costs_files_and_not_the_recording(
    room: Studio, ann: Broadcast, audio: Track
) -> None:
    await audio.records()
    with capture_logs() as logs:
        talk = asyncio.create_task(ann.speak(3000))
        for died in range(3):
            await eventually(lambda: len(_pids(logs)) == died + 1)  # noqa: B023  it is over before the next round
            await eventually(lambda: _newest_size(room) > _A_CLUSTER)
            _kill(logs)
        await eventually(lambda: len(_pids(logs)) == 4)
        await eventually(lambda: _newest_size(room) > _A_CLUSTER)
        talk.cancel()
    assert len(await audio.stops()) == 4


async def test_an_ffmpeg_that_is_stuck_ends_its_file_and_the_next_frame_begins_another(
    room: Studio, ann: Broadcast, audio: Track
) -> None:
    await audio.records()
    with capture_logs() as logs:
        before = await ann.speak(50)
        os.kill(_pids(logs)[-1], signal.SIGSTOP)
        after = await ann.speak(150)
    one, other = await audio.stops()
    first, second = await data(room, one), await data(room, other)
    assert first == before[: len(first)]
    assert second == after[-len(second) :]
    assert len(after) - len(second) <= 75, "it is noticed within a second, or little more on a busy machine"


async def test_a_recording_of_which_ffmpeg_never_wrote_anything_fails_at_its_end(
    ffmpeg: Path, tmp_path: Path, clip: Clip
) -> None:
    failing = program(tmp_path / "ffmpeg", 'echo "not here" >&2\nexit 3')
    async with studio(tmp_path / "root", failing) as room:
        room.arrives("ann")
        audio = Track(room, "audio")
        with broadcast(clip, await room.opens_source("ann")) as ann:
            await audio.records()
            await ann.speak(50)
            await audio.is_told_to_stop()
        failed = await audio.until(ParticipantRecordingFailed)
    assert "not here" in (failed.details or "")


async def test_without_ffmpeg_the_recording_fails_and_the_log_names_what_is_missing(tmp_path: Path, clip: Clip) -> None:
    async with studio(tmp_path, Path("/gone/ffmpeg")) as room:
        room.arrives("ann")
        audio = Track(room, "audio")
        with broadcast(clip, await room.opens_source("ann")) as ann:
            await audio.records()
            await ann.speak(20)
            failed = await audio.until(ParticipantRecordingFailed)
        assert failed.reason == "the recorder's ffmpeg failed"
        assert "ffmpeg cannot be run: set ONRECORD_FFMPEG" in (failed.details or "")
        assert "/gone" not in (failed.details or "")
        assert room.files() == []


async def test_a_file_that_cannot_be_finished_fails_the_recording_at_its_end_and_no_other_file(
    ffmpeg: Path, tmp_path: Path, clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track_splitter, "PATIENCE_NS", 1000 * NS_PER_MS)
    flag = tmp_path / "once"
    once = f'[ -e {flag} ] || {{ touch {flag}; echo "not today" >&2; exit 3; }}'
    async with studio(tmp_path / "root", ailing(ffmpeg, tmp_path / "ffmpeg", "cues_to_front", once)) as room:
        room.arrives("ann")
        audio = Track(room, "audio")
        with broadcast(clip, await room.opens_source("ann")) as ann:
            await audio.records()
            await ann.speak(10)
            await asyncio.sleep(_MUTE_SECONDS)
            second = await ann.speak(10)
            await audio.is_told_to_stop()
        failed = await audio.until(ParticipantRecordingFailed)
        assert "not today" in (failed.details or "")
        (file,) = await audio.files()
        assert await data(room, file) == second
        assert room.files() == ["audio/segment-1.webm", "audio/webm"]


def _newest_size(room: Studio) -> int:
    """Return of how many bytes the segment is that was begun last."""
    segments = sorted(room.root.rglob("*segment-*"), key=lambda path: path.stat().st_mtime_ns)
    return segments[-1].stat().st_size if segments else 0


def _pids(logs: Sequence[Mapping[str, Any]]) -> list[int]:
    return [entry["pid"] for entry in logs if entry["event"] == "ffmpeg started"]


def _kill(logs: Sequence[Mapping[str, Any]]) -> None:
    """Kill the ffmpeg that was started last."""
    os.kill(_pids(logs)[-1], signal.SIGKILL)
