from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

import pytest
from hypothesis import given as given_words
from hypothesis import strategies as st

from services.audit.lookup import session_entries
from services.audit.projections.line import Edge, Span
from services.audit.projections.participant_timeline import ParticipantTimeline
from services.audit.projections.timeline import only, timelines
from services.recorder.media.gate import Condition, Gate
from services.recorder.moments import nanoseconds
from shared.contracts.consent import ConsentCleared, ConsentGiven
from shared.contracts.message import Event
from shared.contracts.room import ParticipantJoined, ParticipantLeft, RoomCreated, RoomEvent
from tests.support.moments import at
from tests.support.participant_recordings import FILE, GAPS
from tests.unit.audit.story import (
    about,
    ann,
    asked,
    begun,
    cleared,
    ended,
    entries,
    failed,
    given,
    joined,
    left,
    log_of,
    recording_failed,
    refused,
    replaced,
    requested,
    started,
    stop_requested,
    stopped,
    told_of,
    told_story,
    withdrawn,
)


def spans(*events: Event) -> Sequence[tuple[float | None, float | None]]:
    """The seconds between which Ann was recorded."""
    return seconds(ann(*events).recorded)


def seconds(each: Sequence[Span]) -> list[tuple[float | None, float | None]]:
    return [(_second(span.begin), _second(span.end)) for span in each]


def _second(edge: Edge | None) -> float | None:
    return (edge.moment - at()).total_seconds() if edge else None


def parts(participant: ParticipantTimeline) -> list[tuple[float | None, float | None, str, tuple[str, ...]]]:
    return [(_second(part.begin), _second(part.end), part.status, part.reasons) for part in participant.parts]


# --- when somebody was recorded


@pytest.mark.parametrize(
    "events",
    [(joined(1), given(2)), (joined(1), started(2)), (given(1), started(2))],
    ids=["no-file", "no-consent", "not-there"],
)
def test_nobody_is_recorded_of_whom_one_condition_does_not_hold(events: tuple[Event, ...]) -> None:
    assert spans(*events) == []


def test_a_participant_is_recorded_once_all_conditions_hold_in_whichever_order() -> None:
    makers: tuple[Callable[[float], Event], ...] = (joined, given, started)
    for first, second, third in permutations(makers):
        assert spans(first(1), second(2), third(3)) == [(3, None)]


@pytest.mark.parametrize(
    "end",
    [left(9), withdrawn(9), refused(9), stopped(9), failed(9)],
    ids=lambda e: e.type,
)
def test_a_span_ends_with_the_first_condition_that_does_and_names_it(end: Event) -> None:
    (span,) = ann(joined(1), given(2), started(3), end).recorded
    assert span.begin
    assert span.end
    assert (span.begin.moment, span.begin.type) == (at(3), "participant-recording.started.v1")
    assert (span.end.moment, span.end.type) == (at(9), end.type)


def test_coming_back_and_consenting_again_begin_further_spans() -> None:
    begin = (joined(1), given(2), started(3))
    assert spans(*begin, left(5), joined(7), withdrawn(8), given(9)) == [(3, 5), (7, 8), (9, None)]


def test_that_a_file_is_to_end_does_not_end_the_span_yet() -> None:
    assert spans(joined(1), given(2), started(3), stop_requested(5)) == [(3, None)]


# --- order


def test_what_took_effect_first_counts_first_however_late_it_was_written() -> None:
    assert spans(joined(1), given(2), started(3), left(9), withdrawn(5)) == [(3, 5)]


def test_a_withdrawal_that_took_effect_before_a_yes_that_was_written_before_it_undoes_that_yes() -> None:
    """As the log's last word says, and as the recorder's gate does: nothing was recorded since."""
    assert spans(joined(1), given(5), started(3), withdrawn(4)) == []
    assert spans(joined(1), given(2), started(3), withdrawn(6), given(8), withdrawn(7)) == [(3, 6)]


def test_leaving_that_took_effect_before_a_join_that_was_written_before_it_undoes_that_join() -> None:
    told = ann(given(1), joined(5), started(3), left(4))
    assert told.recorded == []
    assert told.display_name == "Ann"


def test_a_yes_after_that_begins_a_span_again() -> None:
    assert spans(joined(1), given(5), started(3), withdrawn(4), given(7)) == [(7, None)]


