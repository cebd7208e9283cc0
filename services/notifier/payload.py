"""What a webhook says of an event. Pure. The shapes are VideoSDK's; `meetingId` is our room id."""

from __future__ import annotations

import json
from typing import Any

from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
)
from shared.contracts.recording import (
    RecordingEvent,
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
)

_TYPES: dict[type[Event], str] = {
    RecordingRequested: "recording-starting",
    RecordingStarted: "recording-started",
    RecordingStopped: "recording-stopped",
    RecordingFailed: "recording-failed",
    ParticipantRecordingRequested: "participant-recording-starting",
    ParticipantRecordingStarted: "participant-recording-started",
    ParticipantRecordingStopRequested: "participant-recording-stopping",
    ParticipantRecordingStopped: "participant-recording-stopped",
    ParticipantRecordingFailed: "participant-recording-failed",
}


def webhook_body(event: Event) -> bytes | None:
    """Return the body to post for an event; None when webhooks do not tell of it.

    The bytes equal `JSON.stringify(JSON.parse(bytes))`: receivers are seen to compare them so.
    """
    webhook_type = _TYPES.get(type(event))
    if webhook_type is None:
        return None
    body = {"webhookType": webhook_type, "data": _data(event)}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _data(event: Event) -> dict[str, Any]:
    data: dict[str, Any] = {"meetingId": getattr(event, "room_id", ""), "sessionId": getattr(event, "session_id", "")}
    if isinstance(event, RecordingEvent):
        return data
    data["participantId"] = getattr(event, "participant_id", "")
    if isinstance(event, ParticipantRecordingStopped):
        data["fileDetails"] = [{"filePath": event.file.path, "fileUrl": None}]
    elif not isinstance(event, ParticipantRecordingFailed):
        data["fileFormat"] = "webm"
    return data
