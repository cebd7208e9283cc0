"""What holds of a receiver whatever comes from the network."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.clock import SETTLING_NS, keep_in_step
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, TimedFrame
from services.recorder.media.receiver import TrackReceiver
from services.recorder.media.retransmission import CREDIT
from services.recorder.media.rtcp import receiver_report
from services.recorder.media.rtp import RtpPacket, is_rtcp
from tests.support import vp8
from tests.support.datagrams import datagram, sender_report
from tests.unit.recorder.media.test_receiver import (
    AUDIO,
    HEARD_BEFORE,
    NOON_NS,
    OPUS,
    OPUS_TICKS,
    VIDEO,
    audio,
    hear,
    new_audio,
    opus_packet,
    video,
)

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
        frames += receiver.take([(data, now_ns)])
    frames += receiver.tick(now_ns + SETTLING_NS)
    assert all(earlier.time_ns <= later.time_ns for earlier, later in pairwise(frames))


_packets = st.builds(
    RtpPacket,
    payload_type=st.sampled_from([AUDIO, VIDEO]),
    sequence_number=st.one_of(st.integers(0, 20), st.integers(0, 0xFFFF)),
    timestamp=st.one_of(st.integers(0, 20).map(lambda n: n * OPUS_TICKS), st.integers(0, 2**32 - 1)),
    ssrc=st.sampled_from([vp8.SSRC, vp8.SSRC, 0xBEEF]),
    marker=st.booleans(),
    payload=st.one_of(st.just(OPUS), st.just(b"\x10" + vp8.keyframe()), st.binary(max_size=20)),
).map(datagram)
_reports = st.builds(
    sender_report, st.integers(-(2**60), 2**60), st.integers(0, 2**32 - 1), st.sampled_from([vp8.SSRC, 0xBEEF])
)
_course = st.lists(st.tuples(st.one_of(_packets, _packets, _reports), st.integers(0, NS_PER_SECOND)), max_size=60)


@settings(max_examples=200)
@given(_course, st.sampled_from([new_audio, video]))
def test_no_pattern_of_packets_and_reports_raises_nor_keeps_what_comes_out(
    course: list[tuple[bytes, int]], make: Callable[[], TrackReceiver]
) -> None:
    receiver, now_ns, frames = make(), NOON_NS, list[TimedFrame]()
    for data, elapsed_ns in course:
        now_ns += elapsed_ns
        if is_rtcp(data):
            assert receiver.report(data, now_ns)
            keep_in_step(now_ns, receiver.clock)
        else:
            frames += receiver.take([(data, now_ns)])
        assert len(receiver.missing(now_ns)) <= CREDIT
        if block := receiver.reception(now_ns):
            receiver_report(1, 2, block)
    frames += receiver.finish()
    assert receiver.finish() == []
    assert len(frames) == receiver.frames["frames"]
    assert all(earlier.time_ns <= later.time_ns for earlier, later in pairwise(frames))


@settings(deadline=None)
@given(
    st.lists(st.tuples(_packets, st.integers(0, NS_PER_MS)), max_size=60),
    st.integers(1, 60),
    st.sampled_from([new_audio, video]),
)
def test_what_is_read_at_once_is_as_if_it_were_read_one_by_one(
    course: list[tuple[bytes, int]], at_once: int, make: Callable[[], TrackReceiver]
) -> None:
    """Also where a sender begins anew in the midst of it. In so short a time no packet is given up."""
    arrivals_ns = accumulate((elapsed_ns for _, elapsed_ns in course), initial=NOON_NS)
    datagrams = [(data, arrival_ns) for (data, _), arrival_ns in zip(course, arrivals_ns, strict=False)]
    single, several = make(), make()
    frames = [timed for each in datagrams for timed in single.take([each])] + single.finish()
    together = [datagrams[first : first + at_once] for first in range(0, len(datagrams), at_once)]
    assert [timed for each in together for timed in several.take(each)] + several.finish() == frames
    assert (several.packets, several.frames) == (single.packets, single.frames)
    assert several.reception(NOON_NS) == single.reception(NOON_NS)


@given(st.permutations(range(8)))
def test_packets_in_any_order_within_the_wait_are_all_heard(order: list[int]) -> None:
    """The first to arrive begins the sequence, so it is number 0 here."""
    receiver = audio()
    frames = hear(receiver, [opus_packet(n) for n in (0, *(n + 1 for n in order))])
    assert [timed.frame.timestamp // OPUS_TICKS - HEARD_BEFORE for timed in frames] == list(range(9))
