"""The merges of one set of recordings: at most one at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from shared.contracts.merge import (
    CancelMerge,
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergedFile,
    MergeFailed,
    MergeProgressed,
    MergeRequested,
    StartMerge,
)
from shared.eventsourcing.decider import Decider, RefusedError

#: A worker that makes a merge is heard of more often than that; after so long, another may claim it.
CLAIM_HOLDS = timedelta(seconds=15)
#: A merge that was claimed so often takes its workers down, or outlives them: the next claim ends it.
MOST_CLAIMS = 10

# ---------------------------------------------------------------------------------------------------------- errors


class AlreadyMergingError(RefusedError):
    """The same recordings are being merged in the same way."""

    code = "already_merging"

    def __init__(self, merge_id: str) -> None:
        super().__init__(f"merge {merge_id} of the same recordings is running: wait for it, or cancel it")
        self.merge_id = merge_id


class MergeNotRunningError(RefusedError):
    """There is no such merge, or it is over."""

    code = "merge_not_running"

    def __init__(self, merge_id: str) -> None:
        super().__init__(f"merge {merge_id} is not running")
        self.merge_id = merge_id


class MergeNotYoursError(RefusedError):
    """Another worker makes it, or nobody does: the claim was lost."""

    code = "merge_not_yours"

    def __init__(self, merge_id: str, worker_id: str | None) -> None:
        super().__init__(f"merge {merge_id} is made by {worker_id or 'nobody'}: leave it to them")
        self.merge_id = merge_id
        self.worker_id = worker_id


# ------------------------------------------------------- events: the stored format, defined in shared/contracts/merge

MergeHappened = MergeRequested | MergeClaimed | MergeProgressed | MergeCompleted | MergeFailed | MergeCancelled

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
class Merges:
    """The one that runs, the ids that were ever used, and which of them came to a file."""

    running: Running | None = None
    known: frozenset[str] = frozenset()
    completed: frozenset[str] = frozenset()

    def is_made_by(self, merge_id: str, worker_id: str) -> bool:
        running = self.running
        return running is not None and (running.merge_id, running.worker_id) == (merge_id, worker_id)


def evolve(merges: Merges, event: MergeHappened) -> Merges:
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
            return replace(merges, running=None, completed=merges.completed | {event.merge_id})
        case MergeFailed() | MergeCancelled():
            return replace(merges, running=None)
        case _:
            assert_never(event)


def _claimed(running: Running, event: MergeClaimed) -> Running:
    return replace(running, worker_id=event.worker_id, heard_of=event.at, claims=running.claims + 1)


# ----------------------------------------- commands; StartMerge and CancelMerge are in shared/contracts/merge


@dataclass(frozen=True, slots=True, kw_only=True)
class _ByWorker:
    merge_id: str
    set_id: str
    worker_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimMerge(_ByWorker):
    """Make it, if nobody does or who did was not heard of for too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMergeProgress(_ByWorker):
    """The worker is alive at `at`, and so far."""

    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteMerge(_ByWorker):
    """The file is in place."""

    file: MergedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FailMerge(_ByWorker):
    reason: str


MergeCommand = StartMerge | CancelMerge | ClaimMerge | ReportMergeProgress | CompleteMerge | FailMerge

# ---------------------------------------------------------------------------------------------------------- decide


def decide(merges: Merges, command: MergeCommand) -> list[MergeHappened]:
    match command:
        case StartMerge():
            return _start(merges, command)
        case CancelMerge():
            running = _running(merges, command.merge_id)
            return [MergeCancelled(**_about(running, command), cancelled_by=command.cancelled_by)]
        case ClaimMerge():
            return _claim(merges, command)
        case ReportMergeProgress():
            return _report(merges, command)
        case CompleteMerge():
            return _complete(merges, command)
        case FailMerge():
            return [MergeFailed(**_about(_made_by(merges, command), command), reason=command.reason)]
        case _:
            assert_never(command)


def _start(merges: Merges, command: StartMerge) -> list[MergeHappened]:
    if command.merge_id in merges.known:
        return []
    if merges.running:
        raise AlreadyMergingError(merges.running.merge_id)
    return [
        MergeRequested(
            at=command.at,
            room_id=command.room_id,
            session_id=command.session_id,
            merge_id=command.merge_id,
            set_id=command.set_id,
            layout=command.layout,
            inputs=command.inputs,
            webhook_url=command.webhook_url,
            storage_prefix=command.storage_prefix,
        )
    ]


def _claim(merges: Merges, command: ClaimMerge) -> list[MergeHappened]:
    running = _running(merges, command.merge_id)
    if running.is_held(command.at):
        return []
    if running.claims >= MOST_CLAIMS:
        return [MergeFailed(**_about(running, command), reason=f"{MOST_CLAIMS} workers began it, and none ended it")]
    return [MergeClaimed(**_about(running, command), worker_id=command.worker_id)]


def _report(merges: Merges, command: ReportMergeProgress) -> list[MergeHappened]:
    running = _made_by(merges, command)
    if running.heard_of and command.at <= running.heard_of:
        return []
    return [MergeProgressed(**_about(running, command), worker_id=command.worker_id, percent=command.percent)]


def _complete(merges: Merges, command: CompleteMerge) -> list[MergeHappened]:
    if command.merge_id in merges.completed:
        return []
    return [MergeCompleted(**_about(_made_by(merges, command), command), file=command.file)]


def _running(merges: Merges, merge_id: str) -> Running:
    if merges.running is None or merges.running.merge_id != merge_id:
        raise MergeNotRunningError(merge_id)
    return merges.running


def _made_by(merges: Merges, command: ReportMergeProgress | CompleteMerge | FailMerge) -> Running:
    running = _running(merges, command.merge_id)
    if running.worker_id != command.worker_id:
        raise MergeNotYoursError(command.merge_id, running.worker_id)
    return running


def _about(running: Running, command: CancelMerge | _ByWorker) -> dict[str, object]:
    return {
        "at": command.at,
        "room_id": running.room_id,
        "session_id": running.session_id,
        "merge_id": running.merge_id,
        "set_id": command.set_id,
    }


MERGE = Decider(Merges(), evolve, decide)
