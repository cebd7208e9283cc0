"""The process managers of recorder and gateway in random meetings, beside the deciders whose commands they give."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from random import Random
from typing import TypeGuard

from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.domain.recording import Running
from services.recorder.domain.participant_recording import RequestParticipantRecording
from services.recorder.gates import Gates
from services.recorder.moments import nanoseconds
from services.recorder.process_managers.open_recordings import participant_recording_id
from services.recorder.process_managers.sessions import due, next_at
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingRequested,
    ParticipantRecordingStopRequested,
    RecordingKind,
)
from shared.contracts.room import ConsentPolicy, SessionEnded, SessionStarted
from tests.support.moments import at
from tests.support.simulated_meeting import Asked, SimulatedMeeting, replay, replay_recorded

Step = Callable[[SimulatedMeeting], None]

PEOPLE = ("ann", "bob", "cy")
KINDS: tuple[RecordingKind, ...] = ("audio_video", "audio")


def _pass_time(seconds: float) -> Step:
    def step(meeting: SimulatedMeeting) -> None:
        meeting.second += seconds

    return step


_people = st.sampled_from(PEOPLE)
_kinds: st.SearchStrategy[RecordingKind] = st.sampled_from(KINDS)
#: What a server may ask for; most of all, to record.
_asking = st.sampled_from(
    [SimulatedMeeting.ask_to_record] * 3
    + [SimulatedMeeting.ask_to_stop, SimulatedMeeting.ask_to_pause, SimulatedMeeting.ask_to_resume]
    + [SimulatedMeeting.ask_to_delete]
)
_policies: st.SearchStrategy[ConsentPolicy] = st.sampled_from(("clear", "keep"))
_steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(lambda who: lambda meeting: meeting.join(who), _people),
    st.builds(lambda who: lambda meeting: meeting.leave(who), _people),
    st.builds(lambda who, yes: lambda meeting: meeting.say(who, consent=yes), _people, st.booleans()),
    st.builds(lambda who, kind: lambda meeting: meeting.begin_file(who, kind), _people, _kinds),
    st.builds(lambda who, kind: lambda meeting: meeting.finish_file(who, kind), _people, _kinds),
    st.builds(lambda who, kind, ask: lambda meeting: ask(meeting, who, kind), _people, _kinds, _asking),
    st.sampled_from([SimulatedMeeting.start, SimulatedMeeting.stop, SimulatedMeeting.confirm]),
    st.sampled_from([SimulatedMeeting.pause, SimulatedMeeting.resume, SimulatedMeeting.stop_at_once]),
    st.just(SimulatedMeeting.clear),
    st.just(lambda meeting: meeting.settle(1)),
    st.builds(_pass_time, st.sampled_from([0.001, 1, 6, 61])),
)
#: Most meetings get somewhere: two are in, one consents, and a recording runs, or already the second one.
_opening: list[Step] = [
    lambda meeting: meeting.join("ann"),
    lambda meeting: meeting.join("bob"),
    lambda meeting: meeting.say("bob", consent=True),
    SimulatedMeeting.start,
    SimulatedMeeting.confirm,
]
_second_recording: list[Step] = [
    lambda meeting: meeting.settle(1),
    SimulatedMeeting.stop,
    SimulatedMeeting.start,
    SimulatedMeeting.confirm,
]
_meetings = st.builds(
    lambda opening, steps: [*opening, *steps],
    st.sampled_from([[], _opening, [*_opening, *_second_recording]]),
    st.lists(_steps, min_size=4, max_size=30),
)


def _file_id(recording: Running, who: str) -> str:
    return participant_recording_id(recording.recording_id, who)


def held(steps: list[Step], policy: ConsentPolicy = "clear") -> SimulatedMeeting:
    meeting = SimulatedMeeting(policy)
    for step in steps:
        step(meeting)
        meeting.second += 0.001
    return meeting


@settings(max_examples=250)
@given(_meetings, _policies)
def test_only_who_is_present_and_consents_is_to_be_recorded_while_a_recording_runs_or_when_they_were_awaited(
    steps: list[Step], policy: ConsentPolicy
) -> None:
    meeting = SimulatedMeeting(policy)
    for step in steps:
        step(meeting)
        meeting.second += 0.001
        for command in meeting.due():
            if isinstance(command, RequestParticipantRecording):
                running = meeting.recordings.running
                current = meeting.participant_recordings[command.participant_id, command.kind].current
                assert command.participant_id in meeting.consenting()
                if command.recording_id is None:
                    assert current
                    assert current.phase == "awaited"
                else:
                    assert running
                    assert (running.recording_id, running.started) == (command.recording_id, True)


@settings(max_examples=250)
@given(_meetings, _policies)
def test_everybody_who_is_present_and_consents_while_a_recording_runs_has_or_had_a_file(
    steps: list[Step], policy: ConsentPolicy
) -> None:
    meeting = held(steps, policy)
    meeting.settle()
    running = meeting.recordings.running
    if running and running.started:
        files = {who: meeting.participant_recordings[who, "audio_video"] for who in PEOPLE}
        busy = {who for who in PEOPLE if files[who].current}
        had = {who for who in PEOPLE if _file_id(running, who) in files[who].known}
        assert meeting.consenting() <= busy | had


@given(_meetings, _policies)
def test_what_is_due_does_not_wait_for_the_consent_service(steps: list[Step], policy: ConsentPolicy) -> None:
    meeting = held(steps, policy)
    before = meeting.due()
    meeting.clear()
    assert meeting.due() == before


@settings(max_examples=250)
@given(_meetings, _policies, st.integers(0, 2**32))
def test_who_consents_does_not_depend_on_how_the_log_brought_the_streams_together(
    steps: list[Step], policy: ConsentPolicy, seed: int
) -> None:
    meeting = held(steps, policy)
    told = replay(meeting.log)
    if told and not told.ended_at:
        again = replay(_interleaved(meeting.log, Random(seed)))
        assert again
        assert again.yeses.holding == told.yeses.holding
        assert again.present & again.yeses.holding == meeting.consenting()


@settings(max_examples=250)
@given(_meetings, _policies, st.integers(0, 2**32))
def test_whoever_is_to_be_recorded_has_an_open_gate_and_nobody_else(
    steps: list[Step], policy: ConsentPolicy, seed: int
) -> None:
    meeting = held(steps, policy)
    told = replay(meeting.log)
    if told and not told.ended_at:
        gates, now = Gates(), nanoseconds(at(meeting.second))
        for event in _interleaved(meeting.log, Random(seed)):
            gates.apply(event)
        opened = {who for who in PEOPLE if gates.of_file("s", who, "a file without pauses", None).permits(now, now)}
        assert opened == told.present & told.yeses.holding


def _interleaved(log: list[Event], random: Random) -> list[Event]:
    """Return the same streams, each in its order, brought together in another one after the session's start."""
    begun = next(place for place, event in enumerate(log) if isinstance(event, SessionStarted)) + 1
    streams: dict[str, list[Event]] = {}
    for event in log[begun:]:
        streams.setdefault(event.stream, []).append(event)
    order = [event.stream for event in log[begun:]]
    random.shuffle(order)
    return log[:begun] + [streams[stream].pop(0) for stream in order]


