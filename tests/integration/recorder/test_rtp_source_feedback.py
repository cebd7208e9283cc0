"""What a sender is told about its media: what came of it, and what to send once more."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from services.recorder.media.frame import NS_PER_SECOND, TimedFrame
from services.recorder.media.sources.rtp import RtpSource
from tests.integration.recorder.test_rtp_source import announce, moved_on, opened
from tests.support import vp8
from tests.support.eventually import eventually
from tests.support.rtp_peer import RtpPeer, delivered, rtp_peer


@pytest.fixture
async def source() -> AsyncIterator[RtpSource]:
    """A source of sound alone."""
    with opened(announce(video=None)) as open_one:
        yield open_one


@pytest.fixture
def frames(source: RtpSource) -> list[TimedFrame]:
    received: list[TimedFrame] = []
    source.attach(received.extend)
    return received


@pytest.fixture
async def sender(source: RtpSource) -> AsyncIterator[RtpPeer]:
    with rtp_peer(source.answer.audio) as peer:
        peer.report()
        yield peer


@pytest.mark.usefixtures("frames")
async def test_the_sender_is_told_what_came_and_how_long_ago_it_reported(source: RtpSource, sender: RtpPeer) -> None:
    sender.sound()
    await delivered()
    sender.report()
    sender.lose()
    sender.sound()
    await delivered()
    source.tick(wants_keyframe=False)
    ((ssrc, loss, highest, _, lsr, dlsr),) = sender.receiver_reports()
    assert (ssrc, loss, highest) == (vp8.SSRC, (256 // 3) << 24 | 1, 2)
    assert lsr == (1_800_000_000 + 2_208_988_800 & 0xFFFF) << 16
    assert 0 < dlsr < 10 << 16


async def test_while_a_packet_is_missing_what_comes_is_read_soon_and_the_sender_asked() -> None:
    """Seen to fail where the reader is in no hurry: here it pauses for an hour."""
    with opened(announce(video=None), pause_seconds=3600) as source, rtp_peer(source.answer.audio) as sender:
        source.attach(lambda _: None)
        sender.report()
        sender.sound()
        sender.lose()
        sender.sound()

        def is_asked() -> bool:
            sender.sound()
            return sender.packet_requests() == [(vp8.SSRC, 1, 0)]

        await eventually(is_asked)


@pytest.mark.usefixtures("frames")
async def test_reports_are_some_seconds_apart_and_only_of_what_came(
    source: RtpSource, sender: RtpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.sound()
    await delivered()
    source.tick(wants_keyframe=False)
    assert len(sender.receiver_reports()) == 1
    for _ in range(3):
        sender.sound()
        await delivered()
        source.tick(wants_keyframe=False)
    assert sender.receiver_reports() == [], "half of five seconds have not passed"
    later_ns = time.time_ns() + 8 * NS_PER_SECOND
    monkeypatch.setattr(time, "time_ns", lambda: later_ns)
    for _ in range(3):
        source.tick(wants_keyframe=False)
    assert len(sender.receiver_reports()) == 1


async def test_a_lost_packet_is_asked_for_and_its_answer_is_heard(
    source: RtpSource, sender: RtpPeer, frames: list[TimedFrame]
) -> None:
    sounds = [sender.sound()]
    lost, lost_timestamp = sender.sequence, sender.timestamp
    sender.lose()
    sender.timestamp += 960

    async def asked() -> bool:
        sounds.append(sender.sound())
        await delivered()
        return (vp8.SSRC, lost, 0) in sender.packet_requests()

    await eventually(asked)
    sender.sequence, going_on = lost, sender.sequence
    after, sender.timestamp = sender.timestamp, lost_timestamp
    answer = sender.sound()
    sender.sequence, sender.timestamp = going_on, after
    await moved_on(source, lambda: len(frames) == len(sounds) + 1)
    assert [each.frame.data for each in frames] == [sounds[0], answer, *sounds[1:]]
