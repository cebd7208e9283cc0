from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.depacketize import UnsupportedCodecError
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, PictureFormat, TimedFrame
from services.recorder.media.receiver import MAX_WAIT_NS, TrackReceiver
from services.recorder.media.rtp import RtpPacket
from shared.contracts.rtp_source import RtpTrack
from tests.support import red, vp8
from tests.support.datagrams import datagram, sender_report

VIDEO, AUDIO = 96, 111
FRAME_TICKS = 3_000
FRAME_NS = 33_333_333
#: 20 ms at 48 kHz.
OPUS_TICKS, OPUS_NS = 960, 20 * NS_PER_MS
#: One frame of 20 ms, wideband (RFC 6716 section 3.1).
OPUS = b"\x48sound"
NOON_NS = 1_900_000_000 * NS_PER_SECOND


def opus_packet(number: int, *, ssrc: int = vp8.SSRC, payload_type: int = AUDIO, first: int = 0) -> bytes:
    ticks = (first + number) * OPUS_TICKS
    return datagram(RtpPacket(payload_type, (first + number) & 0xFFFF, ticks, ssrc, marker=False, payload=OPUS))


def audio() -> TrackReceiver:
    return TrackReceiver("audio", RtpTrack(codec="opus", payload_type=AUDIO))


def video() -> TrackReceiver:
    return TrackReceiver("video", RtpTrack(codec="VP8", payload_type=VIDEO))


def video_datagrams(*frames: bytes, sequence: int = 0) -> list[list[bytes]]:
    """Each frame's datagrams, numbered through."""
    split: list[list[bytes]] = []
    for index, frame in enumerate(frames):
        packets = vp8.packetize(frame, timestamp=index * FRAME_TICKS, sequence=sequence)
        sequence += len(packets)
        split.append([datagram(packet) for packet in packets])
    return split


def hear(receiver: TrackReceiver, datagrams: Iterable[bytes], arrival_ns: int = NOON_NS) -> list[TimedFrame]:
    return [timed for data in datagrams for timed in receiver.packet(data, arrival_ns)]


def talk(receiver: TrackReceiver, numbers: Iterable[int]) -> list[TimedFrame]:
    """Opus packets, each at the moment at which it is due."""
    return [timed for n in numbers for timed in receiver.packet(opus_packet(n), NOON_NS + n * OPUS_NS)]