@given(_meetings)
def test_when_everything_due_was_done_nothing_is_due_any_more(steps: list[Step]) -> None:
    meeting = held(steps)
    meeting.settle()
    assert meeting.due() == []


@given(_meetings, _policies)
def test_nothing_is_due_that_would_be_refused(steps: list[Step], policy: ConsentPolicy) -> None:
    meeting = held(steps, policy)
    meeting.refusals.clear()
    meeting.settle()
    assert meeting.refusals == []


@settings(max_examples=250)
@given(_meetings, _policies)
def test_when_the_session_is_over_every_recording_ends_and_what_servers_asked_for_ends_there(
    steps: list[Step], policy: ConsentPolicy
) -> None:
    meeting = held([*steps, *_everybody_leaves()], policy)
    if not meeting.session_id:
        return
    ended_at = next(event.at for event in meeting.log if isinstance(event, SessionEnded))
    meeting.second += 1
    told = len(meeting.log)
    meeting.settle()
    currents = [recordings.current for recordings in meeting.participant_recordings.values()]
    assert all(current is None or current.phase == "stopping" for current in currents)
    own = {event.participant_recording_id for event in meeting.log if _is_of_server(event)}
    for event in meeting.log[told:]:
        if isinstance(event, ParticipantRecordingStopRequested) and event.participant_recording_id in own:
            assert event.at == ended_at


