"""What the log is told of media: when packets of a track flow, and which gaps its file has, while real packets come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.recorder import recording_task
from services.recorder.media import flow
from services.recorder.media.frame import NS_PER_MS
from services.recorder.media.gap_filler import SHORTEST_GAP_NS
from shared.contracts.participant_recording import (
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    TrackFlowStarted,
    TrackFlowStopped,
)
from shared.eventsourcing import insisting
from tests.support.eventually import eventually
from tests.support.rtp_peer import RtpPeer, rtp_peer
from tests.support.studio import Studio, now, studio

_Span = tuple[datetime, datetime]

_PATIENCE_MS = 200
#: What a sound may be late on a busy machine.
_LATE = timedelta(milliseconds=200)


@pytest.fixture
async def room(ffmpeg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Studio]:
    """One in which it is told soon that nothing flows."""
    monkeypatch.setattr(flow, "FLOW_NS", _PATIENCE_MS * NS_PER_MS)
    monkeypatch.setattr(flow, "APART_NS", 0)
    monkeypatch.setattr(recording_task, "_FLOW_SECONDS", 0.02)
    async with studio(tmp_path, ffmpeg) as one:
        one.arrives("ann")
        yield one


async def test_a_track_that_flows_and_stops_is_told_of_with_its_first_and_its_last_packet(room: Studio) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    with rtp_peer(opened.audio) as audio:
        first = now()
        audio.sound()
        started = await room.until("ann", TrackFlowStarted)
        await audio.sounds(5)
        last = now()
    stopped = await room.until("ann", TrackFlowStopped)
    assert (started.track, stopped.track) == ("audio", "audio")
    assert first <= started.at <= first + _LATE
    assert last - _LATE <= stopped.at <= last + _LATE


async def test_reports_are_no_flow(room: Studio) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    with rtp_peer(opened.audio) as audio, rtp_peer(opened.video) as video:
        audio.report()
        video.keyframe()
        told = await room.until("ann", TrackFlowStarted)
    assert told.track == "video"
    assert not await room.has("ann", TrackFlowStopped.type)


async def test_media_goes_on_while_the_log_cannot_be_told_that_it_flows(
    room: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.01)
    opened = await room.opens_source("ann")
    await room.records("ann")
    room.log.refusals = 10_000
    with rtp_peer(opened.audio) as audio:
        await audio.sounds(5)
        await eventually(lambda: room.log.refusals < 10_000)
        (sent,) = await audio.sounds(1)
        (segment,) = room.root.rglob("*.segment-1.webm")
        await eventually(lambda: sent in segment.read_bytes())
    assert room.log.refusals > 0
    room.log.refusals = 0
    await room.until("ann", TrackFlowStarted)


async def test_who_mutes_withdraws_and_leaves_has_these_gaps_in_the_log(room: Studio) -> None:
    opened = await room.opens_source("ann")
    await room.records("ann")
    with rtp_peer(opened.audio) as audio:
        muted = await _silent(audio)
        await audio.sounds(5)
        no = now()
        room.withdraws("ann", no)
        await audio.sounds(5)
        yes = now()
        room.consents("ann", yes)
        await audio.sounds(5)
        pause = room.pauses()
        await audio.sounds(5)
        resumed = room.resumes()
        await audio.sounds(5)
        left = now()
        room.leaves("ann", left)
        await audio.sounds(5)
    await room.stops("ann")
    stopped, started = await room.until("ann", ParticipantRecordingStopped), await _begin(room)
    assert stopped.gaps
    audio_gaps = [gap for gap in stopped.gaps.longest if gap.track == "audio"]
    found = [(gap.reason, started + _ms(gap.begin_ms), started + _ms(gap.end_ms)) for gap in audio_gaps]
    assert [reason for reason, _, _ in found[-4:]] == ["muted", "no_consent", "paused", "disconnected"]
    _assert_near(found[-4][1:], muted, _LATE)
    # What was said is told to the ms, whatever came when.
    _assert_near(found[-3][1:], (no, yes), _ms(1))
    _assert_near(found[-2][1:], (pause, resumed), _ms(1))
    _assert_near(found[-1][1:], (left, stopped.at), _ms(1))


async def test_of_a_participant_whose_media_was_never_announced_both_tracks_are_one_gap(room: Studio) -> None:
    await room.records("ann")
    await asyncio.sleep(SHORTEST_GAP_NS / 1e9)
    await room.stops("ann")
    stopped = await room.until("ann", ParticipantRecordingStopped)
    assert stopped.gaps
    assert [(gap.track, gap.begin_ms) for gap in stopped.gaps.longest] == [("audio", 0), ("video", 0)]
    assert not await room.has("ann", TrackFlowStarted.type)


async def _silent(audio: RtpPeer) -> _Span:
    """Let there be sound, then none, then sound again; return when there was none."""
    await audio.sounds(5)
    since = now()
    await asyncio.sleep(2 * SHORTEST_GAP_NS / 1e9)
    audio.timestamp += 2 * SHORTEST_GAP_NS // NS_PER_MS * 48
    await audio.sounds(5)
    return since, since + _ms(2 * SHORTEST_GAP_NS // NS_PER_MS)


async def _begin(room: Studio) -> datetime:
    return (await room.until("ann", ParticipantRecordingStarted)).at


def _ms(ms: int) -> timedelta:
    return timedelta(milliseconds=ms)


def _assert_near(found: _Span, expected: _Span, within: timedelta) -> None:
    for one, other in zip(found, expected, strict=True):
        assert abs(one - other) <= within
