"""Recordings of single participants, as servers ask for them. The recorder decides; who consents is asked before."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any

from services.gateway.consents import Consents, CurrentConsents, Voucher
from services.gateway.domain.room_errors import SessionNotFoundError
from services.gateway.projections.kept_recordings import KeptRecording
from services.gateway.rooms import Rooms
from shared.concurrency.clock import Clock
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    ParticipantRecordingAccepted,
    ParticipantRecordingDeleted,
    ParticipantRecordingEvent,
    ParticipantRecordingStopped,
    PauseParticipantRecording,
    RecordingKind,
    ResumeParticipantRecording,
    StartParticipantRecording,
    StopParticipantRecording,
    TimelineFile,
    participant_recording_stream,
)
from shared.contracts.reply import Accepted
from shared.contracts.room_settings import Attestation
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.horizon import DECIDING, Horizon
from shared.eventsourcing.store import EventStore
from shared.messaging.asking import CommandRefusedError, Owners
from shared.messaging.errors import BusError

#: What leaves open whether a command was decided.
_UNDECIDED = (BusError, asyncio.CancelledError)
#: Characters of a StoragePrefix, and of one name in it, as file systems take it.
_LONGEST_PATH, _LONGEST_NAME = 256, 255


class UnusableFolderError(RefusedError):
    """Files cannot be put there."""

    code = "invalid_request"

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"the room's storagePrefix and bucketDirPath together are {len(folder)} characters long: choose a path of "
            f"at most {_LONGEST_PATH}, whose folders have at most {_LONGEST_NAME} each"
        )
        self.folder = folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """A server, or a moderator."""

    #: As the log names them.
    actor: str
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom of a room, and what of them."""

    room_id: str
    participant_id: str
    kind: RecordingKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How the recording shall be."""

    webhook_url: str | None = None
    #: Below the room's own folder.
    folder: str = ""
    #: The server vouches for the participant; None: as the room says.
    attestation: Attestation | None = None


class ParticipantRecordings:
    """Asks for them. Each method raises RefusedError, BusError and LogUnavailableError."""

    def __init__(
        self,
        rooms: Rooms,
        consents: Consents,
        current: CurrentConsents,
        owners: Owners,
        store: EventStore,
        horizon: Horizon,
        clock: Clock,
    ) -> None:
        self._rooms = rooms
        self._consents = consents
        self._current = current
        self._owners = owners
        self._store = store
        self._horizon = horizon
        self._clock = clock

    async def start(self, asker: Asker, subject: Subject, wishes: Wishes) -> str:
        """Have the participant recorded, or waited for, and return the recording's id."""
        room = await self._rooms.room(subject.room_id)
        if room.session_id is None:
            raise SessionNotFoundError(subject.room_id)
        # First: nothing is attested for a start that cannot be.
        storage_prefix = joined_folders(room.settings.storage_prefix, wishes.folder)
        attestation = wishes.attestation or room.settings.attestation
        command = StartParticipantRecording(
            **self._about(subject, room.session_id),
            consents=await self._consents_now(asker, subject, room.session_id, attestation),
            # After the words that decide it.
            at=self._clock(),
            participant_recording_id=secrets.token_hex(12),
            present=subject.participant_id in room.participants,
            webhook_url=wishes.webhook_url,
            storage_prefix=storage_prefix,
        )
        return await self._ask(command, asker)

    async def stop(self, asker: Asker, subject: Subject, *, discards: bool = False) -> str:
        """End the participant's file at this moment, or throw it away, and return the recording's id."""
        by = asker.actor if discards else None
        return await self._at_once(StopParticipantRecording, asker, subject, discarded_by=by)

    async def pause(self, asker: Asker, subject: Subject) -> str:
        """Record nothing from this moment on; return the recording's id."""
        return await self._at_once(PauseParticipantRecording, asker, subject)

    async def resume(self, asker: Asker, subject: Subject) -> str:
        """Record from this moment on; return the recording's id."""
        return await self._at_once(ResumeParticipantRecording, asker, subject)

    async def delete(self, asker: Asker, recording: KeptRecording) -> None:
        """Have the files of a recording that is over erased."""
        subject = Subject(room_id=recording.room_id, participant_id=recording.participant_id, kind=recording.kind)
        # By the clock: what is over has no gate that would have to wait for it.
        command = DeleteParticipantRecording(
            **self._about(subject, recording.session_id),
            at=self._clock(),
            participant_recording_id=recording.id,
            deleted_by=asker.actor,
        )
        await self._owners.ask(command, Context.begin(asker.actor), Accepted)

    async def history(self, recording: KeptRecording) -> list[StoredEvent]:
        """Return the events of this recording, and of no other in its stream."""
        stream = participant_recording_stream(recording.session_id, recording.participant_id, recording.kind)
        return [stored for stored in await self._store.read(stream) if _is_of(stored, recording.id)]

    async def timeline(self, recording: KeptRecording) -> TimelineFile | None:
        """Return what lies beside its file, as the log has it; None: nothing."""
        told = (decode(stored) for stored in await self.history(recording))
        return next((event.timeline for event in told if isinstance(event, ParticipantRecordingStopped)), None)

    async def is_deleted(self, recording: KeptRecording) -> bool:
        """Tell whether the log has it deleted."""
        return any(stored.type == ParticipantRecordingDeleted.type for stored in await self.history(recording))

    async def _consents_now(
        self, asker: Asker, subject: Subject, session_id: str, attestation: Attestation | None
    ) -> bool:
        """Tell whether they consent; before that, let the server vouch where it does.

        Where they said no themselves it may not, and the recorder is told so: a start that is refused is in the log.
        """
        if attestation:
            await self._vouch(asker, subject, session_id, attestation)
        return await self._current.hold(subject.room_id, session_id, subject.participant_id)

    async def _vouch(self, asker: Asker, subject: Subject, session_id: str, attestation: Attestation) -> None:
        voucher = Voucher(
            room_id=subject.room_id,
            session_id=session_id,
            participant_id=subject.participant_id,
            attested_by=asker.api_key,
            reference=attestation.reference,
        )
        try:
            await self._consents.attest(voucher, asker.actor)
        except CommandRefusedError as refused:
            if refused.code != "consent_required":
                raise

    async def _at_once(
        self,
        kind: type[StopParticipantRecording | PauseParticipantRecording | ResumeParticipantRecording],
        asker: Asker,
        subject: Subject,
        **beside: str | None,
    ) -> str:
        session_id = await self._rooms.live_session(subject.room_id)
        # As with consent: no media after this moment may be written while the command is on its way.
        # One that was not answered may still be decided.
        with self._horizon.saying(_UNDECIDED, self._owners.patience + DECIDING) as moment:
            return await self._ask(kind(**self._about(subject, session_id), **beside, at=moment), asker)

    def _about(self, subject: Subject, session_id: str) -> dict[str, Any]:
        return {
            "room_id": subject.room_id,
            "session_id": session_id,
            "participant_id": subject.participant_id,
            "kind": subject.kind,
        }

    async def _ask(self, command: Any, asker: Asker) -> str:
        accepted = await self._owners.ask(command, Context.begin(asker.actor), ParticipantRecordingAccepted)
        return accepted.participant_recording_id


def _is_of(stored: StoredEvent, participant_recording_id: str) -> bool:
    event = decode(stored)
    return isinstance(event, ParticipantRecordingEvent) and event.participant_recording_id == participant_recording_id


def joined_folders(*folders: str) -> str:
    """Return one folder within the other; an empty one is none. Raises UnusableFolderError."""
    path = "/".join(folder for folder in folders if folder)
    if len(path) > _LONGEST_PATH or any(len(name) > _LONGEST_NAME for name in path.split("/")):
        raise UnusableFolderError(path)
    return path
