from __future__ import annotations

from typing import Any

import pytest

from services.gateway.projections.roster import LiveSession, Notice, Roster
from shared.contracts.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn
from shared.contracts.message import Event
from shared.contracts.recording import RecordingFailed, RecordingRequested, RecordingStarted, RecordingStopped
from shared.contracts.room import ParticipantJoined, ParticipantLeft, Role, RoomCreated, SessionEnded, SessionStarted
from tests.support.moments import at

IN = {"room_id": "r", "session_id": "s"}
REC = {**IN, "recording_id": "rec"}

SESSION = SessionStarted(at=at(), **IN)
ENDED = SessionEnded(at=at(9), **IN)
REQUESTED = RecordingRequested(at=at(2), **REC, requested_by="ann")
STARTED = RecordingStarted(at=at(3), **REC, worker_id="worker")
STOPPED = RecordingStopped(at=at(4), **REC, reason="requested")
FAILED = RecordingFailed(at=at(4), **REC, reason="no worker answered")


def joined(who: str = "ann", role: Role = "user", second: float = 1) -> ParticipantJoined:
    return ParticipantJoined(at=at(second), **IN, participant_id=who, display_name=who.title(), role=role)


def left(who: str = "ann") -> ParticipantLeft:
    return ParticipantLeft(at=at(5), **IN, participant_id=who, reason="quit")


def gave(who: str = "ann") -> ConsentGiven:
    return ConsentGiven(at=at(2), **IN, participant_id=who)


def withdrew(who: str = "ann") -> ConsentWithdrawn:
    return ConsentWithdrawn(at=at(3), **IN, participant_id=who)


def refused(who: str = "ann") -> ConsentRefused:
    return ConsentRefused(at=at(3), **IN, participant_id=who)


def roster(*events: Event) -> Roster:
    told = Roster()
    for event in events:
        told.apply(event)
    return told


def session(*events: Event) -> LiveSession:
    live = roster(*events).session("r")
    assert live
    return live


def peer_view(who: str = "ann", *, consents: bool = False, role: Role = "user") -> dict[str, Any]:
    return {
        "id": who,
        "control": {
            "display_name": who.title(),
            "role": role,
            "participation_kind": "guest" if role == "guest" else "user",
            "hand_is_up": False,
            "joined_at": "2030-05-17T12:00:01Z",
            "hand_updated_at": "2030-05-17T12:00:01Z",
            "left_at": None,
        },
        "recording": {"consents_recording": consents},
    }


# --- what is told


@pytest.mark.parametrize("role", ["guest", "user", "moderator"])
def test_everybody_else_is_told_who_joined(role: Role) -> None:
    view = {"message": "joined", **peer_view(role=role)}
    assert roster(SESSION).apply(joined(role=role)) == [Notice("r", "control", view, about="ann")]


def test_everybody_else_is_told_who_left() -> None:
    notices = roster(SESSION, joined()).apply(left())
    assert notices == [Notice("r", "control", {"message": "left", "id": "ann"}, about="ann")]


def test_everybody_else_is_told_who_consents() -> None:
    view = {"message": "update", **peer_view(consents=True)}
    assert roster(SESSION, joined()).apply(gave()) == [Notice("r", "control", view, about="ann")]


@pytest.mark.parametrize("no", [withdrew(), refused()])
def test_everybody_else_is_told_who_does_not_consent(no: Event) -> None:
    view = {"message": "update", **peer_view(consents=False)}
    assert roster(SESSION, joined(), gave()).apply(no) == [Notice("r", "control", view, about="ann")]


def test_everybody_is_told_that_a_recording_started() -> None:
    notice = Notice("r", "recording", {"message": "started", "recording_id": "rec"}, about=None)
    assert roster(SESSION, REQUESTED).apply(STARTED) == [notice]


def test_everybody_is_told_that_a_recording_stopped() -> None:
    notice = Notice("r", "recording", {"message": "stopped", "recording_id": "rec"}, about=None)
    assert roster(SESSION, REQUESTED, STARTED).apply(STOPPED) == [notice]


@pytest.mark.parametrize("event", [REQUESTED, FAILED, SESSION, ENDED, RoomCreated(at=at(), room_id="r")])
def test_nobody_is_told_of_what_has_no_message(event: Event) -> None:
    assert roster(SESSION).apply(event) == []


def test_nobody_is_told_of_a_participant_who_is_not_there() -> None:
    assert roster(SESSION).apply(gave("bob")) == []


@pytest.mark.parametrize("event", [joined(), left(), gave(), REQUESTED, STARTED, STOPPED, FAILED])
def test_nobody_is_told_of_a_session_that_is_not_live(event: Event) -> None:
    assert Roster().apply(event) == []
    another = SessionStarted(at=at(), room_id="r", session_id="another")
    assert roster(another).apply(event) == []


# --- what is known


def test_nobody_consents_before_they_said_so() -> None:
    assert session(SESSION, joined()).peers["ann"].view() == peer_view(consents=False)


def test_consent_holds_for_the_session_over_leaving_and_coming_back() -> None:
    """What they agreed to before is in force: they are recorded, so they must be shown as consenting."""
    events = SESSION, joined(), joined("bob"), gave(), left()
    assert "ann" not in session(*events).peers
    assert session(*events, joined()).peers["ann"].consents
    assert roster(*events).apply(joined())[0].payload["recording"] == {"consents_recording": True}


def test_a_word_that_arrives_after_its_speaker_left_counts_when_they_come_back() -> None:
    assert not session(SESSION, joined(), gave(), left(), withdrew(), joined()).peers["ann"].consents


def test_consent_does_not_outlive_the_session() -> None:
    events = SESSION, joined(), gave(), left(), ENDED, SESSION, joined()
    assert not session(*events).peers["ann"].consents


def test_before_a_recording_there_is_none_to_see() -> None:
    assert session(SESSION).recording_view() is None


def test_a_recording_that_waits_for_a_worker_is_seen_as_initializing() -> None:
    view = session(SESSION, REQUESTED).recording_view()
    assert view == {"state": "initializing", "status": "initializing"}


def test_a_running_recording_is_seen_with_its_id() -> None:
    view = session(SESSION, REQUESTED, STARTED).recording_view()
    assert view == {"state": "recording", "status": "recording", "recording_id": "rec"}


@pytest.mark.parametrize("events", [(REQUESTED, STARTED, STOPPED), (REQUESTED, FAILED)])
def test_after_a_recording_there_is_none_to_see(events: tuple[Event, ...]) -> None:
    assert session(SESSION, *events).recording_view() is None


def test_the_next_recording_is_initializing_again() -> None:
    again = RecordingRequested(at=at(8), **IN, recording_id="again", requested_by="ann")
    view = session(SESSION, REQUESTED, STARTED, STOPPED, again).recording_view()
    assert view == {"state": "initializing", "status": "initializing"}


def test_a_session_that_ended_is_forgotten_with_everything_in_it() -> None:
    assert roster(SESSION, joined(), REQUESTED, STARTED, ENDED).session("r") is None
    assert session(SESSION, joined(), REQUESTED, STARTED, ENDED, SESSION) == LiveSession("s")


def test_rooms_have_nothing_to_do_with_each_other() -> None:
    other = SessionStarted(at=at(), room_id="q", session_id="t")
    known = roster(SESSION, other, joined())
    assert known.session("q") == LiveSession("t")
    assert known.session("nowhere") is None
