"""The merges of one set of recordings: at most one at a time.

Errors, and what became of merges, have files of their own beside this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from services.recorder.domain.merge_errors import AlreadyMergingError, MergeNotRunningError, MergeNotYoursError
from services.recorder.domain.merge_life import Completed, MergeHappened, Merges, Running, evolve
from shared.contracts.merge import (
    CancelMerge,
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergeDeleted,
    MergedFile,
    MergeErased,
    MergeFailed,
    MergeProgressed,
    MergeRequested,
    StartMerge,
)
from shared.contracts.participant_recording import DeletionReason
from shared.eventsourcing.decider import Decider

#: A merge that was claimed so often takes its workers down, or outlives them: the next claim ends it.
MOST_CLAIMS = 10

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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMerge:
    """Erase its file: a recording in it was thrown away."""

    merge_id: str
    set_id: str
    deleted_by: str
    reason: DeletionReason
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmMergeErasure:
    """The file of a deleted merge is gone from the store."""

    merge_id: str
    set_id: str
    at: datetime


MergeCommand = (
    StartMerge
    | CancelMerge
    | ClaimMerge
    | ReportMergeProgress
    | CompleteMerge
    | FailMerge
    | DeleteMerge
    | ConfirmMergeErasure
)

# ---------------------------------------------------------------------------------------------------------- decide


def decide(merges: Merges, command: MergeCommand) -> list[MergeHappened]:  # noqa: PLR0911  one case for each command
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
        case DeleteMerge():
            return _delete(merges, command)
        case ConfirmMergeErasure():
            return _erased(merges, command)
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


def _delete(merges: Merges, command: DeleteMerge) -> list[MergeHappened]:
    completed = merges.completed.get(command.merge_id)
    if completed is None or completed.deleted:
        return []
    why = {"deleted_by": command.deleted_by, "reason": command.reason}
    return [MergeDeleted(**_about(completed, command), **why, path=completed.path)]


def _erased(merges: Merges, command: ConfirmMergeErasure) -> list[MergeHappened]:
    completed = merges.completed.get(command.merge_id)
    is_due = completed is not None and completed.deleted and not completed.erased
    return [MergeErased(**_about(completed, command))] if completed and is_due else []


def _running(merges: Merges, merge_id: str) -> Running:
    if merges.running is None or merges.running.merge_id != merge_id:
        raise MergeNotRunningError(merge_id)
    return merges.running


def _made_by(merges: Merges, command: ReportMergeProgress | CompleteMerge | FailMerge) -> Running:
    running = _running(merges, command.merge_id)
    if running.worker_id != command.worker_id:
        raise MergeNotYoursError(command.merge_id, running.worker_id)
    return running


def _about(
    merge: Running | Completed, command: CancelMerge | DeleteMerge | ConfirmMergeErasure | _ByWorker
) -> dict[str, object]:
    return {
        "at": command.at,
        "room_id": merge.room_id,
        "session_id": merge.session_id,
        "merge_id": command.merge_id,
        "set_id": command.set_id,
    }


MERGE = Decider(Merges(), evolve, decide)
