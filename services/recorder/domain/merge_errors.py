"""Why commands to the merges of a set are refused.

RefusedError
├── AlreadyMergingError
├── MergeNotRunningError
└── MergeNotYoursError
"""

from __future__ import annotations

from shared.eventsourcing.decider import RefusedError


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
