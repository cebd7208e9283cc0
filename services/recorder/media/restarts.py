"""When another ffmpeg may be started where one broke off. Pure: time arrives as an argument, in seconds."""

from __future__ import annotations

#: One that lasted as long was no failure to start.
LASTING_SECONDS = 10.0
#: The pause after the second one in a row that did not last; each further one doubles it, up to the most.
_FIRST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 0.25, 15.0


class Restarts:
    """At once after one that lasted; later and later after those that did not, as on a disk that is full."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._due_at = 0.0

    def break_off(self, began_at: float, now: float) -> None:
        """Take note that the one that began then has broken off, or could not begin."""
        self._in_a_row = 1 if now - began_at >= LASTING_SECONDS else self._in_a_row + 1
        self._due_at = now + _pause(self._in_a_row)

    def is_due(self, now: float) -> bool:
        """Tell whether the next one may begin."""
        return now >= self._due_at


def _pause(in_a_row: int) -> float:
    # Exponents are bounded: after a thousand failures the power would be too large for a float.
    return 0.0 if in_a_row == 1 else min(_FIRST_PAUSE_SECONDS * 2.0 ** min(in_a_row - 2, 30), MOST_PAUSE_SECONDS)
