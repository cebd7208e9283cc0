from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.frame import NS_PER_MS
from services.recorder.media.jitter_buffer import BufferedPacket, JitterBuffer, JitterCounters
from services.recorder.media.patience import SPAN_NS, Patience
from services.recorder.media.rtp import RtpPacket

MAX_WAIT_NS = 100 * NS_PER_MS
PACING_NS = 10 * NS_PER_MS
SSRC, OTHER_SSRC = 0xA, 0xB


def rtp(sequence: int, *, ssrc: int = SSRC, timestamp: int | None = None) -> RtpPacket:
    ticks = sequence * 960 if timestamp is None else timestamp
    return RtpPacket(111, sequence & 0xFFFF, ticks & 0xFFFF_FFFF, ssrc, marker=False, payload=b"x")


def buffer(capacity: int = 100) -> JitterBuffer:
    """Make one whose patience is always the same."""
    return JitterBuffer(Patience(MAX_WAIT_NS, MAX_WAIT_NS), capacity)


def feed(jitter: JitterBuffer, *packets: RtpPacket, at_ns: int = 0) -> list[BufferedPacket]:
    for packet in packets:
        jitter.push(packet, at_ns)
    return jitter.pop(at_ns)


def numbers(packets: list[BufferedPacket]) -> list[int]:
    return [packet.packet.sequence_number for packet in packets]


# --- order


def test_contiguous_packets_are_released_at_once() -> None:
    jitter = buffer()
    assert numbers(feed(jitter, rtp(7))) == [7]
    assert numbers(feed(jitter, rtp(8), rtp(9))) == [8, 9]
    assert jitter.next_deadline_ns() is None


def test_a_released_packet_tells_its_unwrapped_place_and_arrival() -> None:
    packet = rtp(7, timestamp=5)
    assert feed(buffer(), packet, at_ns=3) == [BufferedPacket(packet, 7, 5, 3)]


def test_nothing_is_released_twice() -> None:
    jitter = buffer()
    assert numbers(feed(jitter, rtp(7))) == [7]
    assert jitter.pop(1 << 62) == []


def test_reordered_packets_are_put_in_order() -> None:
    jitter = buffer()
    assert numbers(feed(jitter, rtp(1), rtp(4), rtp(3))) == [1]
    assert numbers(feed(jitter, rtp(2))) == [2, 3, 4]
    assert jitter.counters == JitterCounters(received=4)


def test_order_holds_over_the_wrap_of_the_sequence_and_of_the_timestamp() -> None:
    jitter = buffer()
    packets = [rtp(0xFFFF, timestamp=0xFFFF_FFFF), rtp(1, timestamp=1919), rtp(0, timestamp=959)]
    released = feed(jitter, *packets)
    assert [packet.sequence for packet in released] == [0xFFFF, 0x1_0000, 0x1_0001]
    assert [packet.timestamp for packet in released] == [0xFFFF_FFFF, 0x1_0000_03BF, 0x1_0000_077F]


@pytest.mark.parametrize("again", [1, 3], ids=["released", "waiting"])
def test_a_duplicate_packet_is_released_once(again: int) -> None:
    jitter = buffer()
    released = feed(jitter, rtp(1), rtp(3), rtp(again), rtp(2))
    assert numbers(released) == [1, 2, 3]
    assert jitter.counters == JitterCounters(received=4, duplicates=1)


# --- holes


def test_a_missing_packet_is_waited_for_no_longer_than_allowed() -> None:
    jitter = buffer()
    feed(jitter, rtp(1), at_ns=0)
    feed(jitter, rtp(3), at_ns=20)
    feed(jitter, rtp(4), at_ns=30)
    assert jitter.next_deadline_ns() == 20 + MAX_WAIT_NS
    assert jitter.pop(19 + MAX_WAIT_NS) == []
    assert [(p.sequence, p.lost_before) for p in jitter.pop(20 + MAX_WAIT_NS)] == [(3, 1), (4, 0)]
    assert jitter.counters == JitterCounters(received=3, lost=1)
    assert jitter.next_deadline_ns() is None


def test_each_hole_is_waited_for_from_the_first_packet_beyond_it() -> None:
    jitter = buffer()
    feed(jitter, rtp(1), at_ns=0)
    feed(jitter, rtp(3), at_ns=10)
    feed(jitter, rtp(6), at_ns=20)
    feed(jitter, rtp(5), at_ns=30)
    assert numbers(jitter.pop(10 + MAX_WAIT_NS)) == [3]
    assert jitter.next_deadline_ns() == 20 + MAX_WAIT_NS
    assert [(p.sequence, p.lost_before) for p in jitter.pop(20 + MAX_WAIT_NS)] == [(5, 1), (6, 0)]


