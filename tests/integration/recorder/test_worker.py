"""The worker: many recordings beside one another, and what happens in a session while they run."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.recorder import worker as worker_module
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.sources import SourceRefusedError
from shared.contracts.participant_recording import ParticipantRecordingStarted, ParticipantRecordingStopped
from shared.contracts.room import SessionEnded
from shared.contracts.rtp_source import OpenRtpSource, RtpPorts, RtpTrack
from shared.eventsourcing import insisting
from tests.integration.recorder.asking import Asked
from tests.support.eventually import eventually
from tests.support.rtp_peer import rtp_peer, strangers
from tests.support.studio import Studio, now, studio
from tests.support.webm import Packet, read_packets


@pytest.fixture
async def room(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path, ffmpeg) as one:
        one.arrives("ann")
        one.arrives("bob")
        yield one


# --- sources


async def test_the_same_announcement_gets_the_same_answer(room: Studio) -> None:
    assert await room.opens_source("ann") == await room.opens_source("ann")


async def test_two_participants_have_ports_of_their_own(room: Studio) -> None:
    assert await room.opens_source("ann") != await room.opens_source("bob")


async def test_another_announcement_replaces_the_source(room: Studio) -> None:
    first = await room.opens_source("ann")
    opus = RtpTrack(codec="opus", payload_type=111)
    asked = OpenRtpSource(at=now(), room_id="r", session_id="s", participant_id="ann", audio=opus)
    second = await room.worker.sources.open_rtp(asked)
    assert second.video is None
    assert is_free(first.video)


async def test_an_older_announcement_that_comes_again_changes_nothing(room: Studio) -> None:
    """Seen to fail without a look at its moment: it closed the newer source."""
    older = now() - timedelta(seconds=1)
    opus = RtpTrack(codec="opus", payload_type=111)
    asked = OpenRtpSource(at=now(), room_id="r", session_id="s", participant_id="ann", audio=opus)
    await room.opens_source("ann", older)
    opened = await room.worker.sources.open_rtp(asked)
    with pytest.raises(SourceRefusedError) as refused:
        await room.opens_source("ann", older)
    assert refused.value.code == "lapsed"
    assert not is_free(opened.audio)
    assert await room.worker.sources.open_rtp(asked) == opened


@pytest.mark.parametrize(
    ("codec", "code"), [(None, "no_tracks"), ("AV2", "unsupported_codec")], ids=["nothing", "unknown"]
)
async def test_an_announcement_that_cannot_be_received_is_refused(room: Studio, codec: str | None, code: str) -> None:
    video = RtpTrack(codec=codec, payload_type=96) if codec else None
    asked = OpenRtpSource(at=now(), room_id="r", session_id="s", participant_id="ann", video=video)
    with pytest.raises(SourceRefusedError) as refused:
        await room.worker.sources.open_rtp(asked)
    assert refused.value.code == code


async def test_a_source_that_is_opened_after_the_recording_began_is_used(room: Studio) -> None:
    await room.records("ann")
    sounds = await send_sounds((await room.opens_source("ann")).audio)
    assert_all_in(sounds, await stopped_file(room, "ann"))


async def test_a_participant_who_leaves_has_no_ports_any_more_and_the_file_goes_on_in_black(room: Studio) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    sounds = await send_sounds(opened.audio)
    left = now()
    room.leaves("ann", left)
    assert is_free(opened.audio)
    assert is_free(opened.video)
    await eventually(lambda: (now() - left).total_seconds() > 0.5)
    packets = await stopped_file(room, "ann")
    assert_all_in(sounds, packets)
    assert sum(packet.data == OPUS_SILENCE for packet in packets) >= 20


async def test_a_source_that_was_opened_after_coming_back_outlives_the_late_news_of_leaving(room: Studio) -> None:
    left = now() - timedelta(seconds=1)
    opened = await room.opens_source("ann")
    room.leaves("ann", left)
    room.arrives("ann")
    assert not is_free(opened.audio)


async def test_a_source_that_is_asked_for_again_after_coming_back_outlives_it_too(room: Studio) -> None:
    left = now() - timedelta(seconds=1)
    opened = await room.opens_source("ann", at=left - timedelta(seconds=1))
    assert await room.opens_source("ann") == opened
    room.leaves("ann", left)
    assert not is_free(opened.audio)


async def test_the_end_of_a_session_closes_its_sources(room: Studio) -> None:
    opened = await room.opens_source("ann")
    room.worker.apply(SessionEnded(at=now(), room_id="r", session_id="s"))
    assert is_free(opened.audio)


# --- recordings


async def test_two_participants_do_not_disturb_each_other(room: Studio) -> None:
    sources = {who: await room.opens_source(who) for who in ("ann", "bob")}
    await asyncio.gather(room.records("ann"), room.records("bob"))
    sounds = {who: await send_sounds(opened.audio) for who, opened in sources.items()}
    room.withdraws("bob", now())
    ann, bob = await stopped_file(room, "ann"), await stopped_file(room, "bob")
    assert_all_in(sounds["ann"], ann)
    assert_all_in(sounds["bob"], bob)
    assert not {packet.data for packet in ann} & set(sounds["bob"])
    assert room.files() == ["ann/timeline.json", "ann/webm", "bob/timeline.json", "bob/webm"]


async def test_a_stop_of_another_recording_does_not_end_this_one(room: Studio) -> None:
    await room.records("ann")
    await room.records("bob")
    await room.stops("bob")
    await room.until("bob", ParticipantRecordingStopped)
    assert not await room.has("ann", ParticipantRecordingStopped.type)


async def test_when_the_room_recording_stops_its_files_end_there_although_nobody_has_told_them_yet(
    room: Studio,
) -> None:
    """The log says so before the watermark passes it; what tells each participant recording comes after."""
    opened = await room.opens_source("ann")
    await room.records("ann")
    sounds = await send_sounds(opened.audio)
    end = now()
    room.stops_recording(end)
    later = await send_sounds(opened.audio)
    stopped = await room.until("ann", ParticipantRecordingStopped)
    packets = await asyncio.to_thread(read_packets, room.root / stopped.file.path)
    assert stopped.at == end
    assert_all_in(sounds, packets)
    assert not {packet.data for packet in packets} & set(later)


async def test_a_withdrawal_that_is_heard_of_after_the_sessions_end_still_counts(ffmpeg: Path, tmp_path: Path) -> None:
    async with studio(tmp_path, ffmpeg, watermark=False) as room:
        room.arrives("ann")
        opened = await room.opens_source("ann")
        await room.records("ann")
        withdrawn = now()
        sounds = await send_sounds(opened.audio)
        room.worker.apply(SessionEnded(at=now(), room_id="r", session_id="s"))
        room.withdraws("ann", withdrawn)
        await room.stops("ann")
        room.worker.watermark.raise_to(2 * 10**18)
        stopped = await room.until("ann", ParticipantRecordingStopped)
        packets = await asyncio.to_thread(read_packets, tmp_path / stopped.file.path)
        assert not {packet.data for packet in packets} & set(sounds)


async def test_nothing_is_remembered_of_a_session_that_is_over(room: Studio) -> None:
    await room.records("ann")
    room.worker.apply(SessionEnded(at=now(), room_id="r", session_id="s"))
    await room.stops("ann")
    await room.until("ann", ParticipantRecordingStopped)
    await room.idle()
    assert not room.worker._gates


async def test_the_next_recording_begins_although_the_last_one_is_still_telling_the_log(
    room: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log took the last word, but the answer was lost; meanwhile everybody else knows and goes on."""
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.5)
    opened = await room.opens_source("ann")
    await room.records("ann")
    await room.stops("ann")
    room.log.refusals, room.log.writes_before_it_refuses = 1, True
    await room.until("ann", ParticipantRecordingStopped)
    await room.records("ann", 2)
    sounds = await send_sounds(opened.audio)
    await room.stops("ann", 2)
    second = await room.until("ann", ParticipantRecordingStopped, 2)
    packets = await asyncio.to_thread(read_packets, room.root / second.file.path)
    assert_all_in(sounds, packets)


