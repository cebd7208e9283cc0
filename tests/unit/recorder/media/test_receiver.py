from __future__ import annotations

from collections.abc import Iterable

import pytest

from services.recorder.media.clock import SETTLING_NS
from services.recorder.media.depacketize import UnsupportedCodecError
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, PictureFormat, TimedFrame
from services.recorder.media.receiver import MAX_UNPLACED, MAX_WAIT_NS, TrackReceiver
from services.recorder.media.retransmission import AGAIN_NS, CREDIT, REORDERED_NS
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
#: Packets that a receiver hears until it has settled.
HEARD_BEFORE = 15
NOON_NS = 1_900_000_000 * NS_PER_SECOND
#: What the sender's clock says at noon.
SENDER_NS = 1_800_000_000 * NS_PER_SECOND


def opus_packet(number: int, *, ssrc: int = vp8.SSRC, payload_type: int = AUDIO, first: int = 0) -> bytes:
    place = HEARD_BEFORE + first + number
    return datagram(RtpPacket(payload_type, place & 0xFFFF, place * OPUS_TICKS, ssrc, marker=False, payload=OPUS))


def new_audio(**announced: int) -> TrackReceiver:
    return TrackReceiver("audio", RtpTrack(codec="opus", payload_type=AUDIO, **announced))


def audio(**announced: int) -> TrackReceiver:
    """Return one that has heard enough to have settled; packet 0 comes next, and is due at noon."""
    receiver = new_audio(**announced)
    talk(receiver, range(-HEARD_BEFORE, 0))
    return receiver


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
    """Take in what comes all at once, and wait until the first of it can be placed."""
    frames = [timed for data in datagrams for timed in receiver.take([(data, arrival_ns)])]
    return frames + receiver.tick(arrival_ns + SETTLING_NS)


def hear_no_longer(receiver: TrackReceiver, numbers: Iterable[int]) -> list[TimedFrame]:
    """Opus packets that all come in one moment."""
    return [timed for n in numbers for timed in receiver.take([(opus_packet(n), NOON_NS)])]


def talk(receiver: TrackReceiver, numbers: Iterable[int]) -> list[TimedFrame]:
    """Opus packets, each at the moment at which it is due."""
    return [timed for n in numbers for timed in receiver.take([(opus_packet(n), NOON_NS + n * OPUS_NS)])]


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


def test_the_first_frames_wait_until_it_is_known_how_late_they_are() -> None:
    """A backlog of 200 ms comes at once, then what is sent."""
    receiver = new_audio()
    assert [timed for n in range(10) for timed in receiver.take([(opus_packet(n), NOON_NS + 10 * OPUS_NS)])] == []
    assert talk(receiver, range(10, 22)) == []
    assert times_ms(talk(receiver, [22, 23])) == list(range(0, 480, 20))


def test_frames_are_placed_by_their_timestamps_however_they_come() -> None:
    receiver = audio()
    late = [NOON_NS + n * OPUS_NS + delay for n, delay in enumerate([0, 7_000_000, 0, 3_000_000])]
    frames = [timed for n, arrival_ns in enumerate(late) for timed in receiver.take([(opus_packet(n), arrival_ns)])]
    assert times_ms(frames) == [0, 20, 40, 60]


def test_after_a_stall_of_the_sender_the_time_that_is_missing_is_a_gap() -> None:
    """Its timestamps run on without one; what is heard is placed when it was captured, 18 s later."""
    receiver = audio()
    assert times_ms(talk(receiver, [0, 1])) == [0, 20]
    stalled_ns = NOON_NS + 18 * NS_PER_SECOND
    frames = [timed for n in range(2, 20) for timed in receiver.take([(opus_packet(n), stalled_ns + n * OPUS_NS)])]
    assert times_ms(frames) == [18_000 + n * 20 for n in range(2, 20)]


def test_no_more_frames_wait_for_the_clock_than_a_sender_has_that_means_no_harm() -> None:
    receiver = new_audio()
    assert hear_no_longer(receiver, range(MAX_UNPLACED)) == []
    assert len(hear_no_longer(receiver, [MAX_UNPLACED])) == MAX_UNPLACED + 1


def test_video_counts_90000_ticks_a_second() -> None:
    receiver = video()
    frames = []
    for index, packets in enumerate(video_datagrams(vp8.keyframe(), vp8.delta_frame(), vp8.delta_frame())):
        frames += hear(receiver, packets, NOON_NS + index * FRAME_NS)
    assert times_ms(frames) == [0, 33, 66]


