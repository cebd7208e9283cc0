"""Which copies of a recording's files begin together, and what each lacks at its beginning. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.audit.projections.files import FileOnRecord
from services.audit.projections.timeline import RecordingTimeline
from shared.contracts.gaps import FileGaps
from shared.contracts.participant_recording import RecordedFile

_MS = timedelta(milliseconds=1)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")
_NO_GAPS = FileGaps(longest=(), left_out=0, left_out_ms=0)


@dataclass(frozen=True, slots=True)
class AlignedCopy:
    """A copy of a file that begins where its recording does."""

    participant_id: str
    participant_recording_id: str
    source: RecordedFile
    #: When the file begins.
    begin: datetime
    #: How long the copy is black and silent before that.
    lead_ms: int
    #: Those of the file, in its own time.
    gaps: FileGaps

    @property
    def name(self) -> str:
        """What it is called. Identifiers are safe as parts of names."""
        return f"aligned_{self.participant_id}_{(self.begin - _EPOCH) // _MS}.webm"

    @property
    def duration_ms(self) -> int:
        return self.lead_ms + self.source.duration_ms


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A participant recording of which there is no copy."""

    participant_id: str
    participant_recording_id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.participant_id}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is made of a recording."""

    recording_id: str
    room_id: str
    #: Time zero of all copies.
    start: datetime
    copies: tuple[AlignedCopy, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def project(self) -> str:
        """What the editor's project is called."""
        return f"{self.recording_id}.otio"

    @property
    def names(self) -> list[str]:
        return [*(copy.name for copy in self.copies), self.project]


def plan(told: RecordingTimeline) -> Plan:
    """Plan a copy of each file that is in place and not deleted.

    All begin where the recording does, or where the first of them does if that was earlier.
    """
    kept = [on_record for on_record in told.files if _reason(on_record) is None]
    start = min([told.begin.moment, *(on_record.begin for on_record in kept)])
    return Plan(
        recording_id=told.recording_id,
        room_id=told.room_id,
        start=start,
        copies=tuple(_copy(on_record, on_record.file, start) for on_record in kept if on_record.file),
        left_out=tuple(
            LeftOut(on_record.participant_id, on_record.participant_recording_id, reason)
            for on_record in told.files
            if (reason := _reason(on_record))
        ),
    )


def _copy(on_record: FileOnRecord, file: RecordedFile, start: datetime) -> AlignedCopy:
    return AlignedCopy(
        participant_id=on_record.participant_id,
        participant_recording_id=on_record.participant_recording_id,
        source=file,
        begin=on_record.begin,
        lead_ms=round((on_record.begin - start) / _MS),
        gaps=on_record.gaps or _NO_GAPS,
    )


def _reason(on_record: FileOnRecord) -> str | None:
    """Tell why there is no copy of it; None: there is."""
    if on_record.gone:
        return on_record.gone
    if on_record.failure is not None:
        return f"failed: {on_record.failure}"
    return None if on_record.file else "has no finished file yet"
