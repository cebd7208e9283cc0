"""Several recordings of one participant's media at once: each gets what comes while it is attached."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from services.recorder.media.flow import SenderFlow
from services.recorder.media.frame import TimedFrame
from services.recorder.media.rtp import RtpPacket
from services.recorder.media.sources.rtp import RtpSource
from tests.integration.recorder.test_rtp_source import announce, moved_on, opened
from tests.support import vp8
from tests.support.eventually import eventually
from tests.support.rtp_peer import delivered, rtp_peer


@pytest.fixture
async def source() -> AsyncIterator[RtpSource]:
    with opened(announce()) as open_one:
        yield open_one


async def test_each_of_several_sinks_gets_every_frame_with_the_same_time(source: RtpSource) -> None:
    one: list[TimedFrame] = []
    other: list[TimedFrame] = []
    source.attach(one.extend)
    source.attach(other.extend)
    with rtp_peer(source.answer.video) as video, rtp_peer(source.answer.audio) as audio:
        sent = {video.keyframe(), video.delta(), audio.sound(), audio.sound()}
        await moved_on(source, lambda: len(one) == 4)
    assert {each.frame.data for each in one} == sent
    assert one == other


async def test_who_attaches_while_another_is_there_gets_frames_from_then_on_and_disturbs_nothing(
    source: RtpSource,
) -> None:
    first: list[TimedFrame] = []
    second: list[TimedFrame] = []
    with rtp_peer(source.answer.video) as video:
        source.attach(first.extend)
        pictures = [video.keyframe(), video.delta()]
        await moved_on(source, lambda: len(first) == 2)
        source.attach(second.extend)
        pictures += [video.delta(), video.keyframe()]
        await moved_on(source, lambda: len(first) == 4)
    assert data(first) == pictures, "a receiver made afresh would have waited for the keyframe"
    assert data(second) == pictures[2:]


async def test_who_detaches_takes_nothing_from_those_who_stay(source: RtpSource) -> None:
    stays: list[TimedFrame] = []
    goes: list[TimedFrame] = []
    source.attach(goes.extend)
    source.attach(stays.extend)
    with rtp_peer(source.answer.video) as video:
        pictures = [video.keyframe()]
        await moved_on(source, lambda: len(stays) == 1)
        source.detach(goes.extend)
        pictures += [video.delta(), video.delta()]
        await moved_on(source, lambda: len(stays) == 3)
    assert data(stays) == pictures
    assert data(goes) == pictures[:1]


async def test_the_last_one_to_detach_gets_what_waits_for_its_time(source: RtpSource) -> None:
    frames: list[TimedFrame] = []
    source.attach(frames.extend)
    with rtp_peer(source.answer.audio) as audio:
        sent = [audio.sound(), audio.sound()]
        await delivered()
        source.detach(frames.extend)
    assert data(frames) == sent


async def test_to_detach_what_is_not_attached_is_nothing(source: RtpSource) -> None:
    frames: list[TimedFrame] = []
    source.attach(frames.extend)
    source.detach(list[TimedFrame]().extend)
    with rtp_peer(source.answer.audio) as audio:
        audio.sound()
        await moved_on(source, lambda: len(frames) == 1)


async def test_after_a_time_with_nobody_it_starts_afresh(source: RtpSource) -> None:
    one: list[TimedFrame] = []
    other: list[TimedFrame] = []
    again: list[TimedFrame] = []
    with rtp_peer(source.answer.video) as video:
        source.attach(one.extend)
        source.attach(other.extend)
        video.keyframe()
        await moved_on(source, lambda: len(other) == 1)
        source.detach(one.extend)
        source.detach(other.extend)
        source.attach(again.extend)
        video.delta()
        keyframe = video.keyframe()
        await moved_on(source, lambda: len(again) == 1)
    assert data(again) == [keyframe]


async def test_what_any_sink_wishes_is_asked_for_at_most_once_a_second(source: RtpSource) -> None:
    source.attach(list[TimedFrame]().extend)
    with rtp_peer(source.answer.video) as video:
        video.report()
        video.keyframe()
        await delivered()
        source.tick(wants_keyframe=False)
        assert video.keyframe_requests() == [], "the only one has its picture"
        source.attach(list[TimedFrame]().extend)
        for _ in range(3):
            source.tick(wants_keyframe=False)
            source.tick(wants_keyframe=True)
        assert video.keyframe_requests() == [vp8.SSRC]
        source.attach(list[TimedFrame]().extend)
        source.tick(wants_keyframe=True)
        assert video.keyframe_requests() == [], "the answer to the one before goes to all"


def data(frames: list[TimedFrame]) -> list[bytes]:
    return [each.frame.data for each in frames]


async def test_a_flow_hears_of_packets_by_their_track_and_of_reports(source: RtpSource) -> None:
    source.attach(list[TimedFrame]().extend)
    flow = SenderFlow(0)
    source.attach_flow(flow)
    with rtp_peer(source.answer.audio) as audio:
        audio.report()
        await eventually(lambda: flow.sender.flows(time.time_ns()))
        assert not flow.tracks["audio"].flows(time.time_ns())
        audio.sound()
        await eventually(lambda: flow.tracks["audio"].flows(time.time_ns()))
    assert not flow.tracks["video"].flows(time.time_ns())


async def test_a_flow_hears_nothing_of_what_is_no_packet_of_the_track_nor_after_it_was_detached(
    source: RtpSource,
) -> None:
    frames: list[TimedFrame] = []
    source.attach(frames.extend)
    flow = SenderFlow(0)
    source.attach_flow(flow)
    with rtp_peer(source.answer.audio) as audio:
        audio.raw(b"no packet")
        audio.send(RtpPacket(99, 0, 0, vp8.SSRC, marker=False, payload=b"of no track"))
        await delivered()
        source.detach_flow(flow)
        source.detach_flow(flow)
        audio.sound()
        await moved_on(source, lambda: len(frames) == 1)
    assert not flow.sender.flows(time.time_ns())
