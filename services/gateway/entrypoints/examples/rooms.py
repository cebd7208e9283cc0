"""Examples of rooms and sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.gateway.entrypoints.examples.common import (
    END,
    NO_ROOM,
    NO_SESSION,
    PAGE,
    ROOM_ID,
    SESSION_ID,
    START,
    URL,
    WHO,
)
from services.gateway.entrypoints.openapi import Route, Told
from services.gateway.entrypoints.v2.room_models import (
    ParticipantObject,
    RoomObject,
    RoomPage,
    SessionObject,
    SessionPage,
    SessionParticipants,
)

_ROOM: Mapping[str, Any] = {
    "roomId": ROOM_ID,
    "customRoomId": "standup",
    "userId": "5f8a1c2e9b7d4c3f6e0a1b2d",
    "disabled": False,
    "createdAt": START,
    "updatedAt": START,
    "id": "64b1f0c2d3e4f5a6b7c8d9e0",
    "links": {"get_room": f"{URL}/rooms/{ROOM_ID}", "get_session": f"{URL}/sessions"},
    "webhook": {"endPoint": "https://example.org/hook", "events": ["participant-recording-*"]},
    "autoCloseConfig": {"type": "session-ends", "duration": 480},
    "allowedParticipantIds": None,
    "consentPolicy": "clear",
    "withdrawalPolicy": "erase",
    "consentAttestation": None,
    "media": None,
    "storagePrefix": "team/calls",
}
_NEW_ROOM = {
    name: _ROOM[name]
    for name in ("customRoomId", "webhook", "autoCloseConfig", "consentPolicy", "withdrawalPolicy", "storagePrefix")
}
_ALICE = {"participantId": "alice", "name": "Alice", "timelog": [{"start": START, "end": END}]}
_SESSION = {
    "id": SESSION_ID,
    "roomId": ROOM_ID,
    "customRoomId": "standup",
    "start": START,
    "end": END,
    "participants": [_ALICE],
    "status": "ended",
    "links": {"get_room": f"{URL}/rooms/{ROOM_ID}", "get_session": f"{URL}/sessions/{SESSION_ID}"},
}
_HERE = {"participantId": "alice", "name": "Alice", "timelog": [{"start": START, "end": None}]}
_LIVE = {**_SESSION, "end": None, "status": "ongoing", "participants": [_HERE]}
_NOBODY = {404: ("session_not_found", "participant_not_found")}

ROOMS: dict[Route, Told] = {
    ("post", "/v2/rooms"): Told("rooms", _NEW_ROOM, _ROOM, {400: ("not_supported",)}, RoomObject),
    ("get", "/v2/rooms"): Told("rooms", None, {"pageInfo": PAGE, "data": [_ROOM]}, {}, RoomPage),
    ("post", "/v2/rooms/deactivate"): Told(
        "rooms", {"roomId": ROOM_ID}, {**_ROOM, "disabled": True}, NO_ROOM, RoomObject
    ),
    ("get", "/v2/rooms/validate/{name}"): Told(
        "rooms", None, _ROOM, {400: ("room_not_found", "room_deactivated")}, RoomObject
    ),
    ("get", "/v2/rooms/{name}"): Told("rooms", None, _ROOM, NO_ROOM, RoomObject),
}
SESSIONS: dict[Route, Told] = {
    ("get", "/v2/sessions"): Told("sessions", None, {"pageInfo": PAGE, "data": [_SESSION]}, {}, SessionPage),
    ("post", "/v2/sessions/end"): Told(
        "sessions", {"roomId": ROOM_ID, "sessionId": SESSION_ID}, _SESSION, {**NO_ROOM, **NO_SESSION}, SessionObject
    ),
    ("post", "/v2/sessions/participants/remove"): Told(
        "sessions", WHO, _SESSION, {**NO_ROOM, **_NOBODY}, SessionObject
    ),
    ("get", "/v2/sessions/{session_id}"): Told("sessions", None, _SESSION, NO_SESSION, SessionObject),
    ("get", "/v2/sessions/{session_id}/participants"): Told(
        "sessions", None, {"pageInfo": PAGE, "data": _SESSION}, NO_SESSION, SessionParticipants
    ),
    ("get", "/v2/sessions/{session_id}/participants/active"): Told(
        "sessions", None, {"pageInfo": PAGE, "data": [_LIVE]}, NO_SESSION, SessionPage
    ),
    ("get", "/v2/sessions/{session_id}/participants/{participant_id}"): Told(
        "sessions", None, _ALICE, _NOBODY, ParticipantObject
    ),
}
