"""Every contract by its wire type."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts import consent, merge, participant_recording, recording, room, rtp_source, webhook, whip_session
from shared.contracts.message import Command, Event

_EVENTS: tuple[type[Event], ...] = (
    room.RoomCreated,
    room.RoomDeactivated,
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
    consent.ConsentAttested,
    consent.ConsentCleared,
    recording.RecordingRequested,
    recording.RecordingStarted,
    recording.RecordingPaused,
    recording.RecordingResumed,
    recording.RecordingStopped,
    recording.RecordingFailed,
    participant_recording.ParticipantRecordingRefused,
    participant_recording.ParticipantRecordingAwaited,
    participant_recording.ParticipantRecordingRequested,
    participant_recording.ParticipantRecordingStarted,
    participant_recording.ParticipantRecordingPaused,
    participant_recording.ParticipantRecordingResumed,
    participant_recording.TrackFlowStarted,
    participant_recording.TrackFlowStopped,
    participant_recording.ParticipantRecordingStopRequested,
    participant_recording.ParticipantRecordingStopped,
    participant_recording.TrackFileFinished,
    participant_recording.TrackRecordingStopped,
    participant_recording.ParticipantRecordingFailed,
    participant_recording.ParticipantRecordingDeleted,
    participant_recording.ParticipantRecordingErased,
    merge.MergeRequested,
    merge.MergeClaimed,
    merge.MergeProgressed,
    merge.MergeCompleted,
    merge.MergeFailed,
    merge.MergeCancelled,
    merge.MergeDeleted,
    merge.MergeErased,
    webhook.WebhookDelivered,
    webhook.WebhookFailed,
    webhook.WebhookTargetDisabled,
    webhook.WebhookResendRequested,
)

_COMMANDS: tuple[type[Command], ...] = (
    consent.SetConsent,
    consent.AttestConsent,
    recording.ConfirmRecording,
    rtp_source.OpenRtpSource,
    whip_session.OpenWhipSession,
    whip_session.PatchWhipSession,
    whip_session.CloseWhipSession,
    participant_recording.StartParticipantRecording,
    participant_recording.StopParticipantRecording,
    participant_recording.PauseParticipantRecording,
    participant_recording.ResumeParticipantRecording,
    participant_recording.DeleteParticipantRecording,
    merge.StartMerge,
    merge.CancelMerge,
    webhook.ResendWebhook,
)

EVENTS: Mapping[str, type[Event]] = {contract.type: contract for contract in _EVENTS}
COMMANDS: Mapping[str, type[Command]] = {contract.type: contract for contract in _COMMANDS}
