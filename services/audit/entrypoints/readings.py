"""The bound on how much of the log is held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

#: Each reads all of the log, and a replay holds the state of every stream.
_AT_ONCE = 2
_RETRY_AFTER_SECONDS = 10


class TooManyReadingsError(Exception):
    """The log is being read for as many others as it can be at once."""

    code = "unavailable"
    #: Seconds.
    retry_after = _RETRY_AFTER_SECONDS

    def __init__(self) -> None:
        super().__init__(f"the log is being read for {_AT_ONCE} others: try again in {_RETRY_AFTER_SECONDS} s")


class Readings:
    """Lets a few read the log at a time, and refuses more: who waits would hold a connection, and ask again."""

    def __init__(self) -> None:
        self._running = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Be one of them while the context lasts. Raises TooManyReadingsError."""
        if self._running >= _AT_ONCE:
            raise TooManyReadingsError
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
