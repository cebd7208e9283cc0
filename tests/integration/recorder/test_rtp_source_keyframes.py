"""Asking the sender for a keyframe: where the request goes, and how often."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from prometheus_client import REGISTRY

from services.recorder.media.frame import TimedFrame
from services.recorder.media.sources.rtp import RtpSource
from tests.integration.recorder.test_rtp_source import announce, moved_on, opened
from tests.support import vp8
from tests.support.eventually import eventually
from tests.support.rtp_peer import RtpPeer, delivered, rtp_peer

_SENDER_PORT = 23_000


@pytest.fixture
async def source() -> AsyncIterator[RtpSource]:
    """A source of video alone whose frames go somewhere."""
    with opened(announce(audio=None)) as open_one:
        open_one.attach(list[TimedFrame]().extend)
        yield open_one


@pytest.fixture
async def sender(source: RtpSource) -> AsyncIterator[RtpPeer]:
    with rtp_peer(source.answer.video) as peer:
        yield peer


async def test_the_request_goes_whence_rtcp_came_and_names_the_sender(source: RtpSource, sender: RtpPeer) -> None:
    sender.report()
    sender.keyframe()
    await delivered()
    source.tick(wants_keyframe=True)
    assert sender.keyframe_requests() == [vp8.SSRC]


async def test_without_rtcp_from_the_sender_it_goes_to_the_port_above_its_rtp(source: RtpSource) -> None:
    with rtp_peer(source.answer.video, port=_SENDER_PORT) as sender:
        sender.keyframe()
        await delivered()
        source.tick(wants_keyframe=True)
        assert sender.keyframe_requests() == [vp8.SSRC]


async def test_nothing_is_asked_for_when_nothing_is_wanted(source: RtpSource, sender: RtpPeer) -> None:
    sender.report()
    sender.keyframe()
    await delivered()
    source.tick(wants_keyframe=False)
    assert sender.keyframe_requests() == []


async def test_it_asks_as_long_as_a_keyframe_is_missing_even_if_nobody_else_wants_one(
    source: RtpSource, sender: RtpPeer
) -> None:
    sender.report()
    sender.delta()
    await delivered()
    source.tick(wants_keyframe=False)
    assert sender.keyframe_requests() == [vp8.SSRC]


async def test_nobody_is_asked_before_anything_came(source: RtpSource, sender: RtpPeer) -> None:
    source.tick(wants_keyframe=True)
    sender.report()
    await delivered()
    source.tick(wants_keyframe=True)
    assert sender.keyframe_requests() == []


async def test_it_asks_at_most_once_a_second(source: RtpSource, sender: RtpPeer) -> None:
    sender.report()
    sender.delta()
    await delivered()
    asked: list[tuple[float, float]] = []

    def asked_three_times() -> bool:
        before = time.monotonic()
        source.tick(wants_keyframe=True)
        asked.extend((before, time.monotonic()) for _ in sender.keyframe_requests())
        return len(asked) == 3

    await eventually(asked_three_times)
    # From before the one was sent until after the other was: at least as long as between the two.
    assert all(later - earlier >= 1 for (earlier, _), (_, later) in pairwise(asked))


async def test_keyframes_that_are_asked_for_are_counted_the_first_time_and_again(
    source: RtpSource, sender: RtpPeer
) -> None:
    first, again = counted("first"), counted("again")
    sender.report()
    sender.delta()
    await delivered()
    source.tick(wants_keyframe=True)
    assert (counted("first"), counted("again")) == (first + 1, again)

    def asked_again() -> bool:
        source.tick(wants_keyframe=True)
        return counted("again") > again

    await eventually(asked_again)
    assert counted("first") == first + 1


async def test_a_sound_track_is_never_asked_for_a_keyframe() -> None:
    with opened(announce(video=None)) as source, rtp_peer(source.answer.audio) as sender:
        source.attach(list[TimedFrame]().extend)
        sender.report()
        sender.sound()
        await delivered()
        source.tick(wants_keyframe=True)
        assert sender.keyframe_requests() == []


async def test_a_sender_that_began_anew_elsewhere_is_asked_there(source: RtpSource, sender: RtpPeer) -> None:
    sender.keyframe()
    await delivered()
    source.announced_again()
    with rtp_peer(source.answer.video, port=_SENDER_PORT + 2) as anew:
        anew.sequence = sender.sequence
        anew.delta()
        await delivered()
        source.tick(wants_keyframe=True)
        assert anew.keyframe_requests() == [vp8.SSRC]


async def test_a_sender_at_the_last_port_of_all_cannot_be_asked_and_harms_nothing(source: RtpSource) -> None:
    with rtp_peer(source.answer.video, port=65_535, rtcp_port=0) as sender:
        sender.delta()
        await delivered()
        source.tick(wants_keyframe=True)
        sender.report()
        await delivered()
        source.tick(wants_keyframe=True)
        assert sender.keyframe_requests() == [vp8.SSRC], "now it is known where it listens"


async def test_garbage_does_not_change_where_requests_go(source: RtpSource, sender: RtpPeer) -> None:
    with rtp_peer(source.answer.video) as stranger:
        stranger.raw(b"garbage that came first")
        await delivered()
        sender.report()
        sender.delta()
        stranger.raw(b"garbage that came last")
        await delivered()
        source.tick(wants_keyframe=True)
        assert stranger.keyframe_requests() == []
    assert sender.keyframe_requests() == [vp8.SSRC]


async def test_a_sender_that_is_gone_is_no_error_and_another_is_heard(source: RtpSource) -> None:
    frames: list[TimedFrame] = []
    source.attach(frames.extend)
    with rtp_peer(source.answer.video) as gone:
        gone.report()
        gone.delta()
        await delivered()
    source.tick(wants_keyframe=True)  # the network answers that nobody is there
    source.announced_again()
    with rtp_peer(source.answer.video) as other:
        other.sequence, other.timestamp = gone.sequence, gone.timestamp
        other.keyframe()
        other.report()
        await moved_on(source, lambda: len(frames) == 1)


def counted(attempt: str) -> float:
    return REGISTRY.get_sample_value("onrecord_keyframes_asked_total", {"attempt": attempt}) or 0
