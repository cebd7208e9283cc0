"""What became of the merges of one set of recordings, from their events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import assert_never

from shared.contracts.merge import (
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergeDeleted,
    MergeErased,
    MergeFailed,
    MergeProgressed,
    MergeRequested,
)

#: A worker that makes a merge is heard of more often than that; after so long, another may claim it.
CLAIM_HOLDS = timedelta(seconds=15)

# ------------------------------------------------------- events: the stored format, defined in shared/contracts/merge

MergeHappened = (
    MergeRequested
    | MergeClaimed
    | MergeProgressed
    | MergeCompleted
    | MergeFailed
    | MergeCancelled
    | MergeDeleted
    | MergeErased
)

# ----------------------------------------------------------------------------------------------------------- state


@dataclass(frozen=True, slots=True)
class Running:
    merge_id: str
    room_id: str
    session_id: str
    #: None: nobody makes it yet.
    worker_id: str | None = None
    #: When that worker was last heard of.
    heard_of: datetime | None = None
    claims: int = 0

    def is_held(self, at: datetime) -> bool:
        """Whether the worker that claimed it was heard of lately."""
        return self.heard_of is not None and at - self.heard_of < CLAIM_HOLDS


@dataclass(frozen=True, slots=True)
class Completed:
    """One that came to a file."""

    room_id: str
    session_id: str
    path: str
    deleted: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Merges:
    """The one that runs, the ids that were ever used, and what became of those of them that came to a file."""

    running: Running | None = None
    known: frozenset[str] = frozenset()
    completed: Mapping[str, Completed] = field(default_factory=lambda: MappingProxyType({}))

    def is_made_by(self, merge_id: str, worker_id: str) -> bool:
        running = self.running
        return running is not None and (running.merge_id, running.worker_id) == (merge_id, worker_id)


def evolve(merges: Merges, event: MergeHappened) -> Merges:  # noqa: PLR0911  one case for each event
    running = merges.running
    match event:
        case MergeRequested():
            asked = Running(event.merge_id, event.room_id, event.session_id)
            return replace(merges, running=asked, known=merges.known | {event.merge_id})
        case MergeClaimed() if running:
            return replace(merges, running=_claimed(running, event))
        case MergeProgressed() if running:
            return replace(merges, running=replace(running, heard_of=event.at))
        case MergeClaimed() | MergeProgressed():
            return merges
        case MergeCompleted():
            completed = Completed(event.room_id, event.session_id, event.file.path)
            return _with(replace(merges, running=None), event.merge_id, completed)
        case MergeFailed() | MergeCancelled():
            return replace(merges, running=None)
        case MergeDeleted() | MergeErased():
            return _marked(merges, event)
        case _:
            assert_never(event)


def _marked(merges: Merges, event: MergeDeleted | MergeErased) -> Merges:
    known = merges.completed.get(event.merge_id)
    if known is None:
        return merges
    return _with(merges, event.merge_id, replace(known, deleted=True, erased=isinstance(event, MergeErased)))


def _with(merges: Merges, merge_id: str, completed: Completed) -> Merges:
    return replace(merges, completed=MappingProxyType({**merges.completed, merge_id: completed}))


def _claimed(running: Running, event: MergeClaimed) -> Running:
    return replace(running, worker_id=event.worker_id, heard_of=event.at, claims=running.claims + 1)
