"""A paused recording: its files go on in black and silence, and hold nothing of what was sent meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from services.recorder.media.black import BlackPictures
from services.recorder.media.frame import PictureFormat
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.moments import moment
from services.recorder.wall_clock import now_ns
from shared.contracts.participant_recording import ParticipantRecordingStarted
from tests.integration.recorder.talking import among, finished, talking
from tests.support.studio import Studio, studio
from tests.support.webm import Packet


@pytest.fixture
async def room(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Studio]:
    """A room that keeps consent, so that nothing but a pause is in the way."""
    async with studio(tmp_path, ffmpeg) as one:
        one.begins("keep")
        one.arrives("ann")
        yield one


async def test_a_pause_is_black_and_silence_and_the_same_file_goes_on_after_it(room: Studio, ffmpeg: Path) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    with talking(opened) as ann:
        before = await ann.both()
        paused = room.pauses()
        meanwhile = await ann.both()
        resumed = room.resumes()
        after = await ann.both()
    await room.stops("ann")
    packets = await finished(room, "ann")

    assert [all(among(packets, sent)) for sent in (*before, *after)] == [True] * 4
    assert [any(among(packets, sent)) for sent in meanwhile] == [False] * 2
    begin, end = await file_ms(room, paused), await file_ms(room, resumed)
    silences = [at for at in times(packets, OPUS_SILENCE) if begin <= at < end]
    assert len(silences) >= (end - begin) // 20 - 2
    assert any(
        abs(at - begin) <= 50 for at in times(packets, await BlackPictures(ffmpeg).of(PictureFormat("vp8", 640, 480)))
    )
    assert room.files() == ["ann/timeline.json", "ann/webm"]


async def test_media_that_was_held_back_when_the_pause_was_heard_of_is_not_in_the_file(
    ffmpeg: Path, tmp_path: Path
) -> None:
    """The gateway holds its horizon while the pause is on its way, so the watermark stays before it."""
    async with studio(tmp_path, ffmpeg, watermark=False) as room:
        room.arrives("ann")
        opened = await room.opens_source("ann")
        await room.records("ann")
        with talking(opened) as ann:
            before = await ann.sounds()
            paused = now_known(room)
            after = await ann.sounds()
        room.pauses(paused)
        await room.stops("ann")
        room.worker.watermark.raise_to(2 * 10**18)
        packets = await finished(room, "ann")
        assert all(among(packets, before))
        assert not any(among(packets, after))


async def test_a_file_that_begins_in_a_pause_is_black_and_silent_until_it_is_over(room: Studio) -> None:
    """Its participant was not heard of when the recording was paused."""
    room.pauses()
    room.joins("bob")
    room.consents("bob")
    opened = await room.opens_source("bob")
    await room.records("bob")
    with talking(opened) as bob:
        meanwhile = await bob.both()
        room.resumes()
        after = await bob.both()
    await room.stops("bob")
    packets = await finished(room, "bob")
    assert [any(among(packets, sent)) for sent in meanwhile] == [False] * 2
    assert [all(among(packets, sent)) for sent in after] == [True] * 2


async def test_who_withdraws_in_a_pause_is_not_recorded_after_it(room: Studio) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    with talking(opened) as ann:
        await ann.sounds(2)
        room.withdraws("ann", room.pauses())
        room.resumes()
        after = await ann.both()
    await room.stops("ann")
    packets = await finished(room, "ann")
    assert [any(among(packets, sent)) for sent in after] == [False] * 2


async def test_a_recording_after_one_that_was_stopped_in_a_pause_is_not_paused(room: Studio) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    with talking(opened) as ann:
        await ann.sounds(2)
        room.stops_recording(room.pauses())
        await room.stops("ann")
        await finished(room, "ann")
        await room.records("ann", 2)
        sounds = await ann.sounds()
    await room.stops("ann", 2)
    assert all(among(await finished(room, "ann", 2), sounds))


async def test_a_pause_of_another_recording_does_not_concern_this_one(room: Studio) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    room.pauses(number=2)
    with talking(opened) as ann:
        sounds = await ann.sounds()
    await room.stops("ann")
    assert all(among(await finished(room, "ann"), sounds))


def now_known(room: Studio) -> datetime:
    """Let the watermark come up to now, and return that moment."""
    room.worker.watermark.raise_to(now_ns() - 1000)
    return moment(now_ns())


async def file_ms(room: Studio, at: datetime) -> int:
    started = await room.until("ann", ParticipantRecordingStarted)
    return int((at - started.at).total_seconds() * 1000)


def times(packets: list[Packet], data: bytes) -> list[int]:
    return [packet.time_ms for packet in packets if packet.data == data]
