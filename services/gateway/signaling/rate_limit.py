"""The rate limit of one connection: how much a client may say."""

from __future__ import annotations

#: Messages that may come at once, and how many per second after that. A person's clicks stay far below.
BURST = 100
PER_SECOND = 50.0
#: Characters that cost as much as one more message: reading them takes as long.
SIZE = 16384
#: So many messages over the limit, without a pause in between, are no mishap.
TOLERATED = 1000


class RateLimit:
    """A token bucket. Times are in seconds of a clock that is never set."""

    def __init__(self, now: float) -> None:
        self._allowance = float(BURST)
        self._counted_at = now
        self._over = 0

    def admits(self, now: float, length: int = 0) -> bool:
        """Take note of a message of so many characters and tell whether it is within the limit."""
        cost = 1 + length // SIZE
        self._allowance = min(BURST, self._allowance + (now - self._counted_at) * PER_SECOND)
        self._counted_at = now
        if self._allowance >= BURST - 1:
            self._over = 0
        if self._allowance < cost:
            self._over += 1
            return False
        self._allowance -= cost
        return True

    @property
    def is_abused(self) -> bool:
        """The client has gone on for so long that it will not stop by itself."""
        return self._over > TOLERATED
