"""Ports of a participant's media, and frames that come in by them."""

from __future__ import annotations

import gc
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import pytest

from services.recorder.media.depacketize import UnsupportedCodecError
from services.recorder.media.frame import TimedFrame
from services.recorder.media.rtp import RtpPacket
from services.recorder.media.sources.ports import Host, NoPortsLeftError
from services.recorder.media.sources.reading import SocketReader
from services.recorder.media.sources.rtp import RtpSource
from shared.contracts.rtp_source import OpenRtpSource, RtpTrack
from tests.support import red
from tests.support.eventually import eventually
from tests.support.moments import at
from tests.support.rtp_peer import delivered, rtp_peer

VIDEO, AUDIO = RtpTrack(codec="VP8", payload_type=96), RtpTrack(codec="opus", payload_type=111)
HOST = Host.named("127.0.0.1")
PORTS = range(21_000, 22_000)


def announce(video: RtpTrack | None = VIDEO, audio: RtpTrack | None = AUDIO) -> OpenRtpSource:
    return OpenRtpSource(at=at(), room_id="r", session_id="s", participant_id="ann", video=video, audio=audio)


@contextmanager
def opened(asked: OpenRtpSource, ports: range = PORTS, pause_seconds: float = 0) -> Iterator[RtpSource]:
    source = RtpSource.open(asked, HOST, ports, SocketReader(pause_seconds))
    try:
        yield source
    finally:
        source.close()


async def moved_on(source: RtpSource, condition: Callable[[], bool]) -> None:
    """Move the source on, as who records it does, until the condition holds: first frames wait for their times."""

    def holds() -> bool:
        source.tick(wants_keyframe=False)
        return condition()

    await eventually(holds)


@pytest.fixture
async def source() -> AsyncIterator[RtpSource]:
    with opened(announce()) as open_one:
        yield open_one


# --- ports


async def test_each_track_has_an_even_port_for_rtp_and_the_next_one_for_rtcp(source: RtpSource) -> None:
    answer = source.answer
    assert answer.host == "127.0.0.1"
    assert answer.video is not None
    assert answer.audio is not None
    for ports in (answer.video, answer.audio):
        assert ports.rtp_port in PORTS
        assert ports.rtp_port % 2 == 0
        assert ports.rtcp_port == ports.rtp_port + 1
    assert answer.video != answer.audio


@pytest.mark.parametrize("asked", [announce(audio=None), announce(video=None)], ids=["video", "audio"])
async def test_a_track_that_was_not_announced_has_no_ports(asked: OpenRtpSource) -> None:
    with opened(asked) as source:
        assert (source.answer.video is None) == (asked.video is None)
        assert (source.answer.audio is None) == (asked.audio is None)


async def test_when_every_port_is_taken_the_range_is_named_and_none_is_kept() -> None:
    five = range(22_001, 22_006)  # pairs: 22002 and 22003, 22004 and 22005
    with (
        opened(announce(audio=None), five),
        pytest.raises(NoPortsLeftError, match="from 22001 to 22005: widen ONRECORD_RTP_PORTS"),
    ):
        RtpSource.open(announce(), HOST, five, SocketReader())
    with opened(announce(), five):
        pass


async def test_a_pair_of_which_one_port_is_taken_by_somebody_else_is_passed_over() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 22_013))
        with opened(announce(audio=None), range(22_012, 22_016)) as source:
            assert source.answer.video is not None
            assert source.answer.video.rtp_port == 22_014


async def test_a_codec_that_cannot_be_recorded_is_refused_before_a_port_is_taken() -> None:
    h264 = RtpTrack(codec="H264", payload_type=102)
    with pytest.raises(UnsupportedCodecError, match="h264"):
        RtpSource.open(announce(audio=h264), HOST, range(22_020, 22_024), SocketReader())
    with opened(announce(), range(22_020, 22_024)):
        pass


