"""The shapes of what REST v2 shows of rooms and sessions. The names are VideoSDK's."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from services.gateway.entrypoints.v2.recording_models import PageInfo
from shared.contracts.room import ConsentPolicy, WithdrawalPolicy


class Links(BaseModel):
    get_room: str
    get_session: str


class RoomWebhook(BaseModel):
    end_point: str = Field(alias="endPoint")
    events: list[str] = Field(description="None named: all.")


class RoomAutoClose(BaseModel):
    type: Literal["session-ends", "session-end-and-deactivate"]
    duration: int = Field(description="Minutes from the session's start.")


class RoomAttestation(BaseModel):
    """The server vouches for everybody whom it has recorded here."""

    reference: str | None = None


class RoomMedia(BaseModel):
    type: Literal["rtp"]


class RoomObject(BaseModel):
    """A room as it was made first."""

    room_id: str = Field(alias="roomId")
    custom_room_id: str | None = Field(alias="customRoomId")
    user_id: str = Field(alias="userId", description="Stands for the API key.")
    disabled: bool = Field(description="Nobody may join it any more.")
    created_at: str = Field(alias="createdAt")
    updated_at: str = Field(alias="updatedAt")
    id: str
    links: Links
    webhook: RoomWebhook | None
    auto_close: RoomAutoClose | None = Field(alias="autoCloseConfig")
    allowed_participant_ids: list[str] | None = Field(alias="allowedParticipantIds")
    consent_policy: ConsentPolicy = Field(alias="consentPolicy")
    withdrawal_policy: WithdrawalPolicy = Field(alias="withdrawalPolicy")
    attestation: RoomAttestation | None = Field(alias="consentAttestation")
    media: RoomMedia | None
    storage_prefix: str | None = Field(alias="storagePrefix")


class RoomPage(BaseModel):
    page_info: PageInfo = Field(alias="pageInfo")
    data: list[RoomObject]


class Stay(BaseModel):
    start: str
    end: str | None = Field(description="Null: they are there.")


class ParticipantObject(BaseModel):
    participant_id: str = Field(alias="participantId")
    name: str
    timelog: list[Stay]


class SessionObject(BaseModel):
    id: str
    room_id: str = Field(alias="roomId")
    custom_room_id: str | None = Field(alias="customRoomId")
    start: str
    end: str | None = Field(description="Null: it is live.")
    participants: list[ParticipantObject]
    status: Literal["ongoing", "ended"]
    links: Links


class SessionPage(BaseModel):
    page_info: PageInfo = Field(alias="pageInfo")
    data: list[SessionObject]


class SessionParticipants(BaseModel):
    """`data` is one object here."""

    page_info: PageInfo = Field(alias="pageInfo")
    data: SessionObject