def test_two_holes_due_at_once_are_both_given_up() -> None:
    jitter = buffer()
    feed(jitter, rtp(1), rtp(3), rtp(6))
    assert [(p.sequence, p.lost_before) for p in jitter.pop(MAX_WAIT_NS)] == [(3, 1), (6, 2)]


def test_a_packet_that_was_given_up_is_late_and_the_second_time_a_duplicate() -> None:
    jitter = buffer()
    feed(jitter, rtp(1), rtp(3))
    jitter.pop(MAX_WAIT_NS)
    assert feed(jitter, rtp(2), rtp(2), at_ns=MAX_WAIT_NS) == []
    assert jitter.counters == JitterCounters(received=4, duplicates=1, late=1, lost=1)


def test_a_packet_before_the_first_one_is_late() -> None:
    jitter = buffer()
    assert numbers(feed(jitter, rtp(10), rtp(9), rtp(11))) == [10, 11]
    assert jitter.counters == JitterCounters(received=3, late=1)


def test_a_full_buffer_gives_its_oldest_hole_up_before_the_time() -> None:
    jitter = buffer(capacity=3)
    assert numbers(feed(jitter, rtp(1), rtp(3), rtp(4), rtp(6))) == [1]
    assert [(p.sequence, p.lost_before) for p in feed(jitter, rtp(7))] == [(3, 1), (4, 0)]
    assert jitter.next_deadline_ns() == MAX_WAIT_NS


def test_a_hole_below_three_thousand_packets_is_a_hole() -> None:
    jitter = buffer()
    assert numbers(feed(jitter, rtp(1), rtp(2 + 2999))) == [1]
    assert [(p.lost_before, p.restarted) for p in jitter.pop(MAX_WAIT_NS)] == [(2999, False)]


@pytest.mark.parametrize(
    ("sent", "missing"),
    [
        pytest.param([1, 2], [], id="none"),
        pytest.param([1, 4, 7, 6], [2, 3, 5], id="of two holes"),
        pytest.param([0xFFFF, 0x1_0002], [0x1_0000, 0x1_0001], id="over the wrap"),
    ],
)
def test_what_is_waited_for_is_known(sent: list[int], missing: list[int]) -> None:
    jitter = buffer()
    feed(jitter, *(rtp(sequence) for sequence in sent))
    assert list(jitter.missing()) == missing
    jitter.pop(MAX_WAIT_NS)
    assert list(jitter.missing()) == []


# --- patience


