"""The merges that are not over, from what happened: who makes them, and which of them wait for somebody.

Pure. What waits is claimed in its stream, which decides between those who see the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from services.recorder.domain.merge import CLAIM_HOLDS
from shared.contracts.merge import (
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergeFailed,
    MergeProgressed,
    MergeRequested,
)
from shared.contracts.message import Event


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


def next_to_claim(merges: Iterable[OpenMerge], now: datetime) -> MergeRequested | None:
    """Return the merge that waits longest for a worker."""
    waiting = (merge.requested for merge in merges if merge.waits(now))
    return min(waiting, key=lambda requested: requested.at, default=None)
