"""The gate: which moments of one participant may be recorded.

Pure. A moment may pass when every condition holds at it and the recording is not paused. No condition holds before it
was said, and what is said takes effect at the moment it was said at, which may lie before what was taken note of
earlier: gateways are several. In doubt it is a no: one that is heard of late also undoes every yes that is known
already and was said after it. A yes that ends by itself is nobody's no: it undoes nothing that was said after it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from typing import Literal

from services.recorder.media.pauses import Pauses
from services.recorder.media.spans import Span, union

#: The participant agreed; the participant is in the room.
Condition = Literal["consent", "presence"]
#: What closes it: a condition that does not hold, or a pause.
Closing = Condition | Literal["pause"]


#: Moments, and whether the condition holds from then on; sorted.
_Said = list[tuple[int, bool]]


class Gate:
    """What was said about one participant, and what follows for any span of time. Times are wall clock, ns."""

    def __init__(self, said: dict[Condition, _Said] | None = None, pauses: Sequence[Pauses] = ()) -> None:
        self._said: dict[Condition, _Said] = {"consent": [], "presence": []} if said is None else said
        self._pauses = tuple(pauses)

    def within(self, *pauses: Pauses) -> Gate:
        """Return the same gate for a file that is paused by each of these: what is said to one gate is said to both."""
        return Gate(self._said, pauses)

    def say(self, condition: Condition, at_ns: int, *, holds: bool) -> None:
        """Take note that from `at_ns` on the condition holds or does not. Of two for one moment, a no wins.

        Words are to be told in the order of the log, which says who is consenting and present by its last word.
        """
        said = self._said[condition]
        if not holds:
            said[:] = [word for word in said if word[0] < at_ns or not word[1]]
        insort(said, (at_ns, holds), key=_order)

    def lapse(self, condition: Condition, at_ns: int) -> None:
        """Take note that the condition ended by itself at `at_ns`; what was said after that moment stands."""
        insort(self._said[condition], (at_ns, False), key=_order)

    def permits(self, begin_ns: int, end_ns: int) -> bool:
        """Tell whether every moment of the span, both ends included, may pass."""
        return self.first_closed(begin_ns, end_ns) is None

    def first_closed(self, begin_ns: int, end_ns: int) -> int | None:
        """Return the first moment of the span, both ends included, that may not pass; None when all may."""
        first_ns: int | None = None
        for said in self._said.values():
            if said and said[-1][1] and said[-1][0] <= begin_ns:
                continue  # the last word was a yes before the span: so it is for nearly every frame
            first_ns = _earlier(first_ns, _first_failing(said, begin_ns, end_ns))
        for pauses in self._pauses:
            first_ns = _earlier(first_ns, pauses.first_in(begin_ns, end_ns))
        return first_ns

    def closed(self, begin_ns: int, end_ns: int) -> dict[Closing, list[Span]]:
        """Return what closes which moments from `begin_ns` to just before `end_ns`: one may be closed by several."""
        closed: dict[Closing, list[Span]] = {
            condition: list(_failing(said, begin_ns, end_ns)) for condition, said in self._said.items()
        }
        paused = [span for pauses in self._pauses for span in pauses.within(begin_ns, end_ns)]
        return closed | {"pause": union(paused)}


def _order(word: tuple[int, bool]) -> tuple[int, bool]:
    """Sort by moment, and a no after a yes of the same moment, because the last one counts."""
    moment, holds = word
    return moment, not holds


def _earlier(one_ns: int | None, other_ns: int | None) -> int | None:
    return other_ns if one_ns is None or (other_ns is not None and other_ns < one_ns) else one_ns


def _first_failing(said: _Said, begin_ns: int, end_ns: int) -> int | None:
    first = bisect_right(said, _order((begin_ns, False)), key=_order)
    last = bisect_right(said, _order((end_ns, False)), key=_order)
    if first == 0 or not said[first - 1][1]:
        return begin_ns
    return next((moment for moment, holds in said[first:last] if not holds), None)


def _failing(said: _Said, begin_ns: int, end_ns: int) -> Iterator[Span]:
    """Yield when the condition does not hold."""
    words = [(max(moment, begin_ns), holds) for moment, holds in said if moment < end_ns]
    since_ns: int | None = begin_ns
    for moment, holds in words:
        if since_ns is None and not holds:
            since_ns = moment
        elif since_ns is not None and holds:
            if since_ns < moment:
                yield since_ns, moment
            since_ns = None
    if since_ns is not None and since_ns < end_ns:
        yield since_ns, end_ns
