"""Recordings that are not over, as the recorder's process manager knows them: of rooms and of participants. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingRequested,
)


@dataclass(frozen=True, slots=True)
class OpenRecording:
    """A room recording that was asked for and has not ended."""

    recording_id: str
    started: bool = False
    #: Whose file was ever asked for in it: none is asked for twice, unless it was erased as its participant withdrew.
    asked_for: frozenset[str] = frozenset()
    #: Whose file that happened to, as often as it did.
    erased: tuple[str, ...] = ()

    def file_of(self, participant_id: str) -> str:
        """Return the id of the participant's file, the one that was asked for or that is to be."""
        return participant_recording_id(self.recording_id, participant_id, self.erased.count(participant_id))

    def asking(self, event: ParticipantRecordingRequested) -> OpenRecording:
        """Return it after a file was asked for."""
        if event.recording_id != self.recording_id:
            return self
        return replace(self, asked_for=self.asked_for | {event.participant_id})

    def without(self, event: ParticipantRecordingDeleted) -> OpenRecording:
        """Return it after a deletion: whose file was erased has another one made if they agree again."""
        who = event.participant_id
        if event.reason != "withdrawn" or event.participant_recording_id != self.file_of(who):
            return self
        return replace(self, asked_for=self.asked_for - {who}, erased=(*self.erased, who))


@dataclass(frozen=True, slots=True)
class OpenParticipantRecording:
    """A participant recording that was asked for and is not finished."""

    participant_recording_id: str
    #: None: a server asked for this one alone.
    recording_id: str | None
    #: Of a worker; while its participant is waited for, of the server.
    requested_at: datetime
    #: Until when its participant is waited for; None: they came, or were there.
    awaited_until: datetime | None = None
    started: bool = False
    stopping: bool = False


def participant_recording_id(recording_id: str, participant_id: str, erased: int = 0) -> str:
    """Return the id of a participant's file in a room recording: the same however often it is asked for.

    `erased` tells how many of theirs were erased in it before.
    """
    name = f"{recording_id}/{participant_id}" + (f"/{erased}" if erased else "")
    return uuid5(NAMESPACE_OID, name).hex[:24]


def asked(event: ParticipantRecordingAwaited | ParticipantRecordingRequested) -> OpenParticipantRecording:
    if isinstance(event, ParticipantRecordingAwaited):
        return OpenParticipantRecording(event.participant_recording_id, None, event.at, awaited_until=event.until)
    return OpenParticipantRecording(event.participant_recording_id, event.recording_id, event.at)
