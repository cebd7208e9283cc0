from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.flow import APART_NS, FLOW_NS, SENDER_NS, Flow, FlowChange, FlowChanges, SenderFlow
from services.recorder.media.spans import union

START = 1_000_000
PATIENCE = 10


def flow(*heard: int) -> Flow:
    told = Flow(START, PATIENCE)
    for at in heard:
        told.hear(START + at)
    return told


def pauses(told: Flow, end: int) -> list[tuple[int, int]]:
    return [(begin - START, over - START) for begin, over in told.pauses(START + end)]


def test_nothing_flows_before_the_first_packet() -> None:
    assert not flow().flows(START)
    assert flow(0).flows(START)


def test_packets_flow_until_none_came_for_longer_than_the_patience() -> None:
    assert flow(3).flows(START + 13)
    assert not flow(3).flows(START + 14)
    assert flow(3, 14).flows(START + 24)


def test_it_flows_since_the_first_packet_after_a_pause() -> None:
    assert flow(3, 9, 19).changed_ns(START + 20) == START + 3
    assert flow(3, 14, 15).changed_ns(START + 20) == START + 14
    assert flow(0).changed_ns(START) == START


def test_it_does_not_flow_since_the_last_packet() -> None:
    assert flow(3, 9).changed_ns(START + 30) == START + 9
    assert flow().changed_ns(START + 30) == START


def test_a_pause_lasts_from_the_last_packet_to_the_next() -> None:
    assert pauses(flow(3, 13, 24, 30), 35) == [(13, 24)]


def test_a_pause_may_last_from_the_beginning_and_to_the_end() -> None:
    assert pauses(flow(), 11) == [(0, 11)]
    assert pauses(flow(), 10) == []
    assert pauses(flow(11), 22) == [(0, 11), (11, 22)]
    assert pauses(flow(10), 20) == []


def test_what_came_before_the_beginning_or_is_told_late_changes_nothing() -> None:
    assert not flow(-1).flows(START)
    assert flow(5, 3).changed_ns(START + 5) == START + 5
    assert pauses(flow(15, 3), 25) == [(0, 15)]


@given(st.lists(st.integers(0, 200)), st.integers(200, 220))
def test_pauses_are_the_times_between_packets_that_are_too_far_apart(heard: list[int], end: int) -> None:
    told = flow(*sorted(heard))
    edges = [0, *sorted(heard), end]
    expected = [(one, other) for one, other in pairwise(edges) if other - one > PATIENCE]
    assert union(pauses(told, end)) == union(expected)


def test_however_often_it_pauses_a_thousand_pauses_are_remembered_the_longest() -> None:
    lengths = [11 + number % 100 for number in range(1100)]
    heard = list(accumulate(length for pause in lengths for length in (pause, 1)))
    kept = pauses(flow(*heard), heard[-1])
    assert sorted(end - begin for begin, end in kept) == sorted(lengths)[100:]


# --- a sender


def test_a_report_tells_that_a_sender_is_there_and_is_no_flow() -> None:
    told = SenderFlow(START)
    told.hear(START + 5)
    assert told.sender.flows(START + 5)
    assert not told.tracks["audio"].flows(START + 5)
    assert not told.tracks["video"].flows(START + 5)


def test_a_packet_is_of_one_track_and_of_its_sender() -> None:
    told = SenderFlow(START)
    told.hear(START + 5, "audio")
    assert told.sender.flows(START + 5)
    assert told.tracks["audio"].flows(START + 5)
    assert not told.tracks["video"].flows(START + 5)


def test_a_sender_is_there_for_longer_than_a_track_flows() -> None:
    """Reports come seconds apart."""
    told = SenderFlow(START)
    told.hear(START, "video")
    assert told.tracks["video"].flows(START + FLOW_NS)
    assert not told.tracks["video"].flows(START + FLOW_NS + 1)
    assert told.sender.flows(START + SENDER_NS)
    assert not told.sender.flows(START + SENDER_NS + 1)


# --- what is told


def test_the_beginning_of_a_flow_is_told_once_and_with_its_first_packet() -> None:
    told = SenderFlow(START)
    changes = FlowChanges(told)
    assert list(changes.due(START)) == []
    told.hear(START + 5, "audio")
    assert list(changes.due(START + 9)) == [FlowChange("audio", flows=True, at_ns=START + 5)]
    assert list(changes.due(START + 9)) == []


def test_the_end_of_a_flow_is_told_with_its_last_packet() -> None:
    told = SenderFlow(START)
    changes = FlowChanges(told)
    told.hear(START, "video")
    list(changes.due(START))
    for at in range(0, 2 * APART_NS, FLOW_NS):
        told.hear(START + at, "video")
        assert list(changes.due(START + at + FLOW_NS)) == []
    last = START + at
    assert list(changes.due(last + FLOW_NS + 1)) == [FlowChange("video", flows=False, at_ns=last)]


def test_each_track_is_told_of_by_itself() -> None:
    told = SenderFlow(START)
    changes = FlowChanges(told)
    told.hear(START + 1, "audio")
    list(changes.due(START + 1))
    told.hear(START + 2, "video")
    assert list(changes.due(START + 2)) == [FlowChange("video", flows=True, at_ns=START + 2)]


def test_what_changes_soon_after_it_was_told_is_told_when_ten_seconds_have_passed() -> None:
    told = SenderFlow(START)
    changes = FlowChanges(told)
    told.hear(START, "audio")
    list(changes.due(START))
    assert list(changes.due(START + APART_NS - 1)) == []
    assert list(changes.due(START + APART_NS)) == [FlowChange("audio", flows=False, at_ns=START)]


def test_what_changed_and_changed_back_meanwhile_is_not_told() -> None:
    told = SenderFlow(START)
    changes = FlowChanges(told)
    told.hear(START, "audio")
    list(changes.due(START))
    list(changes.due(START + FLOW_NS + 1))
    told.hear(START + APART_NS, "audio")
    assert list(changes.due(START + APART_NS)) == []


@pytest.mark.parametrize("every_ns", [FLOW_NS + 2, 2 * FLOW_NS, 3 * FLOW_NS])
def test_a_track_that_flaps_is_told_of_six_times_a_minute_at_most(every_ns: int) -> None:
    told = SenderFlow(START)
    changes = FlowChanges(told)
    times = []
    for heard in range(START, START + 30 * APART_NS, every_ns):
        told.hear(heard, "video")
        for now in (heard, heard + FLOW_NS, heard + every_ns - 1):
            times += [now for _ in changes.due(now)]
    assert len(times) > 3
    assert all(later - earlier >= APART_NS for earlier, later in pairwise(times))
