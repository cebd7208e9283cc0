"""When a webhook that failed is posted again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

#: By how much of itself a wait is made longer or shorter, so that what failed together does not come back together.
_JITTER = 0.1
#: How long a target may have us wait by Retry-After, in seconds.
_SHORTEST, _LONGEST = 1.0, 12 * 3600.0


@dataclass(frozen=True, slots=True)
class Retries:
    """How long is waited after each attempt that failed. After the last wait comes the last attempt."""

    #: Seconds after the first, the second, … attempt.
    waits: tuple[float, ...]

    def after(self, attempt: int, chance: float, retry_after: float | None = None) -> timedelta | None:
        """Return how long to wait after an attempt that failed, counted from 1; None: it is given up.

        `chance` is drawn from -1 to 1. What the target asked for can only make it longer: many short waits in a row
        would use up the attempts in a minute.
        """
        if attempt > len(self.waits):
            return None
        planned = self.waits[attempt - 1] * (1 + _JITTER * chance)
        asked = 0.0 if retry_after is None else min(max(retry_after, _SHORTEST), _LONGEST)
        return timedelta(seconds=max(planned, asked))
