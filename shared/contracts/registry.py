"""Every contract by its wire type."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts import consent, participant_recording, recording, room, rtp_source, webhook
from shared.contracts.message import Command, Event

_EVENTS: tuple[type[Event], ...] = (
    room.RoomCreated,
    room.BreakoutRoomOpened,
    room.SessionStarted,
    room.ParticipantJoined,
    room.ParticipantLeft,
    room.RoleChanged,
    room.HandRaised,
    room.HandLowered,
    room.SessionEnded,
    consent.ConsentGiven,
    consent.ConsentRefused,
    consent.ConsentWithdrawn,
    consent.ConsentCleared,
    recording.RecordingRequested,
    recording.RecordingStarted,
    recording.RecordingPaused,
    recording.RecordingResumed,
    recording.RecordingStopped,
    recording.RecordingFailed,
    participant_recording.ParticipantRecordingRequested,
    participant_recording.ParticipantRecordingStarted,
    participant_recording.ParticipantRecordingStopRequested,
    participant_recording.ParticipantRecordingStopped,
    participant_recording.ParticipantRecordingFailed,
    webhook.WebhookDelivered,
    webhook.WebhookFailed,
)

_COMMANDS: tuple[type[Command], ...] = (
    consent.SetConsent,
    recording.ConfirmRecording,
    rtp_source.OpenRtpSource,
)

EVENTS: Mapping[str, type[Event]] = {contract.type: contract for contract in _EVENTS}
COMMANDS: Mapping[str, type[Command]] = {contract.type: contract for contract in _COMMANDS}
