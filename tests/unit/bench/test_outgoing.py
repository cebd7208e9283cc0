"""The media that benchmarks send, as a recorder receives it."""

from __future__ import annotations

import struct

from services.bench.media.outgoing import OutgoingAudio, OutgoingVideo, Ports
from services.demo.media import Clip
from services.recorder.media.receiver import TrackReceiver
from services.recorder.media.rtcp import SenderReport, parse_rtcp
from services.recorder.media.rtp import is_rtcp, parse_rtp
from shared.contracts.rtp_source import RtpTrack
from tests.support import vp8

PORTS = Ports("127.0.0.1", (4000, 4001), (4002, 4003))
KEYFRAME = vp8.keyframe() + bytes(3000)
DELTA = vp8.delta_frame() + bytes(100)
#: Two groups of three.
CLIP = Clip((KEYFRAME, DELTA, DELTA) * 2, (b"\xf8one", b"\xf8two"))


def received(track: OutgoingVideo | OutgoingAudio, count: int) -> list[bytes]:
    """Send so many frames to a receiver, and return those that it has whole."""
    is_video = isinstance(track, OutgoingVideo)
    announced = RtpTrack(codec="VP8", payload_type=96) if is_video else RtpTrack(codec="opus", payload_type=111)
    receiver = TrackReceiver("video" if is_video else "audio", announced)
    media = [packet for n in range(count) for packet, _ in track.send(n / track.rate) if not is_rtcp(packet)]
    frames = [timed for n, packet in enumerate(media) for timed in receiver.take([(packet, n)])]
    return [timed.frame.data for timed in frames + receiver.finish()]


def test_every_frame_arrives_as_it_is_in_the_clip_which_is_sent_over_and_over() -> None:
    assert received(OutgoingVideo(CLIP, PORTS), 8) == [*CLIP.video, KEYFRAME, DELTA]
    assert received(OutgoingAudio(CLIP, PORTS), 3) == [b"\xf8one", b"\xf8two", b"\xf8one"]


def test_a_keyframe_that_is_asked_for_is_sent_next_and_what_is_skipped_has_no_number() -> None:
    video = OutgoingVideo(CLIP, PORTS)
    received(video, 1)
    video.skip_to_keyframe()
    received(video, 1)
    assert video.numbers == [0, 3]


def test_one_that_is_asked_for_behind_the_last_keyframe_is_the_first_of_the_next_lap() -> None:
    video = OutgoingVideo(CLIP, PORTS)
    received(video, 4)
    video.skip_to_keyframe()
    received(video, 2)
    assert video.numbers == [0, 1, 2, 3, 6, 7]


def test_a_keyframe_that_comes_anyway_is_not_skipped() -> None:
    video = OutgoingVideo(CLIP, PORTS)
    received(video, 3)
    video.skip_to_keyframe()
    received(video, 1)
    assert video.numbers == [0, 1, 2, 3]


def test_a_report_before_each_second_says_when_the_next_frame_was_captured() -> None:
    video = OutgoingVideo(CLIP, PORTS)
    datagrams = [datagram for n in range(31) for datagram in video.send(1_800_000_000 + n / 30)]
    reports = [
        (parse_rtcp(data)[0], target, datagrams[at + 1]) for at, (data, target) in enumerate(datagrams) if is_rtcp(data)
    ]
    assert len(reports) == 2
    for second, (report, target, (following, _)) in enumerate(reports):
        assert isinstance(report, SenderReport)
        assert target == ("127.0.0.1", 4001)
        assert abs(report.ntp_ns / 1e9 - 1_800_000_000 - second) < 0.001
        assert report.rtp_timestamp == parse_rtp(following).timestamp


def test_packets_fit_a_network_and_say_which_picture_they_are_of() -> None:
    video = OutgoingVideo(CLIP, PORTS)
    payloads = [parse_rtp(data).payload for n in range(2) for data, _ in video.send(n / 30) if not is_rtcp(data)]
    assert max(map(len, payloads)) <= 1204
    assert [struct.unpack_from("!BBH", payload)[2] & 0x7FFF for payload in payloads] == [0, 0, 0, 1]
