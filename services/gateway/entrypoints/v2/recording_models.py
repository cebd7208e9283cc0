"""The shapes of what REST v2 shows of participant recordings. The names are VideoSDK's."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from shared.contracts.participant_recording import RecordingKind

#: Not `float`, which is written with a point where there need be none.
Number = int | float


class Resolution(BaseModel):
    """Pixels."""

    width: int
    height: int


class FileMeta(BaseModel):
    resolution: Resolution | None = Field(default=None, description="Absent where there is no picture.")
    format: str
    duration: Number = Field(description="Seconds.")


class FileObject(BaseModel):
    meta: FileMeta
    id: str = Field(alias="_id")
    user_id: str = Field(alias="userId")
    file_path: str = Field(alias="filePath", description="The object key, below the storage root.")
    file_url: str = Field(alias="fileUrl", description="Needs a token, as everything here.")
    type: Literal["audio", "video"]
    size: int = Field(description="Bytes.")
    ratio: dict[str, Number] = Field(description="Bytes per second, by height or `audio`.")
    version: int = Field(alias="__v")


class Told(BaseModel):
    type: str
    success: bool


class WebhookSummary(BaseModel):
    """How webhooks about it went, each counted once."""

    total_count: int = Field(alias="totalCount")
    success_count: int = Field(alias="successCount")
    data: list[Told]


class RecordingObject(BaseModel):
    session_id: str = Field(alias="sessionId")
    participant_id: str = Field(alias="participantId")
    kind: RecordingKind
    file_format: Literal["webm"] = Field(alias="fileFormat")
    start: str | None = Field(description="The file's time zero; null until it begins.")
    end: str | None = Field(description="Null until it is over.")
    mode: Literal["participant", "track"]
    region: str
    files: list[FileObject] = Field(description="The finished ones, oldest first.")
    room_id: str = Field(alias="roomId")
    webhook: WebhookSummary
    id: str
    participant_name: str | None = Field(default=None, alias="participantName")
    recording_id: str | None = Field(
        default=None, alias="recordingId", description="The room recording that it is part of, if it is."
    )


class PageInfo(BaseModel):
    current_page: int = Field(alias="currentPage")
    per_page: int = Field(alias="perPage")
    last_page: int = Field(alias="lastPage")
    total: int


class RecordingPage(BaseModel):
    page_info: PageInfo = Field(alias="pageInfo")
    data: list[RecordingObject]


class EventObject(BaseModel):
    """An event as the log holds it."""

    type: str
    at: str = Field(description="When it took effect.")
    actor: str = Field(description="Who said so, for instance `server:<API key>`.")
    position: int = Field(description="In the stream of this participant's recordings, from 1.")
    data: dict[str, Any]


class History(BaseModel):
    data: list[EventObject]