async def test_a_worker_that_ends_finishes_what_it_records(ffmpeg: Path, tmp_path: Path) -> None:
    async with studio(tmp_path, ffmpeg) as room:
        for who in ("ann", "bob"):
            room.arrives(who)
            await room.records(who)
        sounds = await send_sounds((await room.opens_source("ann")).audio)
        opened = await room.opens_source("bob")
    stopped = [(await room.happened(who))[-1] for who in ("ann", "bob")]
    assert [type(event) for event in stopped] == [ParticipantRecordingStopped] * 2
    assert_all_in(sounds, await asyncio.to_thread(read_packets, tmp_path / stopped[0].file.path))
    assert room.files() == ["ann/timeline.json", "ann/webm", "bob/timeline.json", "bob/webm"]
    assert is_free(opened.audio)


async def test_media_that_is_announced_again_the_same_goes_on_from_another_address_at_once(room: Studio) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    with rtp_peer(opened.audio) as audio, rtp_peer(opened.audio) as moved:
        before = await audio.sounds(5)
        moved.sequence, moved.timestamp = audio.sequence, audio.timestamp
        before_that, ignored = strangers("audio"), await moved.sounds(3)
        # Sockets are read later than packets come: what is read after the announcement is taken.
        await eventually(lambda: strangers("audio") == before_that + 3)
        assert await room.opens_source("ann") == opened
        after = await moved.sounds(5)
    packets = await stopped_file(room, "ann")
    assert_all_in(before + after, packets)
    assert not {packet.data for packet in packets} & set(ignored)


