"""A room's sessions, and where their files go."""

from __future__ import annotations

from datetime import datetime

import pytest

from services.recorder.domain.participant_recording import RequestParticipantRecording
from services.recorder.process_managers.rooms import RECORDED_ROOMS, RecordedRoom, due, follow, next_at
from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingAwaited
from shared.contracts.room import RoomCreated, RoomDeactivated
from tests.support.moments import at
from tests.unit.recorder.process_managers.test_sessions import (
    ANN,
    ENDED,
    FILE_FAILED,
    FILE_REQUESTED,
    FILE_STARTED,
    FILE_STOP_REQUESTED,
    JOINED,
    LEFT,
    READY,
    REQUEST_FILE,
    RUNNING,
    SESSION,
    STARTED,
    STOPPED,
    YES,
)

CREATED = RoomCreated(at=at(), room_id="r", storage_prefix="team")
PLAIN = RoomCreated(at=at(), room_id="r")
DEACTIVATED = RoomDeactivated(at=at(0.5), room_id="r", reason="requested")


def after(*events: Event) -> RecordedRoom | None:
    room: RecordedRoom | None = None
    for event in events:
        room = follow(room, event)
    return room


def prefixes(*events: Event) -> list[str]:
    room = after(*events)
    asked = due(room, at(4)) if room else ()
    return [command.storage_prefix for command in asked if isinstance(command, RequestParticipantRecording)]


def test_the_files_of_a_session_go_where_its_room_says() -> None:
    assert prefixes(CREATED, *READY) == ["team"]
    assert prefixes(PLAIN, *READY) == [""]
    assert prefixes(*READY) == [REQUEST_FILE.storage_prefix] == [""]


def test_a_session_that_goes_on_in_a_deactivated_room_keeps_its_place() -> None:
    session, *others = READY
    assert prefixes(CREATED, session, DEACTIVATED, *others) == ["team"]


def test_a_room_is_remembered_for_its_place_until_it_is_deactivated_and_for_its_sessions() -> None:
    """Seen to fail where the place of a deactivated room is kept."""
    assert after(PLAIN) is None
    assert after(CREATED)
    assert after(CREATED, DEACTIVATED) is None
    assert after(CREATED, SESSION, DEACTIVATED)
    assert after(CREATED, SESSION, DEACTIVATED, JOINED, LEFT, ENDED) is None
    assert after(CREATED, SESSION, JOINED, LEFT, ENDED) == after(CREATED)


def test_a_session_may_begin_while_files_of_the_last_one_are_finished() -> None:
    next_one = SESSION.model_copy(update={"session_id": "next"})
    room = after(*RUNNING, LEFT, ENDED, STOPPED, next_one)
    assert room
    assert room.sessions.keys() == {"s", "next"}
    assert [command.session_id for command in due(room, at(21))] == ["s"]


@pytest.mark.parametrize("event", [STARTED, FILE_STARTED, YES, DEACTIVATED, ENDED])
def test_what_is_nothing_to_a_room_changes_nothing(event: Event) -> None:
    assert after(event) is None
    room = after(CREATED)
    if event is not DEACTIVATED:
        assert room
        assert follow(room, event) is room


# --- whom time concerns


def times(*events: Event) -> datetime | None:
    room = after(*events)
    return next_at(room) if room else None


def test_time_concerns_those_who_wait_for_a_worker_or_a_participant() -> None:
    awaited = ParticipantRecordingAwaited(
        at=at(1), **ANN, participant_recording_id="own", kind="audio", until=at(61)
    )  # fmt: skip
    assert times(*READY) is None
    assert times(*READY, FILE_REQUESTED) == at(9)
    assert times(*READY, FILE_REQUESTED, awaited) == at(9)
    assert times(*RUNNING, awaited) == at(61)
    assert times(*RUNNING) is None
    assert times(*READY, FILE_REQUESTED, FILE_FAILED) is None


def test_it_gives_to_the_stream_of_the_participant_and_looks_at_rooms() -> None:
    assert RECORDED_ROOMS.stream_of(REQUEST_FILE) == FILE_REQUESTED.stream
    assert RECORDED_ROOMS.key_of(FILE_STOP_REQUESTED) == "r"
