"""A room, and what is asked of one, as REST v2 writes them. The names are VideoSDK's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from services.gateway.domain.room_life import RoomSettings
from services.gateway.entrypoints.v2.leniency import EmptyIsAbsent, Folders
from services.gateway.entrypoints.v2.not_supported import NotSupportedError
from services.gateway.entrypoints.v2.webhook_target import RoomTarget
from services.gateway.hex_ids import hex_id
from services.gateway.projections.sessions import room_object_id
from services.gateway.projections.sessions_read import ListedRoom
from shared.contracts.identifiers import ParticipantId
from shared.contracts.room import ConsentPolicy, WithdrawalPolicy
from shared.contracts.room_settings import Attestation, AutoClose, MediaSource
from shared.runtime.moments import moment

#: VideoSDK's own default, in minutes, and a year.
_DURATION, _LONGEST = 480, 525_600
#: Where a room's server is told, what it vouches for, whom it expects, and where it puts files: nobody else's business.
_ARRANGEMENTS = ("webhook", "allowedParticipantIds", "consentAttestation", "storagePrefix")


def _nothing_if_null(value: object) -> object:
    return () if value is None else value


_EventName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_CustomRoomId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Webhook(BaseModel):
    end_point: RoomTarget = Field(alias="endPoint")
    events: Annotated[tuple[_EventName, ...], BeforeValidator(_nothing_if_null)] = Field(
        default=(), max_length=64, description="`*` stands for any rest of a name: `session*`. None named: all."
    )


class AutoCloseConfig(BaseModel):
    type: Literal["session-ends", "session-end-and-deactivate"]
    duration: Annotated[int, Field(ge=1, le=_LONGEST)] | None = Field(
        default=None, description=f"Minutes from the session's start; {_DURATION} if it is left out."
    )

    def auto_close(self) -> AutoClose:
        deactivates = self.type == "session-end-and-deactivate"
        return AutoClose(minutes=self.duration or _DURATION, deactivates=deactivates)


class NewRoom(BaseModel):
    """How a room shall be. A field that is null is absent, and other fields are ignored."""

    custom_room_id: Annotated[_CustomRoomId | None, EmptyIsAbsent] = Field(default=None, alias="customRoomId")
    webhook: Webhook | None = None
    auto_close: AutoCloseConfig | None = Field(default=None, alias="autoCloseConfig")
    auto_start: object = Field(default=None, alias="autoStartConfig", description="Not supported.")
    allowed_participant_ids: Annotated[tuple[ParticipantId, ...], Field(min_length=1, max_length=1000)] | None = Field(
        default=None, alias="allowedParticipantIds", description="Nobody else may join."
    )
    consent_policy: ConsentPolicy | None = Field(
        default=None,
        alias="consentPolicy",
        description="Whether a yes ends when its participant leaves and when the recording stops, or outlives both. "
        "`clear` if it is left out; with `consentAttestation`, `keep`.",
    )
    withdrawal_policy: WithdrawalPolicy | None = Field(
        default=None,
        alias="withdrawalPolicy",
        description="Whether what was recorded of somebody in a session stays when they withdraw, or is erased. "
        "`keep` if it is left out.",
    )
    attestation: Attestation | None = Field(
        default=None, alias="consentAttestation", description="You vouch for everybody whom you have recorded here."
    )
    media: MediaSource | None = Field(default=None, description="Who is present is whose plain RTP is announced.")
    storage_prefix: Folders | None = Field(
        default=None, alias="storagePrefix", description="The folder below the storage root that files go to."
    )

    @property
    def is_arranged(self) -> bool:
        """Whether anything is asked for beyond a plain room."""
        return self.model_copy(update={"custom_room_id": None, "auto_start": None}) != NewRoom()

    def settings(self) -> RoomSettings:
        """Return what the room is made with. Raises NotSupportedError."""
        if self.auto_start is not None:
            raise NotSupportedError("autoStartConfig", "leave it out, and start recordings when they shall begin")
        webhook = self.webhook if self.webhook and self.webhook.end_point else None
        return RoomSettings(
            webhook_url=webhook.end_point if webhook else None,
            webhook_events=webhook.events if webhook else (),
            consent_policy=self.consent_policy or ("keep" if self.attestation else "clear"),
            withdrawal_policy=self.withdrawal_policy or "keep",
            auto_close=self.auto_close.auto_close() if self.auto_close else None,
            allowed_participant_ids=self.allowed_participant_ids,
            attestation=self.attestation,
            media=self.media,
            storage_prefix=self.storage_prefix or "",
        )


def room_object(room: ListedRoom, api_key: str, url: str) -> dict[str, Any]:
    """Return VideoSDK's object, with what the room was made with; what was not asked for is null."""
    settings = room.settings
    allowed = settings.allowed_participant_ids
    return {
        "roomId": room.room_id,
        "customRoomId": room.custom_room_id,
        "userId": hex_id(f"user {api_key}"),
        "disabled": room.deactivated_at is not None,
        "createdAt": moment(room.created_at),
        "updatedAt": moment(room.deactivated_at or room.created_at),
        "id": room_object_id(room.room_id),
        "links": {"get_room": f"{url}/v2/rooms/{room.room_id}", "get_session": f"{url}/v2/sessions"},
        "webhook": _webhook(settings),
        "autoCloseConfig": _auto_close(settings.auto_close) if settings.auto_close else None,
        "allowedParticipantIds": None if allowed is None else list(allowed),
        "consentPolicy": settings.consent_policy,
        "withdrawalPolicy": settings.withdrawal_policy,
        "consentAttestation": _written(settings.attestation),
        "media": _written(settings.media),
        "storagePrefix": settings.storage_prefix or None,
    }


def without_arrangements(room: Mapping[str, Any]) -> dict[str, Any]:
    """Return the room's object as those see it who may not say how rooms are."""
    return {**room, **dict.fromkeys(_ARRANGEMENTS)}


def _webhook(settings: RoomSettings) -> dict[str, Any] | None:
    if settings.webhook_url is None:
        return None
    return {"endPoint": settings.webhook_url, "events": list(settings.webhook_events)}


def _auto_close(auto_close: AutoClose) -> dict[str, Any]:
    kind = "session-end-and-deactivate" if auto_close.deactivates else "session-ends"
    return {"type": kind, "duration": auto_close.minutes}


def _written(setting: Attestation | MediaSource | None) -> dict[str, Any] | None:
    return setting.model_dump(exclude_none=True) if setting else None
