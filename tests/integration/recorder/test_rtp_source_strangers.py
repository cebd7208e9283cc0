"""Whoever finds a port does not take over somebody's file."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from services.recorder.media import sender_lock
from services.recorder.media.frame import NS_PER_SECOND, TimedFrame
from services.recorder.media.rtp import RtpPacket
from services.recorder.media.sources.rtp import RtpSource
from tests.integration.recorder.test_rtp_source import announce, moved_on, opened
from tests.support.datagrams import sender_report
from tests.support.rtp_peer import RtpPeer, delivered, rtp_peer, strangers

Heard = list[bytes]


@pytest.fixture
async def source() -> AsyncIterator[RtpSource]:
    with opened(announce()) as open_one:
        yield open_one


@pytest.fixture
def heard(source: RtpSource) -> Heard:
    data: Heard = []

    def take(frames: list[TimedFrame]) -> None:
        data.extend(frame.frame.data for frame in frames)

    source.attach(take)
    return data


def other_sender(peer: RtpPeer) -> list[bytes]:
    """Send as a sender that begins anew: another SSRC, packets that follow one another."""
    sounds = [b"\xf8stranger" + bytes((number,)) for number in range(4)]
    for number, sound in enumerate(sounds):
        peer.send(RtpPacket(111, 30_000 + number, 960 * number, 0xBAD, marker=False, payload=sound))
    return sounds


async def test_what_another_address_sends_is_ignored_and_told_once(source: RtpSource, heard: Heard) -> None:
    """Seen to fail: two packets of another sender were taken for a restart, and the file went on with them."""
    with rtp_peer(source.answer.audio) as audio, rtp_peer(source.answer.audio) as stranger, capture_logs() as logs:
        sounds = [audio.sound(), audio.sound()]
        await moved_on(source, lambda: heard == sounds)
        other_sender(stranger)
        sounds.append(audio.sound())
        await moved_on(source, lambda: heard == sounds)
        await delivered()
    assert heard == sounds
    told = [entry for entry in logs if entry["event"] == "media of another sender is ignored"]
    assert [entry["kind"] for entry in told] == ["audio"]


async def test_a_sender_that_begins_anew_at_its_own_address_is_followed(source: RtpSource, heard: Heard) -> None:
    with rtp_peer(source.answer.audio) as audio:
        sounds = [audio.sound(), *other_sender(audio)]
        await moved_on(source, lambda: heard == sounds)


async def test_who_found_the_port_before_anybody_records_is_a_stranger_too(source: RtpSource) -> None:
    heard: list[TimedFrame] = []
    with rtp_peer(source.answer.audio) as audio, rtp_peer(source.answer.audio) as stranger:
        audio.sound()
        await delivered()
        source.attach(heard.extend)
        other_sender(stranger)
        sound = audio.sound()
        await moved_on(source, lambda: len(heard) > 0)
    assert [each.frame.data for each in heard] == [sound]


async def test_media_that_goes_on_at_another_address_after_a_silence_is_taken(
    source: RtpSource, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_lock, "SILENCE_NS", 0)
    with rtp_peer(source.answer.audio) as audio, rtp_peer(source.answer.audio) as moved:
        sounds = [audio.sound()]
        await moved_on(source, lambda: heard == sounds)
        sounds += other_sender(moved)
        await moved_on(source, lambda: heard == sounds)


async def test_media_that_was_announced_again_is_taken_from_elsewhere_at_once(source: RtpSource, heard: Heard) -> None:
    with rtp_peer(source.answer.audio) as audio, rtp_peer(source.answer.audio) as moved:
        sounds = [audio.sound()]
        await moved_on(source, lambda: heard == sounds)
        source.announced_again()
        sounds += other_sender(moved)
        await moved_on(source, lambda: heard == sounds)


async def test_what_is_no_media_of_the_track_does_not_keep_its_sender_out(source: RtpSource, heard: Heard) -> None:
    with rtp_peer(source.answer.audio) as audio, rtp_peer(source.answer.audio) as stranger:
        stranger.raw(b"\x80\x6f")
        stranger.raw(b"\x80\x00" + bytes(20))
        await delivered()
        sounds = [audio.sound()]
        await moved_on(source, lambda: heard == sounds)


async def test_reports_of_another_host_are_ignored_and_counted(source: RtpSource, heard: Heard) -> None:
    """They would move the sender's clock, and with it what is permitted."""
    ports = source.answer.audio
    assert ports is not None
    before = strangers("audio")
    with rtp_peer(ports) as audio, socket.socket(type=socket.SOCK_DGRAM) as stranger:
        audio.sound()
        await moved_on(source, lambda: len(heard) == 1)
        audio.report()
        stranger.bind(("127.0.0.2", 0))
        stranger.sendto(sender_report(1_800_000_000 * NS_PER_SECOND, 0), ("127.0.0.1", ports.rtcp_port))
        await moved_on(source, lambda: strangers("audio") > before)
    assert strangers("audio") == before + 1
