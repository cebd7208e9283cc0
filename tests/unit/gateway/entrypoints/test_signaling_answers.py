"""What clients are sent by the signaling protocol."""

from __future__ import annotations

import json

import pytest

from services.gateway.entrypoints import signaling_protocol as protocol
from services.gateway.projections.roster import LiveSession, Peer
from tests.support.moments import at


def test_an_envelope_bears_namespace_payload_and_the_time_in_utc() -> None:
    envelope = json.loads(protocol.envelope("echo", {"action": "ping"}, at(0.5)))
    assert envelope == {
        "namespace": "echo",
        "timestamp": "2030-05-17T12:00:00.500000Z",
        "payload": {"action": "ping"},
    }


def test_an_error_bears_its_code() -> None:
    assert protocol.error("already_recording") == {"message": "error", "error": "already_recording"}


def live(*, recording_id: str | None = None, started: bool = False) -> LiveSession:
    peers = {
        "ann": Peer("ann", "Ann", "moderator", at()),
        "bob": Peer("bob", "Bob", "guest", at(1), consents=True),
    }
    return LiveSession("s", peers, recording_id=recording_id, recording_started=started)


def test_who_came_in_is_told_who_they_are() -> None:
    told = protocol.join_success(live(), "ann")
    assert (told["message"], told["id"]) == ("join_success", "ann")
    assert (told["display_name"], told["role"]) == ("Ann", "moderator")


def test_who_came_in_is_told_who_else_is_there_and_not_themselves() -> None:
    session = live()
    assert protocol.join_success(session, "ann")["participants"] == [session.peers["bob"].view()]
    assert protocol.join_success(LiveSession("s", {"ann": session.peers["ann"]}), "ann")["participants"] == []


@pytest.mark.parametrize(
    ("session", "view"),
    [
        (live(), None),
        (live(recording_id="rec"), {"state": "initializing", "status": "initializing"}),
        (
            live(recording_id="rec", started=True),
            {"state": "recording", "status": "recording", "recording_id": "rec"},
        ),
    ],
    ids=["before", "initializing", "recording"],
)
def test_who_came_in_is_told_of_the_recording(session: LiveSession, view: object) -> None:
    told = protocol.join_success(session, "ann")
    assert "recording" in told
    assert told["recording"] == view


def test_who_came_in_is_told_all_without_which_the_web_client_fails() -> None:
    """The web client calls `.concat` on both histories and reads the quotas and modules of the tariff."""
    told = json.loads(protocol.envelope("control", protocol.join_success(live(), "ann"), at()))["payload"]
    assert told["chat"]["room_history"] == []
    assert told["chat"]["groups_history"] == []
    assert isinstance(told["chat"]["enabled"], bool)
    assert told["tariff"]["quotas"] == {}
    assert "recording" in told["tariff"]["enabled_modules"]
    assert told["tariff"]["modules"]["recording"]["features"] == ["record"]
    assert told["moderation"]["waiting_room_enabled"] is False
    assert told["moderation"]["waiting_room_participants"] == []
    assert isinstance(told["is_room_owner"], bool)
    assert all(participant["control"]["left_at"] is None for participant in told["participants"])
    assert {"polls", "shared_folder"} <= told.keys()
