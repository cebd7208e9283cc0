"""What servers send to have somebody recorded. The names are VideoSDK's; a field that is null is absent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StrictBool

from services.gateway.entrypoints.bearer import actor, require_moderation
from services.gateway.entrypoints.v2.leniency import EmptyIsAbsent, Folders
from services.gateway.entrypoints.v2.webhook_target import CallTarget
from services.gateway.participant_recordings import Asker, Subject, Wishes
from shared.contracts.identifiers import ParticipantId, RoomId
from shared.contracts.room_settings import Attestation
from shared.eventsourcing.decider import RefusedError
from shared.runtime.tokens import Identity

_FILE_FORMAT = "webm"


class UnsupportedFileFormatError(RefusedError):
    """Files are WebM."""

    code = "unsupported_file_format"

    def __init__(self, file_format: str) -> None:
        super().__init__(f"fileFormat {file_format!r} is not supported: leave it out, or say {_FILE_FORMAT!r}")
        self.file_format = file_format


class UnsupportedKindError(RefusedError):
    """Shared screens are not recorded."""

    code = "unsupported_kind"

    def __init__(self, kind: str) -> None:
        super().__init__(f"kind {kind!r} is not supported: say 'audio' or 'video'")
        self.kind = kind


class About(BaseModel):
    """Whom it is about. Whatever else is sent is ignored, such as a `kind`, which clients are seen to send."""

    room_id: RoomId = Field(alias="roomId")
    participant_id: ParticipantId = Field(alias="participantId")

    def subject(self) -> Subject:
        return Subject(room_id=self.room_id, participant_id=self.participant_id, kind="audio_video")


class AboutTrack(About):
    kind: Literal["audio", "video", "screen_audio", "screen_video"]

    def subject(self) -> Subject:
        """Return whom and which track. Raises UnsupportedKindError."""
        match self.kind:
            case "audio" | "video":
                return Subject(room_id=self.room_id, participant_id=self.participant_id, kind=self.kind)
            case _:
                raise UnsupportedKindError(self.kind)


class Stop(About):
    discard: StrictBool | None = Field(
        default=None, description="Throw the recording away: its files are erased, and its history says who did that."
    )


class StopTrack(AboutTrack, Stop):
    pass


class Start(About):
    """How somebody shall be recorded. `metadata` is taken, and nothing is done with it."""

    file_format: Annotated[str | None, EmptyIsAbsent] = Field(
        default=None, alias="fileFormat", description="`webm`, which it is anyway."
    )
    webhook_url: CallTarget = Field(
        default=None, alias="webhookUrl", description="Told of this recording, beside the room's own target."
    )
    bucket_dir_path: Folders | None = Field(
        default=None,
        alias="bucketDirPath",
        description="Where the files go, below the room's own folder: `team/calls`.",
    )
    attestation: Attestation | None = Field(
        default=None, alias="consentAttestation", description="You vouch that the participant agreed."
    )

    def wishes(self) -> Wishes:
        """Return how it shall be. Raises UnsupportedFileFormatError."""
        if self.file_format not in {None, _FILE_FORMAT}:
            raise UnsupportedFileFormatError(self.file_format or "")
        return Wishes(webhook_url=self.webhook_url, folder=self.bucket_dir_path or "", attestation=self.attestation)


class StartTrack(AboutTrack, Start):
    pass


def asker(identity: Identity, subject: Subject) -> Asker:
    """Return who asks. Raises ForbiddenError unless they may have this participant of this room recorded."""
    identity.require_rest()
    require_moderation(identity, subject.room_id)
    identity.require_participant(subject.participant_id)
    return Asker(actor=actor(identity), api_key=identity.api_key)
