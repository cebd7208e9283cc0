"""Why a message could not be handled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter

#: Enough for a sentence; a broker's limit on headers is far above.
_REASON_CHARACTERS = 1000

#: Type is the error's. A message's own type is whatever somebody wrote into it, too many things for a label.
_DEAD_LETTERS = Counter("onrecord_dead_letters", "Messages that could not be handled", ["queue", "type"])


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What is told of a message that could not be handled."""

    queue: str
    error: Exception
    #: How often it was tried.
    attempts: int
    at: datetime

    @property
    def headers(self) -> dict[str, str]:
        """What the message carries besides its own headers from now on."""
        return {
            "dead-letter-queue": self.queue,
            "dead-letter-error": type(self.error).__name__,
            "dead-letter-reason": str(self.error)[:_REASON_CHARACTERS],
            "dead-letter-attempts": str(self.attempts),
            "dead-letter-at": self.at.isoformat(),
        }

    def count(self) -> None:
        _DEAD_LETTERS.labels(self.queue, type(self.error).__name__).inc()