def test_reordered_packets_make_the_same_frames() -> None:
    assert times_ms(talk(audio(), [0, 1, 2, 3])) == [0, 20, 40, 60]
    receiver = audio()
    frames = [timed for n in (0, 2, 1, 3) for timed in receiver.take([(opus_packet(n), NOON_NS + 3 * OPUS_NS)])]
    assert [timed.frame.timestamp // OPUS_TICKS - HEARD_BEFORE for timed in frames] == [0, 1, 2, 3]


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


def test_at_the_end_nothing_is_waited_for() -> None:
    receiver = new_audio()
    assert talk(receiver, [0, 1, 3]) == []
    assert times_ms(receiver.finish()) == [0, 20, 60]


# --- what the sender is told


def test_what_came_is_told_from_a_restart_of_the_sender_on() -> None:
    receiver = audio()
    talk(receiver, [0, 2])
    block = receiver.reception(NOON_NS)
    assert block is not None
    assert (block.cumulative_lost, block.extended_highest_sequence) == (1, HEARD_BEFORE + 2)
    for n in range(3):
        receiver.take([(opus_packet(n, ssrc=0xBEEF, first=40_000), NOON_NS + OPUS_NS)])
    block = receiver.reception(NOON_NS)
    assert block is not None
    assert (block.cumulative_lost, block.extended_highest_sequence) == (0, HEARD_BEFORE + 40_002)


def test_the_last_report_of_the_sender_is_given_back() -> None:
    receiver = audio()
    receiver.report(sender_report(SENDER_NS, HEARD_BEFORE * OPUS_TICKS), NOON_NS)
    block = receiver.reception(NOON_NS + NS_PER_SECOND)
    assert block is not None
    assert (block.lsr, block.dlsr) == ((SENDER_NS // NS_PER_SECOND + 2_208_988_800 & 0xFFFF) << 16, 1 << 16)


def test_a_sender_that_answers_is_asked_for_all_that_is_lost() -> None:
    receiver, asked = audio(), 0
    for lost in range(1, 4 * CREDIT, 2):
        now_ns = NOON_NS + lost * OPUS_NS
        for n in (lost - 1, lost + 1):
            receiver.take([(opus_packet(n), now_ns)])
        receiver.missing(now_ns)
        asked += receiver.missing(now_ns + REORDERED_NS) == [HEARD_BEFORE + lost]
        receiver.take([(opus_packet(lost), now_ns + REORDERED_NS)])
    assert asked == 2 * CREDIT


def test_of_what_is_read_at_once_with_a_sender_that_begins_anew_in_it_only_its_own_is_told() -> None:
    receiver = audio()
    anew = [opus_packet(n, ssrc=0xBEEF, first=40_000) for n in range(5)]
    receiver.take([(data, NOON_NS) for data in (opus_packet(0), *anew)])
    block = receiver.reception(NOON_NS)
    assert block is not None
    assert (block.cumulative_lost, block.extended_highest_sequence) == (0, HEARD_BEFORE + 40_004)


def test_strays_are_not_told_of() -> None:
    receiver = audio()
    receiver.reception(NOON_NS)
    receiver.take([(opus_packet(900, ssrc=0xBEEF), NOON_NS)])
    assert receiver.reception(NOON_NS) is None


def test_a_missing_packet_is_asked_for_until_it_comes_or_is_given_up() -> None:
    receiver = audio()
    talk(receiver, [0, 2, 4])
    now_ns = NOON_NS + 4 * OPUS_NS
    assert receiver.missing(now_ns) == []
    assert receiver.missing(now_ns + REORDERED_NS) == [HEARD_BEFORE + 1, HEARD_BEFORE + 3]
    receiver.take([(opus_packet(1), now_ns + REORDERED_NS)])
    assert receiver.missing(now_ns + REORDERED_NS + AGAIN_NS) == [HEARD_BEFORE + 3]
    receiver.tick(now_ns + MAX_WAIT_NS)
    assert receiver.missing(now_ns + MAX_WAIT_NS) == []


# --- what is not ours


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x00" * 40, b"GET / HTTP/1.1\r\n\r\n", opus_packet(5)[:11]], ids=len)
def test_a_malformed_datagram_is_counted_and_disturbs_nothing(data: bytes) -> None:
    receiver = audio()
    first = talk(receiver, [0])
    assert receiver.take([(data, NOON_NS)]) == []
    assert receiver.counters.malformed == 1
    assert times_ms(first + talk(receiver, [1, 2])) == [0, 20, 40]


def test_a_foreign_payload_type_is_counted_and_disturbs_nothing() -> None:
    receiver = audio()
    first = talk(receiver, [0])
    assert receiver.take([(opus_packet(900, ssrc=0xBEEF, payload_type=97), NOON_NS)]) == []
    assert receiver.counters.foreign == 1
    assert receiver.ssrc == vp8.SSRC
    assert times_ms(first + talk(receiver, [1, 2])) == [0, 20, 40]


def test_what_is_sent_again_is_counted_as_that_and_disturbs_nothing() -> None:
    receiver = audio(rtx_payload_type=97)
    first = talk(receiver, [0])
    assert receiver.take([(opus_packet(900, ssrc=0xBEEF, payload_type=97), NOON_NS)]) == []
    assert (receiver.counters.retransmissions, receiver.counters.foreign) == (1, 0)
    assert receiver.take([(opus_packet(900, ssrc=0xBEEF, payload_type=98), NOON_NS)]) == []
    assert (receiver.counters.retransmissions, receiver.counters.foreign) == (1, 1)
    assert times_ms(first + talk(receiver, [1, 2])) == [0, 20, 40]


def test_redundant_sound_makes_good_for_a_lost_packet_at_the_time_that_it_had() -> None:
    receiver = audio(red_payload_type=63)
    first = talk(receiver, [0])
    after_a_loss = red.payload(red.block(OPUS, earlier=OPUS_TICKS, payload_type=AUDIO), primary=OPUS)
    place = HEARD_BEFORE + 2
    packet = RtpPacket(63, place, place * OPUS_TICKS, vp8.SSRC, marker=False, payload=after_a_loss)
    assert receiver.take([(datagram(packet), NOON_NS + 2 * OPUS_NS)]) == []
    repaired = receiver.tick(NOON_NS + 2 * OPUS_NS + MAX_WAIT_NS)
    assert times_ms(first + repaired + talk(receiver, [3])) == [0, 20, 40, 60]
    assert receiver.frames["repaired"] == 1


def test_a_stray_packet_of_another_sender_does_not_become_the_one_who_is_asked_for_keyframes() -> None:
    receiver = audio()
    first = talk(receiver, [0])
    assert receiver.take([(opus_packet(900, ssrc=0xBEEF), NOON_NS)]) == []
    assert receiver.ssrc == vp8.SSRC
    assert times_ms(first + talk(receiver, [1, 2])) == [0, 20, 40]


def test_the_sender_is_unknown_before_its_first_packet() -> None:
    receiver = new_audio()
    assert receiver.ssrc is None
    talk(receiver, [0])
    assert receiver.ssrc == vp8.SSRC


def test_a_malformed_report_is_counted_and_disturbs_nothing() -> None:
    receiver = audio()
    first = talk(receiver, [0])
    assert not receiver.report(b"\x80\xc8\x00", NOON_NS)
    assert receiver.counters.malformed == 1
    assert receiver.clock.offset_ns(NOON_NS) is None
    assert times_ms(first + talk(receiver, [1])) == [0, 20]


def test_an_unknown_codec_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedCodecError, match="h264"):
        TrackReceiver("video", RtpTrack(codec="H264", payload_type=VIDEO))


# --- the sender's clock


def test_a_sender_report_teaches_the_clock() -> None:
    receiver = audio()
    receiver.report(sender_report(SENDER_NS, HEARD_BEFORE * OPUS_TICKS), NOON_NS)
    assert receiver.clock.offset_ns(NOON_NS) == NOON_NS - SENDER_NS


def test_a_report_of_another_sender_or_before_the_first_packet_teaches_nothing() -> None:
    receiver = new_audio()
    receiver.report(sender_report(SENDER_NS, HEARD_BEFORE * OPUS_TICKS), NOON_NS)
    talk(receiver, range(-HEARD_BEFORE, 0))
    receiver.report(sender_report(SENDER_NS, HEARD_BEFORE * OPUS_TICKS, ssrc=0xBEEF), NOON_NS)
    assert receiver.clock.offset_ns(NOON_NS) is None


# --- the sender begins anew


@pytest.mark.parametrize("first", [40_000, 75], ids=["far off", "a second and a half ahead"])
def test_a_sender_that_begins_anew_is_placed_by_its_arrival(first: int) -> None:
    receiver = audio()
    before = talk(receiver, [0, 1])
    after = [
        timed
        for n in range(20)
        for timed in receiver.take([(opus_packet(n, ssrc=0xBEEF, first=first), NOON_NS + (5 + n) * OPUS_NS)])
    ]
    assert receiver.ssrc == 0xBEEF
    assert times_ms(before) == [0, 20]
    assert times_ms(after) == [100 + n * 20 for n in range(20)]


def test_frames_that_wait_when_the_sender_begins_anew_are_not_lost() -> None:
    receiver = new_audio()
    assert talk(receiver, [0, 1]) == []
    anew = [opus_packet(n, ssrc=0xBEEF, first=40_000) for n in range(2)]
    assert times_ms([timed for data in anew for timed in receiver.take([(data, NOON_NS + 2 * OPUS_NS)])]) == [0, 20]


def test_a_video_sender_that_begins_anew_needs_a_keyframe_again() -> None:
    receiver = video()
    hear(receiver, video_datagrams(vp8.keyframe())[0])
    for sequence in (30_000, 30_001):
        packet = RtpPacket(VIDEO, sequence, 7, 0xBEEF, marker=False, payload=b"\x00rest")
        assert receiver.take([(datagram(packet), NOON_NS)]) == []
    assert receiver.needs_keyframe
