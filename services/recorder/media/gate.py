"""The gate: which moments of one participant may be recorded.

Pure. A moment may pass when every condition holds at it. Nothing holds before it was said, and what is said takes
effect at the moment it was said at, which may lie before what was taken note of earlier: gateways are several. In
doubt it is a no: one that is heard of late also undoes every yes that is known already and was said after it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import Literal

#: The participant agreed; the participant is in the room.
Condition = Literal["consent", "presence"]


class Gate:
    """What was said about one participant, and what follows for any span of time. Times are wall clock, ns."""

    def __init__(self) -> None:
        self._said: dict[Condition, list[tuple[int, bool]]] = {"consent": [], "presence": []}

    def say(self, condition: Condition, at_ns: int, *, holds: bool) -> None:
        """Take note that from `at_ns` on the condition holds or does not. Of two for one moment, a no wins.

        Words are to be told in the order of the log, which says who is consenting and present by its last word.
        """
        said = self._said[condition]
        if not holds:
            said[:] = [word for word in said if word[0] < at_ns or not word[1]]
        insort(said, (at_ns, holds), key=_order)

    def permits(self, begin_ns: int, end_ns: int) -> bool:
        """Tell whether every moment of the span, both ends included, may pass."""
        return all(self._holds_throughout(said, begin_ns, end_ns) for said in self._said.values())

    def closed_since(self, at_ns: int) -> int | None:
        """Return since when the gate is closed at that moment; None when it is open.

        0 when it never was open before.
        """
        moments = [moment for said in self._said.values() if (moment := _failing_since(said, at_ns)) is not None]
        return min(moments, default=None)

    @staticmethod
    def _holds_throughout(said: list[tuple[int, bool]], begin_ns: int, end_ns: int) -> bool:
        last = bisect_right(said, _order((end_ns, False)), key=_order)
        first = bisect_right(said, _order((begin_ns, False)), key=_order)
        return first > 0 and all(holds for _, holds in said[first - 1 : last])


def _order(word: tuple[int, bool]) -> tuple[int, bool]:
    """Sort by moment, and a no after a yes of the same moment, because the last one counts."""
    moment, holds = word
    return moment, not holds


def _failing_since(said: list[tuple[int, bool]], at_ns: int) -> int | None:
    end = bisect_right(said, _order((at_ns, False)), key=_order)
    if end and said[end - 1][1]:
        return None
    begin = end
    while begin and not said[begin - 1][1]:
        begin -= 1
    return said[begin][0] if begin < end else 0
