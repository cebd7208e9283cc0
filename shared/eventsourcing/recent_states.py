"""Recent states: what streams came to when they were last looked at, so that only what is new need be read.

They are a cache of what the log says, never newer than it, and never decided on without reading what came after.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

from shared.eventsourcing.snapshots import Loaded

State = TypeVar("State")


class RecentStates(Generic[State]):
    """The states of the streams that were looked at last, within one process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._states: OrderedDict[str, Loaded[State]] = OrderedDict()

    def get(self, stream: str) -> Loaded[State] | None:
        if stream in self._states:
            self._states.move_to_end(stream)
        return self._states.get(stream)

    def put(self, stream: str, loaded: Loaded[State]) -> None:
        """Keep the state, unless a newer one is known."""
        known = self._states.get(stream)
        if known is None or known.position < loaded.position:
            self._states[stream] = loaded
        self._states.move_to_end(stream)
        if len(self._states) > self._limit:
            self._states.popitem(last=False)