def test_of_two_words_for_one_moment_the_no_counts() -> None:
    """Seen to fail without `_is_momentary`."""
    assert spans(joined(1), started(2), given(5), withdrawn(5)) == []
    assert spans(joined(1), started(2), withdrawn(5), given(5)) == []


@given_words(
    st.lists(
        st.tuples(st.sampled_from([joined, left, replaced, given, withdrawn, refused, cleared]), st.integers(1, 9))
    )
)
def test_what_was_recorded_is_what_the_recorders_gate_let_pass(
    words: list[tuple[Callable[[float], Event], int]],
) -> None:
    """Whatever was said, in whichever order it came into the log."""
    events = [word(second) for word, second in words]
    gate, recorded = Gate(), spans(started(0), *events)
    for event in events:
        condition: Condition = "presence" if isinstance(event, RoomEvent) else "consent"
        if isinstance(event, ConsentCleared):
            gate.lapse("consent", nanoseconds(event.at))
        elif not (isinstance(event, ParticipantLeft) and event.reason == "replaced"):
            gate.say(condition, nanoseconds(event.at), holds=isinstance(event, ParticipantJoined | ConsentGiven))
    for second in (n + 0.5 for n in range(10)):
        probe = nanoseconds(at(second))
        shown = any((begin or 0) < second and (end is None or second < end) for begin, end in recorded)
        assert gate.permits(probe, probe) is shown


# --- what shows it


def test_every_edge_tells_the_event_behind_it() -> None:
    """Each field, as the log has it."""
    log = entries(asked(0), begun(0), requested(0), joined(1), given(2), started(3), withdrawn(9))
    ((told,),) = [timelines(log)[0].participants]
    edge = told.recorded[0].end
    stored = log[-1].stored
    assert edge
    assert (edge.moment, edge.type, edge.stream, edge.position) == (at(9), stored.type, "consent-s:ann", 2)
    assert (edge.global_position, edge.event_id, edge.actor) == (7, stored.id, "participant:ann")
    assert edge.what == "withdraws consent"


def test_presence_and_consent_are_told_apart_each_with_its_own_events() -> None:
    told = ann(joined(1), given(1), started(2), left(4), withdrawn(5), joined(6), given(7), stopped(8))
    assert seconds(told.present) == [(1, 4), (6, None)]
    assert seconds(told.consenting) == [(1, 5), (7, None)]
    assert [span.begin and span.begin.type for span in told.present] == ["room.participant-joined.v1"] * 2
    assert [span.begin and span.begin.type for span in told.consenting] == ["consent.given.v1"] * 2


def test_what_held_since_before_the_recording_is_shown_by_the_event_before_it() -> None:
    """And what was over by then is not. Seen to fail without `_is_within`."""
    log = entries(joined(-9), given(-8), left(-7), joined(-6), asked(0), begun(1), requested(1), started(2), left(90))
    (told,) = timelines(log)[0].participants
    assert seconds(told.present) == [(-6, 90)]
    assert seconds(told.consenting) == [(-8, None)]


def test_a_word_that_was_undone_is_told_as_such() -> None:
    told = ann(joined(1), given(5), withdrawn(4))
    assert [edge.moment for edge in told.undone] == [at(5)]
    assert told.consenting == []


# --- what was kept, and why not


def test_the_parts_fill_the_recording_without_a_hole_and_say_why_nothing_was_kept() -> None:
    log = entries(
        asked(0), begun(1), joined(2), given(3), requested(4), started(5), withdrawn(6), left(7, reason="timeout"),
        given(8), joined(9), left(10), joined(11), refused(12), given(13), stopped(14), ended(15),
    )  # fmt: skip
    (told,) = timelines(log)[0].participants
    assert parts(told) == [
        (1, 2, "none", ("not in the room yet", "has not consented")),
        (2, 3, "none", ("has not consented",)),
        (3, 4, "none", ("no file requested",)),
        (4, 5, "none", ("file not begun yet",)),
        (5, 6, "recorded", ()),
        (6, 7, "blank", ("withdrew consent",)),
        (7, 8, "blank", ("disconnected", "withdrew consent")),
        (8, 9, "blank", ("disconnected",)),
        (9, 10, "recorded", ()),
        (10, 11, "blank", ("left the room",)),
        (11, 12, "recorded", ()),
        (12, 13, "blank", ("refused consent",)),
        (13, 14, "recorded", ()),
        (14, 15, "none", ("file finished",)),
    ]