async def test_a_closed_source_leaves_no_socket_open_and_its_ports_to_others() -> None:
    """An unclosed socket is a ResourceWarning, which fails the test."""
    four = range(22_030, 22_034)
    for _ in range(3):
        with opened(announce(), four):
            pass
    gc.collect()


async def test_a_name_is_looked_up_once_not_for_every_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail: each port that was tried asked the resolver, while all media waited."""
    five = range(22_041, 22_046)
    with opened(announce(), five):
        monkeypatch.setattr(socket, "getaddrinfo", None)
        with pytest.raises(NoPortsLeftError):
            RtpSource.open(announce(), HOST, five, SocketReader())
    with opened(announce(), five) as source:
        assert source.answer.host == "127.0.0.1"


def test_a_host_that_is_not_known_is_an_error() -> None:
    with pytest.raises(OSError, match=r"known|resolution|address"):
        Host.named("no-such-host.invalid")


# --- frames


async def test_frames_reach_the_sink_whole_and_in_order(source: RtpSource) -> None:
    frames: list[TimedFrame] = []
    source.attach(frames.extend)
    with rtp_peer(source.answer.video) as video, rtp_peer(source.answer.audio) as audio:
        pictures = [video.keyframe(), *(video.delta() for _ in range(10))]
        sounds = [audio.sound() for _ in range(10)]
        await moved_on(source, lambda: len(frames) == 21)
    assert [each.frame.data for each in frames if each.frame.kind == "video"] == pictures
    assert [each.frame.data for each in frames if each.frame.kind == "audio"] == sounds


async def test_whose_redundant_sound_comes_first_is_heard_whoever_sends_something_again() -> None:
    frames: list[TimedFrame] = []
    announced = RtpTrack(codec="opus", payload_type=111, red_payload_type=63, rtx_payload_type=112)
    with opened(announce(video=None, audio=announced)) as source:
        source.attach(frames.extend)
        with rtp_peer(source.answer.audio) as stranger, rtp_peer(source.answer.audio) as audio:
            stranger.send(RtpPacket(112, 900, 0, 5, marker=False, payload=b"\x78again"))
            sound, other = red.payload(primary=b"\x78sound"), red.payload(primary=b"\x78other")
            audio.send(RtpPacket(63, 0, 0, 6, marker=False, payload=sound))
            stranger.send(RtpPacket(63, 1, 960, 6, marker=False, payload=other))
            audio.send(RtpPacket(63, 1, 960, 6, marker=False, payload=sound))
            await moved_on(source, lambda: len(frames) == 2)
            await delivered()
    assert [each.frame.data for each in frames] == [b"\x78sound"] * 2


async def test_frames_reach_the_sink_only_while_it_is_attached(source: RtpSource) -> None:
    frames: list[TimedFrame] = []
    with rtp_peer(source.answer.audio) as audio:
        audio.sound()
        await delivered()
        source.attach(frames.extend)
        attached = [audio.sound(), audio.sound()]
        await moved_on(source, lambda: len(frames) == 2)
        source.detach(frames.extend)
        audio.sound()
        await delivered()
    assert [each.frame.data for each in frames] == attached


async def test_a_source_that_is_attached_again_starts_afresh(source: RtpSource) -> None:
    """What came in between is not known, so nothing may build on what came before it."""
    first: list[TimedFrame] = []
    second: list[TimedFrame] = []
    with rtp_peer(source.answer.video) as video:
        source.attach(first.extend)
        video.keyframe()
        await moved_on(source, lambda: len(first) == 1)
        source.detach(first.extend)
        source.attach(second.extend)
        video.delta()
        again = [video.keyframe(), video.delta()]
        await moved_on(source, lambda: len(second) == 2)
    assert [each.frame.data for each in second] == again


async def test_a_lost_packet_is_given_up_by_the_clock_not_by_the_next_packet(source: RtpSource) -> None:
    frames: list[TimedFrame] = []
    source.attach(frames.extend)
    with rtp_peer(source.answer.audio) as audio:
        audio.sound()
        audio.lose()
        audio.sound()
        await moved_on(source, lambda: len(frames) == 2)