async def test_a_file_begins_when_the_worker_takes_it(room: Studio) -> None:
    requested = await room.requests("ann")
    before = now()
    room.takes(requested)
    after = now()
    started = await room.until("ann", ParticipantRecordingStarted)
    assert before <= started.at <= after


async def send_sounds(to: RtpPorts | None) -> list[bytes]:
    """Send five packets, in real time, to where they have been read before this returns; no two are ever alike."""
    with rtp_peer(to) as audio:
        audio.sequence = next(_sequences)
        return await audio.sounds(5)


_sequences = iter(range(0, 60_000, 1000))


async def stopped_file(room: Studio, who: str) -> list[Packet]:
    await room.stops(who)
    stopped = await room.until(who, ParticipantRecordingStopped)
    return await asyncio.to_thread(read_packets, room.root / stopped.file.path)


def assert_all_in(sounds: list[bytes], packets: list[Packet]) -> None:
    written = {packet.data for packet in packets}
    assert [data in written for data in sounds] == [True] * len(sounds)


def is_free(ports: RtpPorts | None) -> bool:
    """Tell whether nobody listens there any more."""
    assert ports is not None
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", ports.rtp_port))
        except OSError:
            return False
    return True


# --- ends that are heard of before what they end


async def test_a_file_that_is_assigned_after_its_room_recording_stopped_ends_with_it(room: Studio) -> None:
    """Seen to fail without the end that was remembered: it ran on until somebody stopped it."""
    requested = await room.requests("ann")
    room.stops_recording()
    room.takes(requested)
    await room.until("ann", ParticipantRecordingStopped)
    await room.idle()


async def test_that_another_recording_stopped_ends_no_file(room: Studio) -> None:
    room.stops_recording(number=2)
    await room.records("ann")
    room.stops_recording(number=1)
    assert (await room.until("ann", ParticipantRecordingStopped)).participant_recording_id == "ann-1"


async def test_what_a_server_asked_for_ends_with_its_session_also_when_it_is_assigned_later(room: Studio) -> None:
    """Seen to fail without the end that was remembered."""
    room.worker.apply(SessionEnded(at=now(), room_id="r", session_id="s"))
    asked = Asked(room)
    await asked.asks_to_start()
    await asked.until(ParticipantRecordingStopped)


async def test_only_so_many_ends_are_remembered(room: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_ENDS", 3)
    for number in range(9):
        room.stops_recording(number=number)
    assert list(room.worker._ends) == ["rec6", "rec7", "rec8"]
