"""The merges that are not over, from what happened: who makes them, and which of them can be made.

Pure. What waits is claimed in its stream, which decides between those who see the same. Which one a worker claims is
no matter of one merge, nor of the log alone: it makes one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.recorder.domain.merge_life import CLAIM_HOLDS
from shared.contracts.merge import (
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergeFailed,
    MergeProgressed,
    MergeRequested,
)
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingFailed,
    ParticipantRecordingRequested,
    ParticipantRecordingStopped,
    TrackRecordingStopped,
)

#: How long recordings that are being finished are waited for, from the moment the merge was asked for.
INPUTS_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class OpenMerge:
    """A merge that was asked for and is not over."""

    requested: MergeRequested
    #: None: nobody makes it yet.
    worker_id: str | None = None
    #: When that worker was last heard of.
    heard_of: datetime | None = None

    def waits(self, now: datetime) -> bool:
        """Whether nobody makes it, or who did was not heard of for too long."""
        return self.heard_of is None or now - self.heard_of >= CLAIM_HOLDS


def follow(merge: OpenMerge | None, event: Event) -> OpenMerge | None:
    """Return the merge after an event about it; None: it is over, or was never heard of."""
    match event:
        case MergeRequested():
            return OpenMerge(event)
        case MergeClaimed() | MergeProgressed() if merge:
            return replace(merge, worker_id=event.worker_id, heard_of=event.at)
        case MergeCompleted() | MergeFailed() | MergeCancelled():
            return None
        case _:
            return merge


def follow_unfinished(unfinished: frozenset[str], event: Event) -> frozenset[str]:
    """Return the participant recordings that were asked for and are not over, after an event."""
    match event:
        case ParticipantRecordingAwaited() | ParticipantRecordingRequested():
            return unfinished | {event.participant_recording_id}
        case (
            ParticipantRecordingStopped()
            | TrackRecordingStopped()
            | ParticipantRecordingFailed()
            | ParticipantRecordingDeleted()
        ):
            return unfinished - {event.participant_recording_id}
        case _:
            return unfinished


def next_to_claim(merges: Iterable[OpenMerge], unfinished: frozenset[str], now: datetime) -> MergeRequested | None:
    """Return the merge that waits longest for a worker, of those whose recordings are waited for no longer."""
    waiting = (merge.requested for merge in merges if merge.waits(now))
    claimable = (each for each in waiting if _is_ready(each, unfinished) or now - each.at >= INPUTS_WITHIN)
    return min(claimable, key=lambda requested: requested.at, default=None)


def _is_ready(requested: MergeRequested, unfinished: frozenset[str]) -> bool:
    return all(one.participant_recording_id not in unfinished for one in requested.inputs)