def _is_of_server(event: Event) -> TypeGuard[ParticipantRecordingRequested]:
    return isinstance(event, ParticipantRecordingRequested) and event.recording_id is None


@given(_meetings)
def test_replaying_all_events_gives_the_same_meeting(steps: list[Step]) -> None:
    meeting = held(steps)
    assert replay(meeting.log) == meeting.session
    assert replay_recorded(meeting.log) == meeting.recorded


@given(_meetings)
def test_what_is_due_is_due_again_until_its_event_was_seen(steps: list[Step]) -> None:
    meeting = held(steps)
    assert meeting.due() == meeting.due()
    for command in meeting.due():
        before = len(meeting.log)
        meeting.give(command)
        assert len(meeting.log) == before or command not in meeting.due()


@given(_meetings)
def test_what_is_given_twice_is_done_once(steps: list[Step]) -> None:
    """As when two gateways, or two recorders, see the same."""
    meeting = held([*steps, *_everybody_leaves()])
    while commands := meeting.due():
        for command in commands:
            meeting.give(command)
        after_the_first = list(meeting.log)
        for command in commands:
            meeting.give(command)
        assert meeting.log == after_the_first


@given(_meetings, st.integers(0, 2**32))
def test_whether_a_room_recording_has_to_end_does_not_depend_on_how_the_log_brought_the_streams_together(
    steps: list[Step], seed: int
) -> None:
    meeting = held([lambda meeting: meeting.join("ann"), *steps])
    again = replay_recorded(_interleaved(meeting.log, Random(seed)))
    told = meeting.recorded
    assert (again and again.recording) == (told and told.recording)
    assert bool(again and again.ended_at) == bool(told and told.ended_at)


@given(_meetings, st.lists(st.integers(0, 90), min_size=2, max_size=2))
def test_what_is_due_changes_with_time_only_at_the_moment_that_is_told(steps: list[Step], later: list[int]) -> None:
    """Whoever runs a process manager asks no session again before. Seen to fail where no moment is told."""
    meeting = held(steps)
    moments = [at(meeting.second + seconds) for seconds in later]
    if meeting.session and ((until := next_at(meeting.session)) is None or max(moments) < until):
        assert _alike(due(meeting.session, moments[0])) == _alike(due(meeting.session, moments[1]))


@given(_meetings, st.lists(st.integers(0, 30), max_size=6))
def test_every_meeting_comes_to_its_end_however_late_commands_are_given(steps: list[Step], when: list[int]) -> None:
    """Commands are taken down at some moments and given at the very end, when the session is over already."""
    meeting, delayed = SimulatedMeeting(), list[Asked]()
    for number, step in enumerate([*steps, *_everybody_leaves()]):
        step(meeting)
        meeting.second += 0.001
        if number in when:
            delayed += meeting.due()
    meeting.settle()
    for command in delayed:
        meeting.give(command)
    meeting.settle()
    for who, kind in product(PEOPLE, KINDS):
        meeting.finish_file(who, kind)
    assert meeting.session is None
    assert meeting.recorded is None
    assert meeting.recordings.running is None
    assert all(recordings.current is None for recordings in meeting.participant_recordings.values())


def _alike(commands: Iterable[Asked]) -> list[tuple[type, str]]:
    """Return what tells them apart, whenever they are given."""
    return [(type(each), getattr(each, "participant_recording_id", "")) for each in commands]


def _everybody_leaves() -> list[Step]:
    return [lambda meeting, who=who: meeting.leave(who) for who in PEOPLE]  # type: ignore[misc]