def test_a_file_that_failed_is_why_nothing_is_kept_since_and_in_the_end_nothing_at_all() -> None:
    told = ann(joined(0), given(0), started(1), withdrawn(3), failed(5))
    assert parts(told)[1:] == [
        (1, 3, "recorded", ("the file failed later",)),
        (3, 5, "blank", ("withdrew consent", "the file failed later")),
        (5, None, "none", ("withdrew consent",)),
    ]


def test_the_parts_begin_and_end_with_the_recording_and_are_shown_by_its_events() -> None:
    (told,) = timelines(entries(joined(-5), asked(0), begun(1), ended(9), left(12)))[0].participants
    (part,) = told.parts
    assert part.end
    assert (part.begin.type, part.end.type) == ("recording.started.v1", "recording.stopped.v1")


# --- the session


async def test_other_sessions_are_not_in_it() -> None:
    other = ParticipantJoined(**{**about(1, "eve"), "session_id": "t"}, display_name="Eve", role="user")
    log = await log_of((RoomCreated(at=at(), room_id="r"), asked(0), other, joined(1)))
    (told,) = timelines(await session_entries(log, "s", await log.head()))
    assert [one.participant_id for one in told.participants] == ["ann"]


def test_participants_do_not_mix() -> None:
    told = told_of(joined(1), given(2, "bob"), joined(3, "bob"), started(4))
    by_id = {one.participant_id: one for one in told.participants}
    assert by_id["ann"].recorded == by_id["bob"].recorded == []
    assert by_id["bob"].display_name == "Bob"


def test_who_came_after_the_recording_is_not_in_it() -> None:
    """Seen to fail without the look at `until` in `_timeline`."""
    (told,) = timelines(entries(joined(-5), asked(0), begun(1), ended(9), joined(10, "late"), given(10, "late")))
    assert [one.participant_id for one in told.participants] == ["ann"]


def test_each_recording_has_its_own_timeline_and_its_own_files() -> None:
    log = entries(
        joined(1), given(1), asked(2), begun(2), requested(3), started(3), ended(5), stopped(5),
        asked(6, "two"), begun(6, "two"), requested(7, part="b", recording="two"), started(7, part="b"),
    )  # fmt: skip
    one, two = timelines(log)
    assert [(told.recording_id, told.outcome) for told in (one, two)] == [("rec", "stopped"), ("two", "running")]
    assert seconds(one.participants[0].recorded) == [(3, 5)]
    assert seconds(two.participants[0].recorded) == [(7, None)]
    assert [file.participant_recording_id for file in two.files] == ["b"]
    assert parts(two.participants[0])[0] == (6, 7, "none", ("no file requested",))


def test_a_finished_file_is_listed_with_its_begin_and_end() -> None:
    told = told_of(started(3), stop_requested(7), stopped(7))
    (file,) = told.files
    assert file.ended
    assert (file.participant_id, file.begin, file.ended.moment, file.file) == ("ann", at(3), at(7), FILE)
    assert file.gaps == GAPS
    assert told.failures == {}


def test_a_failure_is_listed_with_its_reason() -> None:
    told = told_of(joined(1), given(2), started(3), failed(5, reason="disk full"))
    assert told.failures == {"ann": "disk full"}
    assert [file.file for file in told.files] == [None]


def test_a_recording_that_no_worker_took_up_begins_with_the_request_and_ends_with_the_failure() -> None:
    (told,) = timelines(entries(joined(1), asked(2), recording_failed(7)))
    assert told.end
    assert (told.begin.moment, told.end.moment, told.outcome) == (at(2), at(7), "failed")
    assert told.end.what == "the recording failed: no worker answered"


def test_one_participant_can_be_picked_out() -> None:
    told = told_of(joined(1), joined(2, "bob"))
    assert [one.participant_id for one in only(told, "bob").participants] == ["bob"]


async def test_the_story_is_told_as_it_happened() -> None:
    first, second = await told_story()
    assert [one.participant_id for one in first.participants] == ["ann", "bob", "mona"]
    story_ann, story_bob, mona = first.participants
    assert seconds(story_ann.recorded) == [(10.5, 20), (30, 40), (45, 60)]
    assert seconds(story_bob.recorded) == [(50.5, 52)]
    assert mona.recorded == []
    assert first.failures == {"bob": "disk full"}
    assert [one.participant_id for one in second.participants] == ["ann", "bob", "cy", "mona"]
    assert [len(one.undone) for one in second.participants] == [0, 0, 1, 0]
    assert second.until == at(90)
