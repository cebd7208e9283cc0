"""Commands about the merges of one set of recordings, and the events they lead to."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from services.recorder.domain.merge import (
    ClaimMerge,
    CompleteMerge,
    ConfirmMergeErasure,
    DeleteMerge,
    FailMerge,
    MergeCommand,
    ReportMergeProgress,
)
from shared.contracts.merge import (
    CancelMerge,
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergeDeleted,
    MergedFile,
    MergeErased,
    MergeFailed,
    MergeInput,
    MergeProgressed,
    MergeRequested,
    StartMerge,
    merge_set,
)
from tests.support.moments import at

INPUTS = (
    MergeInput(participant_id="ann", participant_recording_id="ann-1", channel=1),
    MergeInput(participant_id="bob", participant_recording_id="bob-1", channel=2),
)
SET = merge_set("stereo", INPUTS)
FILE = MergedFile(path="s/merge_recording_m.mp3", size_bytes=4711, sha256="ab" * 32, duration_ms=9000)


def start(merge: str = "m", second: float = 0) -> StartMerge:
    return StartMerge(at=at(second), room_id="r", session_id="s", merge_id=merge, layout="stereo", inputs=INPUTS)


def cancel(merge: str = "m", second: float = 5) -> CancelMerge:
    return CancelMerge(at=at(second), merge_id=merge, set_id=SET, cancelled_by="server:key")


def claim(merge: str = "m", worker: str = "one", second: float = 1) -> ClaimMerge:
    return ClaimMerge(**_by(merge, worker, second))


def report(merge: str = "m", worker: str = "one", second: float = 2, percent: int = 10) -> ReportMergeProgress:
    return ReportMergeProgress(**_by(merge, worker, second), percent=percent)


def complete(merge: str = "m", worker: str = "one", second: float = 4) -> CompleteMerge:
    return CompleteMerge(**_by(merge, worker, second), file=FILE)


def fail(merge: str = "m", worker: str = "one", second: float = 4, reason: str = "disk full") -> FailMerge:
    return FailMerge(**_by(merge, worker, second), reason=reason)


def delete(merge: str = "m", second: float = 7) -> DeleteMerge:
    return DeleteMerge(merge_id=merge, set_id=SET, deleted_by="participant:ann", reason="withdrawn", at=at(second))


def confirm_erasure(merge: str = "m", second: float = 8) -> ConfirmMergeErasure:
    return ConfirmMergeErasure(merge_id=merge, set_id=SET, at=at(second))


def requested(merge: str = "m", second: float = 0) -> MergeRequested:
    return MergeRequested(**_about(merge, second), layout="stereo", inputs=INPUTS)


def claimed(merge: str = "m", worker: str = "one", second: float = 1) -> MergeClaimed:
    return MergeClaimed(**_about(merge, second), worker_id=worker)


def progressed(merge: str = "m", worker: str = "one", second: float = 2, percent: int = 10) -> MergeProgressed:
    return MergeProgressed(**_about(merge, second), worker_id=worker, percent=percent)


def completed(merge: str = "m", second: float = 4) -> MergeCompleted:
    return MergeCompleted(**_about(merge, second), file=FILE)


def failed(merge: str = "m", second: float = 4, reason: str = "disk full") -> MergeFailed:
    return MergeFailed(**_about(merge, second), reason=reason)


def cancelled(merge: str = "m", second: float = 5) -> MergeCancelled:
    return MergeCancelled(**_about(merge, second), cancelled_by="server:key")


def deleted(merge: str = "m", second: float = 7) -> MergeDeleted:
    return MergeDeleted(**_about(merge, second), deleted_by="participant:ann", reason="withdrawn", path=FILE.path)


def erased(merge: str = "m", second: float = 8) -> MergeErased:
    return MergeErased(**_about(merge, second))


def any_commands(
    *merges: str, workers: tuple[str, ...] = ("one", "two", "three")
) -> st.SearchStrategy[list[MergeCommand]]:
    """Any commands of a minute, in the order of their moments."""
    some_merge, some_worker, seconds = st.sampled_from(merges), st.sampled_from(workers), st.integers(0, 60).map(float)
    asked: list[st.SearchStrategy[MergeCommand]] = [
        st.builds(kind, some_merge, seconds) for kind in (start, cancel, delete, confirm_erasure)
    ]
    said: list[st.SearchStrategy[MergeCommand]] = [
        st.builds(kind, some_merge, some_worker, seconds) for kind in (claim, claim, report, complete, fail)
    ]
    return st.lists(st.one_of(asked + said), max_size=30).map(_in_time)


def _in_time(commands: list[MergeCommand]) -> list[MergeCommand]:
    return sorted(commands, key=lambda command: command.at)


def _by(merge: str, worker: str, second: float) -> dict[str, Any]:
    return {"merge_id": merge, "set_id": SET, "worker_id": worker, "at": at(second)}


def _about(merge: str, second: float) -> dict[str, Any]:
    return {"at": at(second), "room_id": "r", "session_id": "s", "merge_id": merge, "set_id": SET}