def calmed() -> JitterBuffer:
    """One that waits for 50 to 100 ms, and has seen that 50 are enough."""
    jitter = JitterBuffer(Patience(MAX_WAIT_NS // 2, MAX_WAIT_NS), 100)
    for number in range(3):
        feed(jitter, rtp(number), at_ns=number * SPAN_NS)
    return jitter


def wait_ns(jitter: JitterBuffer, sequence: int, at_ns: int) -> int:
    """Open a hole before that packet, and tell how long it is waited for."""
    feed(jitter, rtp(sequence), at_ns=at_ns)
    deadline_ns = jitter.next_deadline_ns()
    assert deadline_ns is not None
    return deadline_ns - at_ns


def test_where_nothing_comes_late_less_is_waited_for() -> None:
    assert wait_ns(calmed(), 4, 2 * SPAN_NS) == MAX_WAIT_NS // 2


def test_after_one_that_came_late_and_in_time_more_is_waited_for() -> None:
    jitter, now_ns = calmed(), 2 * SPAN_NS
    feed(jitter, rtp(4), at_ns=now_ns)
    assert numbers(feed(jitter, rtp(3), at_ns=now_ns + 40 * NS_PER_MS)) == [3, 4]
    assert wait_ns(jitter, 6, now_ns + 50 * NS_PER_MS) == 80 * NS_PER_MS


def test_after_one_that_came_too_late_more_is_waited_for() -> None:
    jitter, now_ns = calmed(), 2 * SPAN_NS
    feed(jitter, rtp(4), at_ns=now_ns)
    jitter.pop(now_ns + MAX_WAIT_NS)
    feed(jitter, rtp(3), at_ns=now_ns + MAX_WAIT_NS)
    assert wait_ns(jitter, 6, now_ns + MAX_WAIT_NS) == MAX_WAIT_NS


def test_packets_that_come_in_order_or_twice_do_not_change_what_is_waited_for() -> None:
    jitter, now_ns = calmed(), 2 * SPAN_NS
    feed(jitter, rtp(3), rtp(3), rtp(4), at_ns=now_ns + MAX_WAIT_NS)
    assert wait_ns(jitter, 6, now_ns + MAX_WAIT_NS) == MAX_WAIT_NS // 2


# --- restarts


@pytest.mark.parametrize(
    ("sequence", "ssrc"),
    [
        pytest.param(3, OTHER_SSRC, id="another SSRC that goes on in sequence"),
        pytest.param(40_000, OTHER_SSRC, id="another SSRC"),
        pytest.param(2 + 3000, SSRC, id="a jump ahead"),
        pytest.param(2 - 2000, SSRC, id="a jump back"),
        pytest.param(2 - 101, SSRC, id="the least jump back"),
        pytest.param(0xFFFF, OTHER_SSRC, id="another SSRC before its wrap"),
    ],
)
def test_two_consecutive_packets_of_elsewhere_are_a_restart(sequence: int, ssrc: int) -> None:
    jitter = buffer()
    feed(jitter, rtp(1))
    assert feed(jitter, rtp(sequence, ssrc=ssrc), at_ns=5) == []
    first, second = feed(jitter, rtp(sequence + 1, ssrc=ssrc), at_ns=6)
    assert (first.sequence, first.restarted, first.lost_before) == (sequence & 0xFFFF, True, 0)
    assert (second.sequence, second.restarted) == (first.sequence + 1, False)
    assert (first.arrival_ns, second.arrival_ns) == (5, 6)
    assert jitter.counters == JitterCounters(received=3, restarts=1)


def test_the_first_packet_of_all_is_no_restart() -> None:
    (first,) = feed(buffer(), rtp(1))
    assert not first.restarted


def test_a_restart_flushes_what_waits_in_order() -> None:
    jitter = buffer()
    feed(jitter, rtp(1), rtp(5), rtp(3))
    released = feed(jitter, rtp(9, ssrc=OTHER_SSRC), rtp(10, ssrc=OTHER_SSRC))
    assert [(p.packet.sequence_number, p.lost_before, p.restarted) for p in released] == [
        (3, 1, False),
        (5, 1, False),
        (9, 0, True),
        (10, 0, False),
    ]
    assert jitter.counters.lost == 2


def test_the_timestamp_starts_anew_after_a_restart() -> None:
    jitter = buffer()
    feed(jitter, rtp(1, timestamp=0xFFFF_FFFF), rtp(2, timestamp=959))
    released = feed(jitter, rtp(9, ssrc=OTHER_SSRC, timestamp=100), rtp(10, ssrc=OTHER_SSRC, timestamp=1060))
    assert [packet.timestamp for packet in released] == [100, 1060]


@pytest.mark.parametrize(
    "strays",
    [
        pytest.param([rtp(9, ssrc=OTHER_SSRC)], id="another SSRC"),
        pytest.param([rtp(30_000)], id="far off"),
        pytest.param([rtp(30_000), rtp(30_002)], id="not consecutive"),
        pytest.param([rtp(9, ssrc=OTHER_SSRC), rtp(9, ssrc=OTHER_SSRC)], id="one twice"),
        pytest.param([rtp(9, ssrc=OTHER_SSRC), rtp(10, ssrc=0xC)], id="consecutive but of two senders"),
    ],
)
def test_strays_disturb_nothing(strays: list[RtpPacket]) -> None:
    jitter = buffer()
    released = feed(jitter, rtp(1), *strays, rtp(2), rtp(3))
    assert numbers(released) == [1, 2, 3]
    assert jitter.counters == JitterCounters(received=3 + len(strays), strays=len(strays))


def test_a_packet_a_hundred_behind_is_late_and_no_restart() -> None:
    jitter = buffer()
    assert numbers(feed(jitter, rtp(200), rtp(101), rtp(102), rtp(201))) == [200, 201]
    assert jitter.counters == JitterCounters(received=4, late=2)


def test_two_senders_that_take_turns_do_not_restart_each_other() -> None:
    jitter = buffer()
    mixed = [rtp(n, ssrc=ssrc) for n in range(1, 20) for ssrc in (SSRC, OTHER_SSRC)]
    assert numbers(feed(jitter, *mixed)) == list(range(1, 20))
    assert jitter.counters.restarts == 0


def test_many_strays_do_not_shift_the_unwrapping() -> None:
    jitter = buffer()
    released = feed(jitter, rtp(1), rtp(30_000), rtp(60_000), rtp(24_000), rtp(2))
    assert [packet.sequence for packet in released] == [1, 2]


def test_a_packet_has_a_sequence_number_as_soon_as_it_is_known_to_be_of_the_sequence() -> None:
    jitter = buffer()
    sent = [rtp(0xFFFF), rtp(0x1_0001), rtp(0x1_0000), rtp(0x1_0000), rtp(5, ssrc=OTHER_SSRC), rtp(6, ssrc=OTHER_SSRC)]
    assert [jitter.push(packet, 0) for packet in sent] == [0xFFFF, 0x1_0001, 0x1_0000, 0x1_0000, None, 6]


# --- sender reports


def test_a_sender_reports_timestamp_is_unwrapped_like_the_packets() -> None:
    jitter = buffer()
    feed(jitter, rtp(1, timestamp=0xFFFF_FF00), rtp(2, timestamp=0x100))
    assert jitter.sender_timestamp(SSRC, 0x200) == 0x1_0000_0200
    assert jitter.sender_timestamp(SSRC, 0xFFFF_FFFF) == 0xFFFF_FFFF


def test_a_sender_report_of_another_sender_has_no_timestamp_here() -> None:
    jitter = buffer()
    assert jitter.sender_timestamp(SSRC, 1) is None
    feed(jitter, rtp(1))
    assert jitter.sender_timestamp(OTHER_SSRC, 1) is None


# --- laws


@dataclass(frozen=True)
class Sent:
    sequence: int
    arrivals_ns: tuple[int, ...]
    sent_ns: int

    def is_in_time(self) -> bool:
        return any(arrival - self.sent_ns <= MAX_WAIT_NS for arrival in self.arrivals_ns)


@st.composite
def journeys(draw: st.DrawFn) -> list[Sent]:
    """Packets sent at an even pace, each lost, delayed or doubled; only the first is sure to come first."""
    first = draw(st.integers(0, 0xFFFF))
    delays = st.lists(st.integers(0, 2 * MAX_WAIT_NS), max_size=2)
    journeys = draw(st.lists(delays, max_size=50))
    return [
        Sent(first + n, tuple(n * PACING_NS + delay for delay in each), n * PACING_NS)
        for n, each in enumerate([[0], *journeys])
    ]


@dataclass
class Run:
    """The packets on their way through a buffer that is asked at each arrival and at each deadline."""

    jitter: JitterBuffer
    released: list[tuple[int, BufferedPacket]] = field(default_factory=list)
    most_held: int = 0

    def play(self, packets: list[Sent]) -> Run:
        for arrival_ns, packet in sorted((a, p.sequence) for p in packets for a in p.arrivals_ns):
            self.run_until(arrival_ns - 1)
            self.jitter.push(rtp(packet), arrival_ns)
            self.pop(arrival_ns)
            self.most_held = max(self.most_held, self.held())
        self.run_until(1 << 62)
        return self

    def run_until(self, now_ns: int) -> None:
        while (deadline_ns := self.jitter.next_deadline_ns()) is not None and deadline_ns <= now_ns:
            self.pop(deadline_ns)

    def pop(self, now_ns: int) -> None:
        self.released += [(now_ns, packet) for packet in self.jitter.pop(now_ns)]

    def held(self) -> int:
        counters = self.jitter.counters
        dropped = counters.duplicates + counters.late + counters.strays
        return counters.received - dropped - len(self.released)


@settings(max_examples=150)
@given(journeys())
def test_whatever_the_network_does_packets_come_out_once_in_order_and_in_time(packets: list[Sent]) -> None:
    run = Run(buffer()).play(packets)
    sequences = [packet.sequence for _, packet in run.released]
    assert sequences == sorted(set(sequences))
    assert {packet.sequence for packet in packets if packet.is_in_time()} <= set(sequences)
    assert all(now_ns - packet.arrival_ns <= MAX_WAIT_NS for now_ns, packet in run.released)


@settings(max_examples=100)
@given(journeys(), st.integers(1, 8))
def test_every_hole_is_told_and_every_packet_is_accounted_for(packets: list[Sent], capacity: int) -> None:
    run = Run(buffer(capacity)).play(packets)
    released = [packet for _, packet in run.released]
    holes = [b.sequence - a.sequence - 1 for a, b in pairwise(released)]
    assert [packet.lost_before for packet in released] == [0, *holes]
    assert run.jitter.counters.lost == sum(holes)
    assert run.held() == 0
    assert run.most_held <= capacity


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 100, 3000, 3001, 40_000, 65_535]), st.integers(1, 2))))
def test_whatever_is_sent_sequences_grow_up_to_a_restart(arrivals: list[tuple[int, int]]) -> None:
    jitter = buffer(capacity=4)
    last = -1
    for now_ns, (sequence, ssrc) in enumerate(arrivals):
        for packet in feed(jitter, rtp(sequence, ssrc=ssrc), at_ns=now_ns * PACING_NS):
            assert packet.restarted or packet.sequence > last
            last = packet.sequence
