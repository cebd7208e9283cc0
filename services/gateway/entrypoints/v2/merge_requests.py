"""What servers send to have recordings merged. The names are VideoSDK's; a field that is null is absent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator

from services.gateway.entrypoints.bearer import actor
from services.gateway.entrypoints.v2.leniency import EmptyIsAbsent, Folders
from services.gateway.entrypoints.v2.not_supported import NotSupportedError
from services.gateway.entrypoints.v2.webhook_target import CallTarget
from services.gateway.merge_sources import Source
from services.gateway.merges import MOST_INPUTS, Asked
from shared.contracts.identifiers import ParticipantId, ParticipantRecordingId, SessionId
from shared.contracts.participant_recording import RecordingKind
from shared.runtime.tokens import Identity

#: A whole participant recording, or one of sound alone.
_Type = Literal["participant", "track"]


class ChannelEntry(BaseModel):
    """Whose sound goes into the channel."""

    participant_id: ParticipantId = Field(alias="participantId")
    recording_id: Annotated[ParticipantRecordingId | None, EmptyIsAbsent] = Field(
        default=None, alias="recordingId", description="Else their newest one in the session is taken."
    )
    type: _Type | None = Field(default=None, description="Of which type the newest one is. `participant`, if not said.")

    def source(self, of_all: _Type | None) -> Source:
        kind: RecordingKind = "audio" if (of_all or self.type) == "track" else "audio_video"
        return Source(self.participant_id, self.recording_id, kind)


_Channel = Annotated[list[ChannelEntry], Field(min_length=1, max_length=MOST_INPUTS // 2)]


class _NewMerge(BaseModel):
    webhook_url: CallTarget = Field(
        default=None, alias="webhookUrl", description="Told of this merge, beside the room's own target."
    )
    dir_path: Folders | None = Field(
        default=None, alias="dirPath", description="Where the file goes, below the room's own folder: `team/calls`."
    )
    watermark: Any = Field(default=None, description="Is not supported.")
    watermarks: Any = Field(default=None, description="Is not supported.")

    def asked(self, identity: Identity) -> Asked:
        """Return who asks, and for what. Raises NotSupportedError."""
        for name in ("watermark", "watermarks"):
            if getattr(self, name) is not None:
                raise NotSupportedError(name)
        return Asked(actor=actor(identity), webhook_url=self.webhook_url, storage_prefix=self.dir_path or "")


class NewMerge(_NewMerge):
    """Two channels of sound. Whatever else is sent is ignored, such as a `roomId`, which clients are seen to send."""

    session_id: SessionId = Field(alias="sessionId")
    channel1: _Channel = Field(description="Goes to the left.")
    channel2: _Channel = Field(description="Goes to the right.")
    type: _Type | None = Field(default=None, description="Of all entries, whatever they say themselves.")

    def sources(self) -> tuple[list[Source], list[Source]]:
        return self._of(self.channel1), self._of(self.channel2)

    def _of(self, channel: Sequence[ChannelEntry]) -> list[Source]:
        return [entry.source(self.type) for entry in channel]


class NewTranscoding(_NewMerge):
    """A grid of the pictures of recordings of one session, with all their sound."""

    recording_ids: Annotated[
        list[ParticipantRecordingId],
        Field(min_length=1, max_length=MOST_INPUTS, json_schema_extra={"uniqueItems": True}),
    ] = Field(alias="recordingIds")
    task: Literal["composite-merge"] | None = None

    @field_validator("recording_ids")
    @classmethod
    def _each_once(cls, ids: list[str]) -> list[str]:
        if len(set(ids)) < len(ids):
            raise ValueError("each id may be named once")
        return ids
