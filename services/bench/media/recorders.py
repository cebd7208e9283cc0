"""What records: ours, or a peer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from services.bench.media.sending import Sender


class Recorders(Protocol):
    """Records participants, who are numbered in the order in which they were brought."""

    def pids(self) -> Sequence[int]:
        """Return the processes that record, by now."""

    async def bring(self, sender: Sender) -> None:
        """Have one more participant's media sent to where it will be recorded."""

    async def record(self, number: int) -> float:
        """Begin to record one; return the seconds until what they sent is in their file."""

    async def stop(self) -> Mapping[int, Path]:
        """End all files, and return that of each participant whose recording has begun."""
