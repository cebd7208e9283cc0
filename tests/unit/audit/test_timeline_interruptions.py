"""What ends a consent by itself, and what interrupts a recording, on the timeline."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given as given_words
from hypothesis import strategies as st

from services.audit.lookup import list_recordings
from services.audit.projections.line import Edge, Span
from services.audit.projections.participant_timeline import ParticipantTimeline
from services.audit.projections.timeline import timelines
from services.recorder.media.pauses import Pauses
from services.recorder.moments import nanoseconds
from shared.contracts.message import Event
from tests.support.moments import at
from tests.unit.audit.story import (
    ann,
    asked,
    begun,
    cleared,
    ended,
    entries,
    given,
    joined,
    left,
    log_of,
    paused,
    refused,
    replaced,
    requested,
    resumed,
    role_changed,
    started,
    stopped,
    told_of,
    withdrawn,
)


def seconds(each: Iterable[Span]) -> list[tuple[float | None, float | None]]:
    return [(_second(span.begin), _second(span.end)) for span in each]


def _second(edge: Edge | None) -> float | None:
    return (edge.moment - at()).total_seconds() if edge else None


def whys(participant: ParticipantTimeline) -> list[tuple[float, str, tuple[str, ...]]]:
    """When each part begins, what is kept of it, and why not more."""
    return [((part.begin.moment - at()).total_seconds(), part.status, part.reasons) for part in participant.parts]


# --- consent that ends by itself


def test_a_clear_ends_the_bar_and_says_why() -> None:
    told = ann(joined(0), started(1), given(2), left(5), cleared(5), joined(7))
    assert seconds(told.consenting) == [(2, 5)]
    assert told.consenting[0].end
    assert told.consenting[0].end.what == "consent ends: they left the room"
    assert whys(told)[-1] == (7, "blank", ("consent ended when they left",))


def test_after_the_stop_of_a_recording_the_next_one_says_that_consent_ended_with_it() -> None:
    log = entries(
        joined(0), given(1), asked(2), begun(2), requested(2), started(3), ended(9), stopped(9),
        cleared(9, reason="recording_stopped"),
        asked(10, "two"), begun(10, "two"), given(15), requested(15, part="b", recording="two"), started(16, part="b"),
    )  # fmt: skip
    first, second = timelines(log)
    (told,) = first.participants
    assert seconds(told.recorded) == [(3, 9)]
    assert told.consenting[0].end
    assert told.consenting[0].end.what == "consent ends: a recording stopped"
    assert whys(second.participants[0]) == [
        (10, "none", ("consent ended when a recording stopped",)),
        (15, "none", ("file not begun yet",)),
        (16, "recorded", ()),
    ]
    assert seconds(second.participants[0].consenting) == [(15, None)]


def test_a_yes_after_a_clear_begins_a_bar_again() -> None:
    assert seconds(ann(joined(0), started(1), given(2), cleared(5), given(7)).recorded) == [(2, 5), (7, None)]


def test_a_withdrawal_of_before_a_clear_ends_the_bar_earlier() -> None:
    told = ann(joined(0), started(1), given(2), cleared(8), withdrawn(5))
    assert seconds(told.recorded) == [(2, 5)]


def test_a_second_yes_goes_on_with_the_same_bar_and_is_no_edge() -> None:
    told = ann(joined(0), started(1), given(2), given(4))
    assert seconds(told.consenting) == [(2, None)]


def test_a_word_is_told_with_the_version_of_the_text_that_was_shown() -> None:
    told = ann(joined(0), given(2, text="2030-01"), refused(3))
    begin, end = told.consenting[0].begin, told.consenting[0].end
    assert begin
    assert end
    assert (begin.what, end.what) == ("consents (text version 2030-01)", "refuses consent")


# --- who stays


def test_who_comes_in_by_another_connection_has_not_been_away_in_between() -> None:
    """Both events have the same moment. Seen to fail with `_stays` left out."""
    told = ann(joined(0), given(1), started(2), replaced(5), joined(5), cleared(5), given(6))
    assert seconds(told.present) == [(0, None)]
    assert seconds(told.recorded) == [(2, 5), (6, None)]
    late = ann(joined(0), given(1), started(2), replaced(5), joined(7), replaced(6))
    assert late.undone == []


def test_a_yes_of_the_very_moment_of_a_clear_does_not_hold() -> None:
    told = ann(joined(0), started(1), cleared(5), given(5))
    assert seconds(told.consenting) == []


def test_the_role_is_the_last_one() -> None:
    assert ann(joined(0), role_changed(5, "moderator")).role == "moderator"


# --- pauses


def test_while_a_recording_is_paused_nobody_is_recorded_and_the_parts_say_so() -> None:
    events = (joined(0), given(0), started(1), paused(3), resumed(7))
    told = told_of(*events)
    assert seconds(told.pauses) == [(3, 7)]
    (participant,) = told.participants
    assert seconds(participant.recorded) == [(1, 3), (7, None)]
    assert (3, "blank", ("the recording is paused",)) in whys(participant)


def test_a_pause_says_so_beside_the_other_reasons() -> None:
    told = ann(joined(0), given(0), started(1), paused(3), withdrawn(4), resumed(7))
    assert whys(told)[-2:] == [
        (4, "blank", ("withdrew consent", "the recording is paused")),
        (7, "blank", ("withdrew consent",)),
    ]


def test_a_pause_lasts_to_the_end_of_its_recording_and_not_into_the_next_one() -> None:
    log = entries(
        joined(0), given(0), asked(1), begun(1), requested(1), started(1), paused(5), ended(9),
        asked(10, "two"), begun(10, "two"), requested(10, part="b", recording="two"), started(11, part="b"),
    )  # fmt: skip
    first, second = timelines(log)
    assert seconds(first.pauses) == [(5, 9)]
    assert second.pauses == []
    assert seconds(second.participants[0].recorded) == [(11, None)]


def test_of_two_pauses_the_earlier_counts_though_it_came_into_the_log_later() -> None:
    assert seconds(told_of(paused(4), paused(3), resumed(7)).pauses) == [(3, 7)]
    assert seconds(told_of(paused(4), paused(3)).pauses) == [(3, None)]


def test_a_recording_that_is_paused_has_a_pause_without_an_end() -> None:
    assert seconds(told_of(paused(3)).pauses) == [(3, None)]


@given_words(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=6))
def test_the_pauses_are_those_of_the_recorder(steps: list[tuple[int, int]]) -> None:
    """A pause may come into the log after what took effect later; each resume took effect after its pause."""
    recorder, events = Pauses(), list[Event]()
    for begin, lasts in steps:
        events += [paused(begin), resumed(begin + lasts)]
        recorder.begin(nanoseconds(at(begin)))
        recorder.end(nanoseconds(at(begin + lasts)))
    told = told_of(joined(0), given(0), started(0), *events)
    each, recorded = seconds(told.pauses), seconds(told.participants[0].recorded)
    assert each == sorted(each)
    for second in (n + 0.5 for n in range(26)):
        probe = nanoseconds(at(second))
        is_paused = recorder.first_in(probe, probe) is not None
        assert _covers(each, second) is is_paused
        assert _covers(recorded, second) is not is_paused


def _covers(each: Iterable[tuple[float | None, float | None]], second: float) -> bool:
    return any((begin or 0) < second and (end is None or second < end) for begin, end in each)


async def test_the_list_of_recordings_tells_which_is_paused() -> None:
    async def paused_ones(*events: Event) -> list[bool]:
        return [one.paused for one in await list_recordings(await log_of((asked(0), begun(0), *events)))]

    assert await paused_ones(paused(1)) == [True]
    assert await paused_ones(paused(1), resumed(2)) == [False]
    assert await paused_ones(paused(1), ended(2)) == [False]