def times_ms(frames: list[TimedFrame]) -> list[int]:
    return [(timed.time_ns - NOON_NS) // NS_PER_MS for timed in frames]


# --- frames


def test_a_picture_comes_out_with_its_last_packet() -> None:
    (packets,) = video_datagrams(vp8.keyframe())
    receiver = video()
    assert hear(receiver, packets[:-1]) == []
    (timed,) = hear(receiver, packets[-1:])
    assert (timed.frame.data, timed.frame.keyframe) == (vp8.keyframe(), True)
    assert timed.frame.format == PictureFormat("vp8", 640, 480)


def test_an_opus_packet_comes_out_at_once() -> None:
    (timed,) = talk(audio(), [0])
    assert (timed.frame.kind, timed.frame.data, timed.frame.duration_ns) == ("audio", OPUS, OPUS_NS)


def test_the_first_frame_is_placed_at_its_arrival_and_the_others_by_their_timestamps() -> None:
    receiver = audio()
    datagrams = [opus_packet(n) for n in range(4)]
    late = [NOON_NS + n * OPUS_NS + delay for n, delay in enumerate([0, 7_000_000, 0, 3_000_000])]
    frames = [timed for data, arrival in zip(datagrams, late, strict=True) for timed in receiver.packet(data, arrival)]
    assert times_ms(frames) == [0, 20, 40, 60]


def test_video_counts_90000_ticks_a_second() -> None:
    receiver = video()
    frames = []
    for index, packets in enumerate(video_datagrams(vp8.keyframe(), vp8.delta_frame(), vp8.delta_frame())):
        frames += hear(receiver, packets, NOON_NS + index * FRAME_NS)
    assert times_ms(frames) == [0, 33, 66]


def test_reordered_packets_make_the_same_frames() -> None:
    assert times_ms(talk(audio(), [0, 1, 2, 3])) == [0, 20, 40, 60]
    receiver = audio()
    frames = [timed for n in (0, 2, 1, 3) for timed in receiver.packet(opus_packet(n), NOON_NS + 3 * OPUS_NS)]
    assert [timed.frame.timestamp // OPUS_TICKS for timed in frames] == [0, 1, 2, 3]


def test_a_duplicate_comes_out_once() -> None:
    assert len(talk(audio(), [0, 1, 1, 0, 2])) == 3


# --- loss


def test_a_missing_packet_is_waited_for_and_then_given_up() -> None:
    receiver = audio()
    assert len(talk(receiver, [0, 2, 3])) == 1
    gave_up_ns = NOON_NS + 2 * OPUS_NS + MAX_WAIT_NS
    assert receiver.tick(gave_up_ns - 1) == []
    assert times_ms(receiver.tick(gave_up_ns)) == [40, 60]


def test_a_picture_with_a_missing_packet_is_dropped_and_a_keyframe_wanted() -> None:
    receiver = video()
    keyframe, broken, delta = video_datagrams(vp8.keyframe(), vp8.delta_frame(), vp8.delta_frame())
    assert len(hear(receiver, keyframe)) == 1
    assert not receiver.needs_keyframe
    assert hear(receiver, [*broken[1:], *delta]) == []
    assert receiver.tick(NOON_NS + MAX_WAIT_NS) == []
    assert receiver.needs_keyframe


def test_a_video_track_wants_a_keyframe_first_and_an_audio_track_never() -> None:
    assert video().needs_keyframe
    assert not audio().needs_keyframe


# --- what is not ours


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x00" * 40, b"GET / HTTP/1.1\r\n\r\n", opus_packet(5)[:11]], ids=repr)
def test_a_malformed_datagram_is_counted_and_disturbs_nothing(data: bytes) -> None:
    receiver = audio()
    first = talk(receiver, [0])
    assert receiver.packet(data, NOON_NS) == []
    assert receiver.counters.malformed == 1
    assert times_ms(first + talk(receiver, [1, 2])) == [0, 20, 40]


def test_a_foreign_payload_type_is_counted_and_disturbs_nothing() -> None:
    receiver = audio()
    first = talk(receiver, [0])
    assert receiver.packet(opus_packet(900, ssrc=0xBEEF, payload_type=97), NOON_NS) == []
    assert receiver.counters.foreign == 1
    assert receiver.ssrc == vp8.SSRC
    assert times_ms(first + talk(receiver, [1, 2])) == [0, 20, 40]


def test_what_is_sent_again_is_counted_as_that_and_disturbs_nothing() -> None:
    receiver = TrackReceiver("audio", RtpTrack(codec="opus", payload_type=AUDIO, rtx_payload_type=97))
    first = talk(receiver, [0])
    assert receiver.packet(opus_packet(900, ssrc=0xBEEF, payload_type=97), NOON_NS) == []
    assert (receiver.counters.retransmissions, receiver.counters.foreign) == (1, 0)
    assert receiver.packet(opus_packet(900, ssrc=0xBEEF, payload_type=98), NOON_NS) == []
    assert (receiver.counters.retransmissions, receiver.counters.foreign) == (1, 1)
    assert times_ms(first + talk(receiver, [1, 2])) == [0, 20, 40]


def test_redundant_sound_makes_good_for_a_lost_packet_at_the_time_that_it_had() -> None:
    receiver = TrackReceiver("audio", RtpTrack(codec="opus", payload_type=AUDIO, red_payload_type=63))
    first = talk(receiver, [0])
    after_a_loss = red.payload(red.block(OPUS, earlier=OPUS_TICKS, payload_type=AUDIO), primary=OPUS)
    packet = RtpPacket(63, 2, 2 * OPUS_TICKS, vp8.SSRC, marker=False, payload=after_a_loss)
    assert receiver.packet(datagram(packet), NOON_NS + 2 * OPUS_NS) == []
    repaired = receiver.tick(NOON_NS + 2 * OPUS_NS + MAX_WAIT_NS)
    assert times_ms(first + repaired + talk(receiver, [3])) == [0, 20, 40, 60]
    assert receiver.frames["repaired"] == 1


def test_a_stray_packet_of_another_sender_does_not_become_the_one_who_is_asked_for_keyframes() -> None:
    receiver = audio()
    first = talk(receiver, [0])
    assert receiver.packet(opus_packet(900, ssrc=0xBEEF), NOON_NS) == []
    assert receiver.ssrc == vp8.SSRC
    assert times_ms(first + talk(receiver, [1, 2])) == [0, 20, 40]


def test_the_sender_is_unknown_before_its_first_packet() -> None:
    receiver = audio()
    assert receiver.ssrc is None
    talk(receiver, [0])
    assert receiver.ssrc == vp8.SSRC


def test_a_malformed_report_is_counted_and_disturbs_nothing() -> None:
    receiver = audio()
    first = talk(receiver, [0])
    assert not receiver.report(b"\x80\xc8\x00", NOON_NS)
    assert receiver.counters.malformed == 1
    assert receiver.clock.offset_ns is None
    assert times_ms(first + talk(receiver, [1])) == [0, 20]


def test_an_unknown_codec_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedCodecError, match="h264"):
        TrackReceiver("video", RtpTrack(codec="H264", payload_type=VIDEO))


# --- the sender's clock


def test_a_sender_report_teaches_the_clock() -> None:
    receiver = audio()
    talk(receiver, [0])
    receiver.report(sender_report(1_800_000_000, 0), NOON_NS)
    assert receiver.clock.offset_ns == NOON_NS - 1_800_000_000 * NS_PER_SECOND


def test_a_report_of_another_sender_or_before_the_first_frame_teaches_nothing() -> None:
    receiver = audio()
    receiver.report(sender_report(1_800_000_000, 0), NOON_NS)
    talk(receiver, [0])
    receiver.report(sender_report(1_800_000_000, 0, ssrc=0xBEEF), NOON_NS)
    assert receiver.clock.offset_ns is None


# --- the sender begins anew


@pytest.mark.parametrize("first", [40_000, 75], ids=["far off", "a second and a half ahead"])
def test_a_sender_that_begins_anew_is_placed_by_its_arrival(first: int) -> None:
    receiver = audio()
    before = talk(receiver, [0, 1])
    after = [
        timed
        for n in (0, 1, 2)
        for timed in receiver.packet(opus_packet(n, ssrc=0xBEEF, first=first), NOON_NS + (5 + n) * OPUS_NS)
    ]
    assert receiver.ssrc == 0xBEEF
    assert times_ms(before) == [0, 20]
    assert times_ms(after) == [100, 120, 140]


def test_a_video_sender_that_begins_anew_needs_a_keyframe_again() -> None:
    receiver = video()
    hear(receiver, video_datagrams(vp8.keyframe())[0])
    for sequence in (30_000, 30_001):
        packet = RtpPacket(VIDEO, sequence, 7, 0xBEEF, marker=False, payload=b"\x00rest")
        assert receiver.packet(datagram(packet), NOON_NS) == []
    assert receiver.needs_keyframe


# --- whatever comes

_noise = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda n, ssrc, kind: opus_packet(n, ssrc=ssrc, payload_type=kind),
        st.integers(0, 8),
        st.sampled_from([vp8.SSRC, 0xBEEF]),
        st.sampled_from([AUDIO, 97]),
    ),
)


@given(st.lists(st.tuples(_noise, st.integers(0, 100 * NS_PER_MS)), max_size=30))
def test_whatever_arrives_frames_come_out_in_order_of_time(datagrams: list[tuple[bytes, int]]) -> None:
    receiver, now_ns, frames = audio(), NOON_NS, list[TimedFrame]()
    for data, pause_ns in datagrams:
        now_ns += pause_ns
        receiver.report(data, now_ns)
        frames += receiver.packet(data, now_ns)
    frames += receiver.tick(now_ns + MAX_WAIT_NS)
    assert all(earlier.time_ns <= later.time_ns for earlier, later in pairwise(frames))


@given(st.permutations(range(8)))
def test_packets_in_any_order_within_the_wait_are_all_heard(order: list[int]) -> None:
    """The first to arrive begins the sequence, so it is number 0 here."""
    receiver = audio()
    frames = [timed for n in (0, *(n + 1 for n in order)) for timed in receiver.packet(opus_packet(n), NOON_NS)]
    assert [timed.frame.timestamp for timed in frames] == [n * OPUS_TICKS for n in range(9)]
