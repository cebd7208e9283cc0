"""What holds for the recordings of a participant, whatever is asked and said in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.domain.participant_recording import PARTICIPANT_RECORDING, ParticipantRecordingCommand
from services.recorder.domain.participant_recording_life import ParticipantRecordingHappened
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
)
from tests.support import participant_recordings as internal
from tests.support import server_recordings as server
from tests.support.moments import at
from tests.support.specification import assert_repeating_writes_nothing, history

_ids = st.sampled_from(["a", "b", "c"])
_seconds = st.integers(1, 9)
_of_one = (
    internal.request,
    internal.confirm,
    internal.stop,
    partial(internal.report_flow, "audio", flows=True),
    partial(internal.report_flow, "audio", flows=False),
    internal.finish,
    internal.fail,
    partial(internal.give_up, "awaited"),
    partial(internal.give_up, "requested"),
    server.came,
    server.delete,
    partial(server.delete, reason="withdrawn"),
    server.finish_track_file,
    server.finish_track,
    server.confirm_erasure,
)
_commands: st.SearchStrategy[list[ParticipantRecordingCommand]] = st.lists(
    st.one_of(
        st.builds(server.start, _ids, consents=st.booleans(), present=st.booleans()),
        *(st.builds(command, _ids) for command in _of_one),
        *(st.builds(command, _seconds) for command in (server.stop_any, server.discard, server.pause, server.resume)),
    ),
    max_size=30,
)
#: One that gets far: most random ones do not.
_lives = st.builds(
    lambda begin, then: [*begin, *then],
    st.sampled_from(
        [
            [],
            [server.start()],
            [server.start(present=False), server.came(), internal.confirm()],
            [internal.request(), internal.confirm(), server.pause()],
            [server.start(), internal.confirm(), internal.stop(), internal.finish()],
        ]
    ),
    _commands,
)
_told: tuple[Callable[[str], ParticipantRecordingHappened], ...] = (
    internal.requested,
    internal.started,
    partial(internal.flow_started, "audio"),
    partial(internal.flow_stopped, "audio"),
    internal.stop_requested,
    internal.stopped,
    internal.failed,
    server.refused,
    server.awaited,
    server.paused,
    server.resumed,
    server.track_file_finished,
    server.track_stopped,
    lambda one: server.deleted(one=one),
    server.erased,
)
_events: st.SearchStrategy[list[ParticipantRecordingHappened]] = st.lists(
    st.builds(lambda tell, one: tell(one), st.sampled_from(_told), _ids), max_size=30
)

#: What is told while it is written, and changes nothing of what may follow.
_FLOW = {"flow-started", "flow-stopped"}
#: What may follow, by the last word of a recording's wire types; what is resumed was paused.
_NEXT = {
    "": {"refused", "awaited", "requested"},
    "refused": set(),
    "awaited": {"requested", "failed", "deleted"},
    "requested": {"started", "failed", "deleted"},
    "started": {
        *_FLOW,
        "paused",
        "resumed",
        "stop-requested",
        "track-file-finished",
        "stopped",
        "track-stopped",
        "failed",
        "deleted",
    },
    "stop-requested": {
        *_FLOW,
        "stop-requested",
        "track-file-finished",
        "stopped",
        "track-stopped",
        "failed",
        "deleted",
    },
    "stopped": {"deleted"},
    "track-stopped": {"deleted"},
    "failed": {"deleted"},
    "deleted": {"erased"},
    "erased": set(),
}
_ENDS = {"stopped", "track-stopped", "failed"}


@settings(max_examples=300)
@given(_lives)
def test_a_repeated_command_writes_nothing(commands: list[ParticipantRecordingCommand]) -> None:
    assert_repeating_writes_nothing(PARTICIPANT_RECORDING, commands)


@given(_events)
def test_no_order_of_events_is_refused(events: list[ParticipantRecordingHappened]) -> None:
    asked = (ParticipantRecordingRequested, ParticipantRecordingAwaited, ParticipantRecordingRefused)
    known = {event.participant_recording_id for event in events if isinstance(event, asked)}
    assert known <= PARTICIPANT_RECORDING.fold(events).known


@settings(max_examples=500)
@given(_lives)
def test_every_recording_lives_as_it_may(commands: list[ParticipantRecordingCommand]) -> None:
    said: dict[str, str] = {}
    since: dict[tuple[str, str], datetime] = {}
    for event in history(PARTICIPANT_RECORDING, commands):
        one, word = event.participant_recording_id, event.type.split(".")[1]
        before = said.get(one, "")
        assert word in _NEXT[before]
        if word in {"paused", "stop-requested"}:
            assert event.at < since.get((one, word), at(60)), "said twice it is news only if it was said earlier"
            since[one, word] = event.at
        if word == "resumed":
            assert event.at > since.pop((one, "paused"))
        if word not in {"paused", "resumed", "track-file-finished", *_FLOW}:
            said[one] = word


@settings(max_examples=500)
@given(_lives)
def test_one_runs_at_a_time_and_no_id_is_used_twice(commands: list[ParticipantRecordingCommand]) -> None:
    running: str | None = None
    begun: list[str] = []
    for event in history(PARTICIPANT_RECORDING, commands):
        one, word = event.participant_recording_id, event.type.split(".")[1]
        if word in {"awaited", "requested", "refused"} and not (word == "requested" and one == running):
            assert running is None
            assert one not in begun
            begun.append(one)
            running = None if word == "refused" else one
        elif word not in {"deleted", "erased"}:
            assert one == running
        if word in _ENDS or (word == "deleted" and one == running):
            running = None


@settings(max_examples=300)
@given(_lives)
def test_nobody_is_recorded_whom_a_server_asked_for_without_consent(
    commands: list[ParticipantRecordingCommand],
) -> None:
    told = history(PARTICIPANT_RECORDING, commands)
    refused = {event.participant_recording_id for event in told if isinstance(event, ParticipantRecordingRefused)}
    asked = {event.participant_recording_id for event in told if isinstance(event, ParticipantRecordingRequested)}
    assert not refused & asked
