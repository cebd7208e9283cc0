"""Whose yes holds: what ends one by itself, and what the order of the log does not change about it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from shared.contracts.consent import ConsentGiven, ConsentRefused
from shared.contracts.message import Event
from shared.contracts.recording import RecordingFailed, RecordingStopped
from shared.contracts.room import ConsentPolicy, LeaveReason, ParticipantLeft
from shared.contracts.yeses import Yeses
from tests.support.moments import at
from tests.unit.recorder.test_gates import IN, cleared, joined, left, no, paused, resumed, stopped, yes

PEOPLE = ("ann", "bob")


def refused(second: float, who: str = "ann") -> ConsentRefused:
    return ConsentRefused(at=at(second), **IN, participant_id=who)


def told(*events: Event, policy: ConsentPolicy = "clear") -> Yeses:
    yeses = Yeses.under(policy)
    for event in events:
        yeses = yeses.after(event)
    return yeses


def holding(*events: Event, policy: ConsentPolicy = "clear") -> set[str]:
    return set(told(*events, policy=policy).holding)


# --- words


def test_nobody_consents_who_said_nothing() -> None:
    assert holding() == holding(joined(0)) == set()
    assert not told().holds("ann")


def test_a_yes_is_whose_it_is() -> None:
    assert holding(yes(1)) == {"ann"}
    assert told(yes(1)).holds("ann")
    assert not told(yes(1)).holds("bob")
    assert holding(yes(1), yes(2, "bob")) == {"ann", "bob"}


def test_a_no_ends_a_yes_and_a_yes_a_no() -> None:
    for word in (no, refused):
        assert holding(yes(1), yes(1, "bob"), word(2)) == {"bob"}
        assert holding(word(1), yes(2)) == {"ann"}


def test_a_no_that_came_into_the_log_after_a_yes_undoes_it_although_it_was_said_before() -> None:
    for word in (no, refused):
        assert holding(yes(7), word(3)) == set()


def test_each_answer_is_a_value_of_its_own() -> None:
    before = told(yes(1))
    before.after(no(2))
    before.after(stopped(2))
    before.after(yes(2, "bob"))
    assert before == told(yes(1))
    assert before.holding == {"ann"}


# --- what ends a yes by itself


@pytest.mark.parametrize("reason", ["quit", "timeout", "replaced"])
def test_a_yes_ends_when_its_participant_leaves(reason: LeaveReason) -> None:
    assert holding(yes(1), yes(1, "bob"), left(4, reason=reason)) == {"bob"}
    assert holding(yes(1), left(4, reason=reason), joined(4)) == set()


def test_every_yes_ends_when_the_recording_stops() -> None:
    assert holding(yes(1), yes(2, "bob"), stopped(4)) == set()


@pytest.mark.parametrize("cause", [left(4), stopped(4), cleared(4)], ids=["left", "stopped", "cleared"])
def test_what_was_said_after_that_holds_and_nothing_else_wherever_the_log_has_it(cause: Event) -> None:
    for second, holds in ((3.9, False), (4, False), (4.001, True)):
        assert told(cause, yes(second)).holds("ann") is holds
        assert told(yes(second), cause).holds("ann") is holds
        assert told(yes(1), cause, yes(second)).holds("ann") is holds


def test_an_earlier_end_that_comes_later_into_the_log_does_not_take_the_later_one_back() -> None:
    for later, earlier in ((stopped(6), stopped(4)), (left(6), left(4)), (left(6), cleared(4))):
        assert holding(later, earlier, yes(5)) == set()


def test_an_older_yes_that_comes_later_into_the_log_does_not_take_the_newer_one_back() -> None:
    assert holding(yes(5), stopped(4), yes(3)) == {"ann"}


def test_nothing_else_ends_a_yes() -> None:
    failed = RecordingFailed(at=at(7), **IN, recording_id="rec", reason="no worker answered")
    assert holding(yes(1), joined(2), paused(3), resumed(4), failed) == {"ann"}


def test_where_consent_is_kept_only_words_end_a_yes() -> None:
    assert holding(yes(1), left(3), joined(4), stopped(5), policy="keep") == {"ann"}
    assert holding(yes(1), left(3), stopped(5), no(6), policy="keep") == set()
    assert holding(yes(1), cleared(3), policy="keep") == set()


# --- what holds for any log

_people = st.sampled_from(PEOPLE)
_seconds = st.integers(1, 9)
_events: st.SearchStrategy[list[Event]] = st.lists(
    st.one_of(
        *(st.builds(kind, _seconds, _people) for kind in (yes, yes, no, refused, cleared, left)),
        st.builds(stopped, _seconds),
    ),
    max_size=20,
)
_policies: st.SearchStrategy[ConsentPolicy] = st.sampled_from(("clear", "keep"))


@for_all(_events, _policies, st.integers(0, 2**32))
def test_the_same_people_consent_whatever_order_streams_are_brought_together_in(
    events: list[Event], policy: ConsentPolicy, seed: int
) -> None:
    assert holding(*_interleaved(events, Random(seed)), policy=policy) == holding(*events, policy=policy)


@for_all(_events, st.randoms(use_true_random=False))
def test_writing_down_that_a_yes_ended_changes_nothing(events: list[Event], random: Random) -> None:
    written = list(events)
    for event in events:
        for who in _ended_by(event):
            # Anywhere: earlier than its cause when the gateway's stream comes late.
            written.insert(random.randint(0, len(written)), cleared((event.at - at()).total_seconds(), who))
    assert holding(*written) == holding(*events)


@for_all(_events)
def test_in_a_log_in_order_who_consents_has_said_yes_and_nothing_has_happened_since(events: list[Event]) -> None:
    for second, event in enumerate(events):
        events[second] = event.model_copy(update={"at": at(second)})
    consenting: set[str] = set()
    for event in events:
        consenting -= {*_ended_by(event), getattr(event, "participant_id", "")}
        consenting |= {event.participant_id} if isinstance(event, ConsentGiven) else set()
    assert holding(*events) == consenting


@for_all(_events, _policies)
def test_those_who_hold_are_each_of_whom_it_is_said(events: list[Event], policy: ConsentPolicy) -> None:
    yeses = told(*events, policy=policy)
    assert yeses.holding == {who for who in PEOPLE if yeses.holds(who)}


def _ended_by(event: Event) -> tuple[str, ...]:
    match event:
        case ParticipantLeft():
            return (event.participant_id,)
        case RecordingStopped():
            return PEOPLE
        case _:
            return ()


def _interleaved(events: list[Event], random: Random) -> list[Event]:
    """Return the same streams, each in its order, brought together in another one."""
    streams: dict[str, list[Event]] = {}
    for event in events:
        streams.setdefault(event.stream, []).append(event)
    order = [event.stream for event in events]
    random.shuffle(order)
    return [streams[stream].pop(0) for stream in order]
