from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND
from services.recorder.media.reception import Reception
from services.recorder.media.rtcp import ReportBlock, SenderReport

RATE_HZ = 48_000
TICKS, FRAME_NS = 960, 20 * NS_PER_MS


def received(*sequences: int, reception: Reception | None = None) -> Reception:
    """Receive packets of 20 ms each, none of them delayed."""
    reception = reception or Reception(RATE_HZ)
    for sequence in sequences:
        reception.receive(sequence, sequence * TICKS & 0xFFFF_FFFF, sequence * FRAME_NS)
    return reception


def told(reception: Reception) -> ReportBlock:
    block = reception.tell(0)
    assert block is not None
    return block


def test_nothing_is_told_of_a_sender_who_was_not_heard() -> None:
    assert Reception(RATE_HZ).tell(0) is None


def test_nothing_is_told_twice() -> None:
    reception = received(5)
    assert told(reception) == ReportBlock(0, 0, 5, 0)
    assert reception.tell(0) is None
    assert told(received(6, reception=reception)) == ReportBlock(0, 0, 6, 0)


def test_loss_is_what_lies_between_the_first_and_the_highest_and_did_not_come() -> None:
    assert told(received(10, 11, 17)) == ReportBlock(5 * 256 // 8, 5, 17, 0)


def test_a_reordered_packet_is_not_lost() -> None:
    block = told(received(10, 12, 11))
    assert (block.fraction_lost, block.cumulative_lost, block.extended_highest_sequence) == (0, 0, 12)


def test_the_fraction_is_of_what_was_expected_since_the_last_report_the_sum_of_all() -> None:
    reception = received(1, 4)
    assert (told(reception).fraction_lost, told(received(5, reception=reception)).fraction_lost) == (128, 0)
    block = told(received(9, reception=reception))
    assert (block.fraction_lost, block.cumulative_lost) == (192, 5)


def test_duplicates_count_as_received_and_may_make_up_for_more_than_was_lost() -> None:
    block = told(received(1, 3, 3, 3))
    assert (block.fraction_lost, block.cumulative_lost) == (0, -1)


def test_loss_of_almost_all_stays_within_its_byte() -> None:
    assert told(received(1, 1_000, reception=received(0))).fraction_lost == 255


def test_jitter_is_a_sixteenth_of_each_deviation_in_ticks() -> None:
    """Of appendix A.8: in ticks of the track, and rounded as there."""
    reception = received(0)
    reception.receive(1, TICKS, FRAME_NS + 10 * NS_PER_MS)
    assert told(reception).jitter == 480 // 16
    reception.receive(2, 2 * TICKS, 2 * FRAME_NS)
    assert told(reception).jitter == (480 + 480 - (480 + 8) // 16) // 16


def test_jitter_fades_with_every_packet_that_keeps_its_time() -> None:
    reception = Reception(1_000)
    reception.receive(0, 0, 0)
    jitter_16 = 104
    for number in range(1, 15):
        reception.receive(number, number, (number + 104) * NS_PER_MS)
        jitter_16 -= (jitter_16 + 8) // 16 if number > 1 else 0
    assert told(reception).jitter == jitter_16 // 16 == 2


def test_a_constant_delay_and_wraps_of_the_timestamp_are_no_jitter() -> None:
    reception = Reception(RATE_HZ)
    for number in range(10):
        timestamp = 2**32 - 5 * TICKS + number * TICKS
        reception.receive(number, timestamp & 0xFFFF_FFFF, NS_PER_SECOND + number * FRAME_NS)
    assert told(reception).jitter == 0


def test_the_last_sender_report_is_given_back_with_its_age() -> None:
    reception = received(0)
    for middle, arrival_ns in ((1, 0), (0xABCD_0001, NS_PER_SECOND)):
        reception.hear(SenderReport(1, 0, 0, middle, 0, 0), arrival_ns)
    block = reception.tell(2_500_000_000)
    assert block is not None
    assert (block.lsr, block.dlsr) == (0xABCD_0001, 0x1_8000)


def test_a_sender_report_is_never_of_the_future_though_our_clock_was_set_back() -> None:
    reception = received(0)
    reception.hear(SenderReport(1, 0, 0, 7, 0, 0), NS_PER_SECOND)
    assert told(reception).dlsr == 0


@given(st.lists(st.tuples(st.integers(-100, 3_000), st.integers(0, 2**32 - 1), st.integers(0, 2**50)), max_size=50))
def test_whatever_comes_what_is_told_is_within_its_bounds(packets: list[tuple[int, int, int]]) -> None:
    reception, now_ns = Reception(RATE_HZ), 0
    for sequence, timestamp, elapsed_ns in packets:
        now_ns += elapsed_ns
        reception.receive(sequence, timestamp, now_ns)
        block = reception.tell(now_ns)
        assert block is not None
        assert 0 <= block.fraction_lost <= 255
        assert 0 <= block.jitter < 2**32


def test_the_packets_of_one_picture_leave_one_after_another_which_is_no_jitter() -> None:
    reception = received(0)
    for number in range(1, 10):
        reception.receive(number, TICKS, FRAME_NS + number * NS_PER_MS)
    assert told(reception).jitter == 48 // 16, "as much as the first of them was late"


@pytest.mark.parametrize("rate_hz", [48_000, 90_000])
def test_jitter_counts_in_the_tracks_own_ticks(rate_hz: int) -> None:
    reception = Reception(rate_hz)
    reception.receive(0, 0, 0)
    reception.receive(1, rate_hz, 2 * NS_PER_SECOND)
    assert told(reception).jitter == rate_hz // 16
