"""An example or more of every message of the signaling protocol, as documents show them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from services.gateway.projections.roster import target_id
from services.gateway.signaling import commands, events

#: When the examples happened.
NOW = datetime(2026, 11, 20, 9, 30, 15, 123456, UTC)

ROOM = "abcd-efgh-ijkl"
ALICE = "3a0c9a3e-52a5-4a0f-9c60-0d3b7f6f2b11"
BOB = "c1e7a2d4-8f0b-4d6a-b3c9-5a6e7f8d9b10"
RECORDING = "9d3f0f6e-3a57-4ad1-8a4c-0f6b1c2d3e4f"
TARGET = target_id(ROOM)

#: Of each command, payloads as clients send them.
ASKED: Mapping[type[commands.ClientCommand], tuple[Mapping[str, Any], ...]] = {
    commands.Join: ({"action": "join", "display_name": "Alice"},),
    commands.EnterRoom: ({"action": "enter_room"},),
    commands.RaiseHand: ({"action": "raise_hand"},),
    commands.LowerHand: ({"action": "lower_hand"},),
    commands.GrantModeratorRole: ({"action": "grant_moderator_role", "target": BOB},),
    commands.RevokeModeratorRole: ({"action": "revoke_moderator_role", "target": BOB},),
    commands.Start: ({"action": "start"},),
    commands.Stop: (
        {"action": "stop", "recording_id": RECORDING},
        {"action": "stop", "recording_id": RECORDING, "discard": True},
    ),
    commands.SetConsent: (
        {"action": "set_consent", "consent": True, "text_version": "2026-11"},
        {"action": "set_consent", "consent": False},
    ),
    commands.StartStream: ({"action": "start_stream", "target_ids": [TARGET]},),
    commands.PauseStream: ({"action": "pause_stream", "target_ids": [TARGET]},),
    commands.StopStream: ({"action": "stop_stream", "target_ids": [TARGET]},),
    commands.Ping: ({"action": "ping"},),
}


def _bob(*, consents: bool = False) -> dict[str, Any]:
    joined_at = NOW - timedelta(minutes=2)
    control = events.ControlData(
        display_name="Bob",
        role="user",
        participation_kind="user",
        hand_is_up=False,
        hand_updated_at=joined_at,
        joined_at=joined_at,
        left_at=None,
    )
    return {"id": BOB, "control": control, "recording": events.ConsentData(consents_recording=consents)}


def _welcome(recording: events.RecordingState) -> events.JoinSuccess:
    return events.JoinSuccess(
        id=ALICE,
        display_name="Alice",
        role="moderator",
        participants=(events.Participant(**_bob(consents=True)),),
        recording=recording,
        is_room_owner=True,
        event_info=events.EventInfo(id=ROOM, room_id=ROOM, title=ROOM),
        room_info=events.RoomInfo(id=ROOM),
    )


_RUNNING = events.RecordingState(
    state="recording",
    status="recording",
    recording_id=RECORDING,
    started_at=NOW - timedelta(minutes=1),
    targets={TARGET: events.Target(status="active")},
    withdrawal_policy="erase",
    consent_policy="keep",
    consents_recording=True,
)
_INACTIVE = events.RecordingState(
    targets={TARGET: events.Target(status="inactive")},
    withdrawal_policy="keep",
    consent_policy="clear",
    consents_recording=False,
)

#: Of each message to clients, payloads.
TOLD: Mapping[type[events.ServerMessage], tuple[events.ServerMessage, ...]] = {
    events.JoinSuccess: (
        _welcome(_INACTIVE),
        _welcome(_RUNNING),
    ),
    events.Joined: (events.Joined(**_bob()),),
    events.Update: (events.Update(**_bob(consents=True)),),
    events.Left: (events.Left(id=BOB, reason="quit"),),
    events.RoleUpdated: (events.RoleUpdated(new_role="moderator"),),
    events.RateLimitExceeded: (events.RateLimitExceeded(),),
    events.ControlError: (events.ControlError(error="not_yet_joined"),),
    events.Started: (events.Started(recording_id=RECORDING),),
    events.Stopped: (
        events.Stopped(recording_id=RECORDING),
        events.Stopped(recording_id=RECORDING, discarded=True),
    ),
    events.RecordingError: (events.RecordingError(error="insufficient_permissions"),),
    events.StreamUpdated: (events.StreamUpdated(target_id=TARGET, status="active"),),
    events.RecorderError: (events.RecorderError(),),
    events.Pong: (events.Pong(),),
}
