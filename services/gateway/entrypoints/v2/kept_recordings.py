"""REST v2: participant and track recordings that there are, their files and histories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse

from services.gateway.entrypoints.bearer import require_moderator
from services.gateway.entrypoints.public_url import url_of
from services.gateway.entrypoints.v2.leniency import EmptyIsAbsent
from services.gateway.entrypoints.v2.paging import Paging, paged
from services.gateway.entrypoints.v2.recording_files import FileNotFoundInStoreError, StoredFiles, TimelineNotFoundError
from services.gateway.entrypoints.v2.recording_models import History, RecordingObject, RecordingPage
from services.gateway.entrypoints.v2.recording_requests import asker
from services.gateway.entrypoints.v2.recording_shape import event_object, recording_object
from services.gateway.participant_recordings import ParticipantRecordings, Subject
from services.gateway.projections.kept_recordings import KeptRecording
from services.gateway.projections.recordings_read import Recordings, WhichRecordings
from shared.contracts.file_timeline import FileTimeline
from shared.contracts.identifiers import ParticipantId, ParticipantRecordingId, RoomId, SessionId
from shared.contracts.participant_recording import RecordingKind
from shared.eventsourcing.decider import RefusedError
from shared.runtime.http import Authorization
from shared.runtime.tokens import Identity, Tokens


class RecordingNotFoundError(RefusedError):
    """There is no such recording, or it was deleted."""

    code = "recording_not_found"

    def __init__(self, participant_recording_id: str) -> None:
        super().__init__(f"there is no recording {participant_recording_id} here, or it was deleted")
        self.participant_recording_id = participant_recording_id


@dataclass(frozen=True, slots=True)
class Shelf:
    """What participant recordings and track recordings differ by."""

    #: Below `/recordings`.
    path: str
    kinds: tuple[RecordingKind, ...]
    #: The answer to a deletion.
    deleted: str


PARTICIPANTS = Shelf("participant", ("audio_video",), "Participant Recording deleted successfully.")
TRACKS = Shelf("participant/track", ("audio", "video"), "Track Recording deleted successfully.")


@dataclass(frozen=True, slots=True)
class Archive:
    """What is behind these doors."""

    kept: Recordings
    recordings: ParticipantRecordings
    files: StoredFiles
    tokens: Tokens
    #: As it is set.
    public_url: str | None = None

    def bearer(self, authorization: str | None) -> Identity:
        """Return who may use the server API. Raises TokenError and ForbiddenError."""
        identity = self.tokens.read(authorization)
        identity.require_rest()
        return identity

    async def find(self, shelf: Shelf, participant_recording_id: str, identity: Identity) -> KeptRecording:
        """Return a recording that the bearer may see, deleted or not. Raises RecordingNotFoundError among others."""
        recording = await self.kept.recording(participant_recording_id)
        if recording is None or recording.kind not in shelf.kinds:
            raise RecordingNotFoundError(participant_recording_id)
        _require(identity, recording.room_id, recording.participant_id)
        return recording

    async def shown(self, shelf: Shelf, participant_recording_id: str, identity: Identity) -> KeptRecording:
        """Return a recording that the bearer may see and that is there. Raises RecordingNotFoundError among others."""
        recording = await self.find(shelf, participant_recording_id, identity)
        if not recording.is_shown:
            raise RecordingNotFoundError(participant_recording_id)
        return recording

    async def given(self, shelf: Shelf, participant_recording_id: str, identity: Identity) -> KeptRecording:
        """Return one whose files the bearer may have: not deleted, however late the projection is. Raises likewise."""
        recording = await self.shown(shelf, participant_recording_id, identity)
        if await self.recordings.is_deleted(recording):
            raise RecordingNotFoundError(participant_recording_id)
        return recording


def kept_recordings_router(archive: Archive, shelf: Shelf) -> APIRouter:
    """Return the routes of one shelf. That of tracks comes before that of participants: `track` is no id."""
    router = APIRouter(prefix=f"/recordings/{shelf.path}")

    @router.get("", response_model=RecordingPage, response_model_exclude_unset=True)
    async def list_recordings(
        request: Request,
        page: Paging,
        room_id: Annotated[RoomId | None, EmptyIsAbsent, Query(alias="roomId")] = None,
        session_id: Annotated[SessionId | None, EmptyIsAbsent, Query(alias="sessionId")] = None,
        participant_id: Annotated[ParticipantId | None, EmptyIsAbsent, Query(alias="participantId")] = None,
        authorization: Authorization = None,
    ) -> dict[str, Any]:
        """List recordings, newest first."""
        identity = archive.bearer(authorization)
        which = WhichRecordings(
            kinds=shelf.kinds,
            room_id=room_id or identity.room_id,
            session_id=session_id,
            participant_id=participant_id or identity.participant_id,
        )
        _require(identity, which.room_id, which.participant_id)
        found = await archive.kept.recordings(which, page.per_page, page.offset)
        url = url_of(request, archive.public_url)
        return paged([recording_object(each, url) for each in found.items], page, found.total)

    @router.get("/{id}", response_model=RecordingObject, response_model_exclude_unset=True)
    async def get_recording(
        request: Request,
        id: ParticipantRecordingId,  # noqa: A002  the wire's name
        authorization: Authorization = None,
    ) -> dict[str, Any]:
        """Show a recording."""
        recording = await archive.shown(shelf, id, archive.bearer(authorization))
        return recording_object(recording, url_of(request, archive.public_url))

    @router.delete("/{id}")
    async def delete_recording(
        id: ParticipantRecordingId,  # noqa: A002  the wire's name
        authorization: Authorization = None,
    ) -> str:
        """Erase the files of a recording that is over. Its history stays."""
        identity = archive.bearer(authorization)
        recording = await archive.shown(shelf, id, identity)
        subject = Subject(room_id=recording.room_id, participant_id=recording.participant_id, kind=recording.kind)
        await archive.recordings.delete(asker(identity, subject), recording)
        return shelf.deleted

    @router.get("/{id}/events", response_model=History)
    async def get_history(
        id: ParticipantRecordingId,  # noqa: A002  the wire's name
        authorization: Authorization = None,
    ) -> dict[str, Any]:
        """Tell all that happened to a recording, also to one that was refused or deleted."""
        recording = await archive.find(shelf, id, archive.bearer(authorization))
        return {"data": [event_object(stored) for stored in await archive.recordings.history(recording)]}

    @router.head("/{id}/file", include_in_schema=False)
    @router.get("/{id}/file", response_class=FileResponse, responses={206: {"description": "The ranges asked for."}})
    async def get_file(
        id: ParticipantRecordingId,  # noqa: A002  the wire's name
        index: Annotated[int, Query(ge=0, le=10**6)] = 0,
        authorization: Authorization = None,
    ) -> FileResponse:
        """Send a finished file, whole or in ranges."""
        recording = await archive.given(shelf, id, archive.bearer(authorization))
        file = recording.files[index] if index < len(recording.files) else None
        response = await archive.files.response(file.path, has_picture=file.height > 0) if file else None
        if response is None:
            raise FileNotFoundInStoreError(f"recording {id}", index)
        return response

    return router


def timelines_router(archive: Archive) -> APIRouter:
    """Return the route of what lies beside participants' files: those of tracks have no gaps."""
    router = APIRouter(prefix=f"/recordings/{PARTICIPANTS.path}")

    @router.get("/{id}/timeline", response_model=FileTimeline)
    async def get_timeline(
        id: ParticipantRecordingId,  # noqa: A002  the wire's name
        authorization: Authorization = None,
    ) -> FileResponse:
        """Tell when each moment of a finished file was, which are gaps and why, and what in the log shows it."""
        recording = await archive.given(PARTICIPANTS, id, archive.bearer(authorization))
        timeline = await archive.recordings.timeline(recording)
        response = await archive.files.response(timeline.path, has_picture=False) if timeline else None
        if response is None:
            raise TimelineNotFoundError(id)
        return response

    return router


def _require(identity: Identity, room_id: str | None, participant_id: str | None) -> None:
    """Raise ForbiddenError unless the bearer moderates there, is a server, or asks for what is their own."""
    if identity.participant_id is None:
        require_moderator(identity)
    if room_id is not None:
        identity.require_room(room_id)
    if participant_id is not None:
        identity.require_participant(participant_id)
