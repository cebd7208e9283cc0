"""Merges and transcodings as REST v2 shows them: VideoSDK's objects."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from services.gateway.entrypoints.v2.recording_models import FileMeta, Number, WebhookSummary
from services.gateway.entrypoints.v2.recording_shape import file_measures, webhook_summary
from services.gateway.hex_ids import hex_id
from services.gateway.projections.kept_recordings import KeptMerge, MergeState
from shared.runtime.file_urls import merge_file_url
from shared.runtime.moments import moment

MergeStatus = Literal["running", "completed", "failed", "cancelled", "deleted"]
#: What a merge is called while it is not over.
_STATUS: dict[MergeState, MergeStatus] = {
    "pending": "running",
    "processing": "running",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "deleted": "deleted",
}
Progress = Annotated[int, Field(ge=0, le=100, description="Percent of the work, as last heard of.")]
_FORMATS = {"stereo": "mp3", "grid": "mp4"}


class MergedFileObject(BaseModel):
    id: str
    type: Literal["audio", "video"]
    size: int = Field(description="Bytes.")
    meta: FileMeta
    ratio: dict[str, Number] = Field(description="Bytes per second, by height or `audio`.")
    file_path: str = Field(alias="filePath", description="The object key.")
    file_url: str = Field(alias="fileUrl", description="Needs a token, as everything here.")
    user_storage: None = Field(alias="userStorage")
    created_at: str = Field(alias="createdAt")
    updated_at: str = Field(alias="updatedAt")


class Merged(BaseModel):
    """A recording that is merged."""

    recording_id: str = Field(alias="recordingId")
    participant_id: str = Field(alias="participantId")


class MergeObject(BaseModel):
    """A merge of two channels of sound. What is not known yet is absent."""

    id: str
    channel1: list[Merged]
    channel2: list[Merged]
    start: str
    end: str | None = None
    status: MergeStatus
    progress: Progress
    meeting_id: str = Field(alias="meetingId")
    session_id: str = Field(alias="sessionId")
    message: str | None = Field(default=None, description="Why it failed.")
    file: MergedFileObject | None = None


class TranscodingObject(BaseModel):
    """A merge of pictures and sound into a grid."""

    id: str
    recording_ids: list[str] = Field(alias="recordingIds")
    room_id: str = Field(alias="roomId")
    session_id: str = Field(alias="sessionId")
    status: MergeState
    progress: Progress
    task: Literal["composite-merge"]
    started_at: str | None = Field(alias="startedAt")
    stopped_at: str | None = Field(alias="stoppedAt")
    message: str | None = Field(default=None, description="Why it failed.")
    file: MergedFileObject | None
    webhook: WebhookSummary


def merge_object(merge: KeptMerge, public_url: str) -> MergeObject:
    shown = {
        "id": merge.id,
        "channel1": _channel(merge, 1),
        "channel2": _channel(merge, 2),
        "start": moment(merge.requested_at),
        "end": moment(merge.ended_at) if merge.ended_at else None,
        "status": _STATUS[merge.state],
        "progress": merge.percent,
        "meetingId": merge.room_id,
        "sessionId": merge.session_id,
        "message": merge.reason,
        "file": _file(merge, public_url),
    }
    return MergeObject.model_validate({name: value for name, value in shown.items() if value is not None})


def transcoding_object(merge: KeptMerge, public_url: str) -> TranscodingObject:
    shown = {
        "id": merge.id,
        "recordingIds": [each.participant_recording_id for each in merge.inputs],
        "roomId": merge.room_id,
        "sessionId": merge.session_id,
        "status": merge.state,
        "progress": merge.percent,
        "task": "composite-merge",
        "startedAt": moment(merge.started_at) if merge.started_at else None,
        "stoppedAt": moment(merge.ended_at) if merge.ended_at else None,
        "file": _file(merge, public_url),
        "webhook": webhook_summary(merge.deliveries),
    }
    return TranscodingObject.model_validate(shown | ({"message": merge.reason} if merge.reason else {}))


def states_of(status: Literal["running", "completed", "failed"]) -> tuple[MergeState, ...]:
    """Return the states that are called so."""
    return tuple(state for state, called in _STATUS.items() if called == status)


def _channel(merge: KeptMerge, channel: Literal[1, 2]) -> list[dict[str, str]]:
    return [
        {"recordingId": each.participant_recording_id, "participantId": each.participant_id}
        for each in merge.inputs
        if each.channel == channel
    ]


def _file(merge: KeptMerge, public_url: str) -> dict[str, Any] | None:
    if merge.file is None or merge.ended_at is None:
        return None
    file = merge.file
    made_at = moment(merge.ended_at)
    return {
        **file_measures(file.size_bytes, file.duration_ms, file.width, file.height, _FORMATS[merge.layout]),
        "id": hex_id(merge.id),
        "filePath": file.path,
        "fileUrl": merge_file_url(public_url, merge.layout, merge.id),
        "userStorage": None,
        "createdAt": made_at,
        "updatedAt": made_at,
    }
