"""The timeline beside a file: when each moment of it was, which of them are gaps and why, and what in the log shows it.

`docs/timeline.md` tells of each field, with an example.
"""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from shared.contracts.gaps import GapReason, Track
from shared.contracts.identifiers import Moment, ParticipantId, ParticipantRecordingId, RecordingId, RoomId, SessionId
from shared.contracts.message import Contract
from shared.contracts.participant_recording import RecordedFile


class TimelineGap(Contract):
    """Time that holds silence or black, in ms of the file and in UTC."""

    begin_ms: NonNegativeInt
    end_ms: NonNegativeInt
    begin: Moment
    end: Moment
    reason: GapReason


class TimelineTrack(Contract):
    track: Track
    codec: str
    #: In order.
    gaps: tuple[TimelineGap, ...]


class LogPlace(Contract):
    """An event's place in its stream, and in the log if it had one there by then."""

    position: PositiveInt
    global_position: PositiveInt | None


class LogPlaces(Contract):
    """Where the log tells of the recording."""

    stream: str
    #: `participant-recording.started.v1`.
    started: LogPlace
    #: The last event of the stream when this was written; `participant-recording.stopped.v1`, which follows, has the
    #: digest of this timeline.
    latest: LogPlace


class FileTimeline(Contract):
    version: Literal[1] = 1
    room_id: RoomId
    session_id: SessionId
    participant_id: ParticipantId
    participant_recording_id: ParticipantRecordingId
    #: The room recording it is part of; null: a server asked for it.
    recording_id: RecordingId | None
    file: RecordedFile
    #: The file's time zero, and its end.
    begin: Moment
    end: Moment
    tracks: tuple[TimelineTrack, ...]
    #: Gaps of both tracks that are shorter than all that are told, when there were too many.
    gaps_left_out: NonNegativeInt
    gaps_left_out_ms: NonNegativeInt
    #: By how much pictures took longer than sounds to come, as the sender last reported; the file makes up for it.
    #: Null: it did not tell.
    skew_ms: float | None
    log: LogPlaces
