"""What became of the participant recordings of one kind of one participant in one session, from their events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never

from services.recorder.keys import RecordingKeys, Remains, TrackKeys
from services.recorder.moments import nanoseconds
from shared.contracts.gaps import Track
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingFailed,
    ParticipantRecordingPaused,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
    ParticipantRecordingResumed,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    StopParticipantRecording,
    TrackFileFinished,
    TrackFlowStarted,
    TrackFlowStopped,
    TrackRecordingStopped,
)

# --------------------------------------- events: the stored format, defined in shared/contracts/participant_recording

_Ended = ParticipantRecordingStopped | TrackRecordingStopped | ParticipantRecordingFailed | ParticipantRecordingDeleted

ParticipantRecordingHappened = (
    ParticipantRecordingRefused
    | ParticipantRecordingAwaited
    | ParticipantRecordingRequested
    | ParticipantRecordingStarted
    | ParticipantRecordingPaused
    | ParticipantRecordingResumed
    | ParticipantRecordingStopRequested
    | TrackFlowStarted
    | TrackFlowStopped
    | TrackFileFinished
    | _Ended
    | ParticipantRecordingErased
)

# ----------------------------------------------------------------------------------------------------------- state

#: Its participant is waited for; a worker is; one writes; the file that has ended is being finished.
Phase = Literal["awaited", "requested", "started", "stopping"]


@dataclass(frozen=True, slots=True)
class Current:
    participant_recording_id: str
    phase: Phase
    #: As it was asked for.
    webhook_url: str | None = None
    storage_prefix: str = ""
    started_at: datetime | None = None
    #: Who writes.
    worker_id: str | None = None
    #: The earliest of the moments at which that was said.
    paused_at: datetime | None = None
    #: Where its file ends: the earliest of the moments at which a stop was said.
    stops_at: datetime | None = None
    #: Tracks whose packets flow.
    flowing: frozenset[Track] = frozenset()
    #: Files of a track that are in place.
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Over:
    """One that has ended, and what is left of it in the store."""

    participant_recording_id: str
    #: What the log names.
    paths: tuple[str, ...] = ()
    #: And whatever else its worker may have left; None: no file was ever begun.
    remains: Remains | None = None
    deleted: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class ParticipantRecordings:
    """The one that runs or is being finished, those that are over, and the ids that were ever used."""

    current: Current | None = None
    over: tuple[Over, ...] = ()
    known: frozenset[str] = frozenset()
    #: Ids of those that were asked for without consent.
    refused: frozenset[str] = frozenset()

    def is_in(self, participant_recording_id: str, *phases: Phase) -> bool:
        current = self.current
        return current is not None and (
            current.participant_recording_id == participant_recording_id and current.phase in phases
        )

    def is_begun(self, participant_recording_id: str, worker_id: str, at: datetime) -> bool:
        """Tell whether this worker writes it, from that moment on."""
        current = self.current
        return current is not None and (
            (current.participant_recording_id, current.worker_id, current.started_at)
            == (participant_recording_id, worker_id, at)
        )

    def has_flow(self, track: Track) -> bool:
        """Tell whether packets of that track of what is being recorded are known to flow."""
        return self.current is not None and track in self.current.flowing

    def has_file(self, path: str) -> bool:
        """Tell whether a file of the track that is being recorded was told of."""
        return self.current is not None and path in self.current.paths

    def is_wanted(self, participant_recording_id: str) -> bool:
        """Tell whether its files are to stay: it was not deleted."""
        ended = self.ended(participant_recording_id)
        return ended is None or not ended.deleted

    def ended(self, participant_recording_id: str) -> Over | None:
        return next((one for one in self.over if one.participant_recording_id == participant_recording_id), None)


def evolve(  # noqa: C901, PLR0911  one case for each event
    state: ParticipantRecordings, event: ParticipantRecordingHappened
) -> ParticipantRecordings:
    current = state.current or Current(event.participant_recording_id, "requested")
    known = state.known | {event.participant_recording_id}
    match event:
        case ParticipantRecordingRefused():
            return replace(state, known=known, refused=state.refused | {event.participant_recording_id})
        case ParticipantRecordingAwaited() | ParticipantRecordingRequested():
            phase: Phase = "awaited" if isinstance(event, ParticipantRecordingAwaited) else "requested"
            begun = Current(event.participant_recording_id, phase, event.webhook_url, event.storage_prefix)
            return replace(state, current=begun, known=known)
        case ParticipantRecordingStarted():
            return replace(
                state, current=replace(current, phase="started", started_at=event.at, worker_id=event.worker_id)
            )
        case ParticipantRecordingPaused():
            return replace(state, current=replace(current, paused_at=_earliest(current.paused_at, event)))
        case ParticipantRecordingResumed():
            return replace(state, current=replace(current, paused_at=None))
        case ParticipantRecordingStopRequested():
            stops_at = _earliest(current.stops_at, event)
            return replace(state, current=replace(current, phase="stopping", stops_at=stops_at))
        case TrackFlowStarted() | TrackFlowStopped() | TrackFileFinished():
            return replace(state, current=_after_media(current, event))
        case ParticipantRecordingStopped() | TrackRecordingStopped() | ParticipantRecordingFailed():
            return _over(state, current, event)
        case ParticipantRecordingDeleted() if current.participant_recording_id == event.participant_recording_id:
            return _marked(_over(state, current, event), event)
        case ParticipantRecordingDeleted() | ParticipantRecordingErased():
            return _marked(state, event)
        case _:
            assert_never(event)


def _after_media(current: Current, event: TrackFlowStarted | TrackFlowStopped | TrackFileFinished) -> Current:
    match event:
        case TrackFlowStarted():
            return replace(current, flowing=current.flowing | {event.track})
        case TrackFlowStopped():
            return replace(current, flowing=current.flowing - {event.track})
        case TrackFileFinished():
            return replace(current, paths=(*current.paths, event.file.path))


def _earliest(known: datetime | None, event: ParticipantRecordingHappened) -> datetime:
    return min(known or event.at, event.at)


def _over(state: ParticipantRecordings, current: Current, event: _Ended) -> ParticipantRecordings:
    ended = Over(event.participant_recording_id, _paths(current, event), _remains(current, event))
    return replace(state, current=None, over=(*state.over, ended))


def _paths(current: Current, ended: _Ended) -> tuple[str, ...]:
    """Return what may be left in the store."""
    match ended:
        case ParticipantRecordingStopped():
            return (ended.file.path, *((ended.timeline.path,) if ended.timeline else ()))
        case TrackRecordingStopped():
            return current.paths
        case _:
            return paths_so_far(current, ended)


def paths_so_far(
    current: Current,
    about: ParticipantRecordingFailed
    | ParticipantRecordingDeleted
    | DeleteParticipantRecording
    | StopParticipantRecording,
) -> tuple[str, ...]:
    """Return the object keys of one that is not finished: files of a track, or what its worker writes."""
    if current.started_at is None or about.kind != "audio_video":
        return current.paths
    keys = _keys(current.started_at, current, about)
    return keys.file, keys.segment


def _remains(current: Current, ended: _Ended) -> Remains | None:
    if current.started_at is None:
        return None
    if ended.kind == "audio_video":
        return _keys(current.started_at, current, ended).remains
    begin_ns = nanoseconds(current.started_at)
    first = TrackKeys(ended.session_id, ended.participant_id, ended.kind, begin_ns, current.storage_prefix)
    return first.remains_until(nanoseconds(ended.at))


def _keys(
    started_at: datetime, current: Current, about: _Ended | DeleteParticipantRecording | StopParticipantRecording
) -> RecordingKeys:
    return RecordingKeys(about.session_id, about.participant_id, nanoseconds(started_at), current.storage_prefix)


def _marked(
    state: ParticipantRecordings, event: ParticipantRecordingDeleted | ParticipantRecordingErased
) -> ParticipantRecordings:
    """Return it with one that is over deleted, or erased."""
    erased = isinstance(event, ParticipantRecordingErased)
    over = (
        replace(one, deleted=True, erased=erased)
        if one.participant_recording_id == event.participant_recording_id
        else one
        for one in state.over
    )
    return replace(state, over=tuple(over))
