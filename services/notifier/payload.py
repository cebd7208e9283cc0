"""What a webhook says of an event. Pure. The shapes are VideoSDK's; `meetingId` is our room id, and `roomId` too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.merge import (
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergeDeleted,
    MergeEvent,
    MergeFailed,
    MergeLayout,
)
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingEvent,
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    TrackRecordingStopped,
)
from shared.contracts.recording import (
    RecordingEvent,
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
)
from shared.contracts.room import ParticipantJoined, ParticipantLeft, SessionEnded, SessionStarted
from shared.runtime.file_urls import recording_file_url
from shared.runtime.moments import moment

_RECORDING: dict[type[Event], str] = {
    RecordingRequested: "recording-starting",
    RecordingStarted: "recording-started",
    RecordingStopped: "recording-stopped",
    RecordingFailed: "recording-failed",
}
_PARTICIPANT: dict[type[Event], str] = {
    ParticipantRecordingAwaited: "starting",
    ParticipantRecordingRequested: "starting",
    ParticipantRecordingStarted: "started",
    ParticipantRecordingStopRequested: "stopping",
    ParticipantRecordingStopped: "stopped",
    TrackRecordingStopped: "stopped",
    ParticipantRecordingFailed: "failed",
    ParticipantRecordingDeleted: "deleted",
}
_MERGE: dict[MergeLayout, dict[type[Event], str]] = {
    "stereo": {
        MergeCompleted: "merge-recording-completed",
        MergeFailed: "merge-recording-failed",
        MergeDeleted: "merge-recording-deleted",
    },
    "grid": {
        MergeClaimed: "composite-merge-started",
        MergeCompleted: "composite-merge-completed",
        MergeFailed: "composite-merge-failed",
        MergeCancelled: "composite-merge-cancelled",
        MergeDeleted: "composite-merge-deleted",
    },
}
_ROOM: dict[type[Event], str] = {
    SessionStarted: "session-started",
    SessionEnded: "session-ended",
    ParticipantJoined: "participant-joined",
    ParticipantLeft: "participant-left",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What the log said before an event, as far as a webhook tells of it."""

    #: Where the room's files go, below the storage root.
    storage_prefix: str = ""
    #: When the session began.
    session_start: datetime | None = None
    #: Of the merge.
    layout: MergeLayout = "stereo"
    #: Whether a worker made the merge before.
    claimed: bool = False
    #: Object keys of the files that the recording of one track has so far.
    track_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Payload:
    """What is posted, before it is bytes."""

    webhook_type: str
    data: dict[str, Any]

    def encode(self) -> bytes:
        """Return the body. The bytes equal `JSON.stringify(JSON.parse(bytes))`: receivers are seen to compare them so.

        Hence no white space, every letter as it is, and neither floats nor keys that look like integers.
        """
        return _bytes({"webhookType": self.webhook_type, "data": self.data})


def payload(event: Event, known: Known | None = None) -> Payload | None:
    """Return what a webhook says of an event; None when it says nothing of it."""
    known = known or Known()
    match event:
        case ParticipantRecordingEvent():
            return _of_participant_recording(event, known)
        case RecordingEvent():
            return _of_recording(event, known)
        case MergeEvent():
            return _of_merge(event, known)
        case SessionStarted() | SessionEnded() | ParticipantJoined() | ParticipantLeft():
            return Payload(_ROOM[type(event)], _session(event, known))
        case _:
            return None


def with_file_urls(body: bytes, public_url: str | None) -> bytes:
    """Return the body of a participant recording's end with addresses of its files, where these are served.

    The outbox is made of the log alone and cannot know a setting, so this comes with the first attempt.
    """
    if public_url is None:
        return body
    said = json.loads(body)
    data = said["data"]
    files = data.get("fileDetails", [])
    for index, file in enumerate(files):
        file["fileUrl"] = recording_file_url(public_url, data.get("kind", "audio_video"), data["recordingId"], index)
    return _bytes(said) if files else body


def _of_participant_recording(event: ParticipantRecordingEvent, known: Known) -> Payload | None:
    is_track = event.kind != "audio_video"
    step = _PARTICIPANT.get(type(event))
    if step is None or (isinstance(event, ParticipantRecordingRequested) and event.awaited):
        return None
    data: dict[str, Any] = _about(event) | {"participantId": event.participant_id}
    if is_track:
        data["kind"] = event.kind
    match event:
        case ParticipantRecordingStopped():
            data["fileDetails"] = _files((event.file.path,))
        case TrackRecordingStopped():
            data["fileDetails"] = _files(known.track_files)
        case ParticipantRecordingFailed():
            pass
        case ParticipantRecordingDeleted():
            data["reason"] = event.reason
        case _:
            data["fileFormat"] = "webm"
    data |= {"roomId": event.room_id, "recordingId": event.participant_recording_id}
    return Payload(f"participant{'-track' if is_track else ''}-recording-{step}", data)


def _of_recording(event: RecordingEvent, known: Known) -> Payload | None:
    webhook_type = _RECORDING.get(type(event))
    if webhook_type is None:
        return None
    data: dict[str, Any] = _about(event)
    if isinstance(event, RecordingStopped) and event.discarded:
        webhook_type, data["reason"] = "recording-deleted", "discarded"
    elif isinstance(event, RecordingStopped):
        folder = f"{known.storage_prefix}/{event.session_id}" if known.storage_prefix else event.session_id
        data |= {"filePath": folder, "fileUrl": None}
    return Payload(webhook_type, data | {"roomId": event.room_id, "recordingId": event.recording_id})


def _of_merge(event: MergeEvent, known: Known) -> Payload | None:
    webhook_type = _MERGE[known.layout].get(type(event))
    if webhook_type is None or (isinstance(event, MergeClaimed) and known.claimed):
        return None
    data = {"id": event.merge_id, **_about(event), "roomId": event.room_id}
    if isinstance(event, MergeFailed):
        data["message"] = event.reason
    if isinstance(event, MergeDeleted):
        data["reason"] = event.reason
    return Payload(webhook_type, data)


def _session(
    event: SessionStarted | SessionEnded | ParticipantJoined | ParticipantLeft, known: Known
) -> dict[str, Any]:
    data: dict[str, Any] = _about(event)
    match event:
        case SessionStarted():
            data["start"] = moment(event.at)
        case SessionEnded():
            data |= {"start": moment(known.session_start or event.at), "end": moment(event.at)}
        case ParticipantJoined() | ParticipantLeft():
            data |= {"participantId": event.participant_id, "participantName": event.display_name or ""}
    return data | {"roomId": event.room_id}


def _about(event: Any) -> dict[str, str]:
    return {"meetingId": event.room_id, "sessionId": event.session_id}


def _files(paths: tuple[str, ...]) -> list[dict[str, str | None]]:
    return [{"filePath": path, "fileUrl": None} for path in paths]


def _bytes(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
