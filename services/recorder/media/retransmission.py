"""Which missing packets a sender is asked for once more, and when (generic NACK, RFC 4585 section 6.2.1).

Pure: times are arguments. Whether a sender answers is nowhere announced: it is seen. Asking takes from a credit, which
what comes of it fills up again; a sender that never answers is soon asked no more than once a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND

#: What is reordered mostly comes by itself in that time.
REORDERED_NS = 10 * NS_PER_MS
#: An answer takes a round trip. Asked again before it could come, it would come twice.
AGAIN_NS = 60 * NS_PER_MS
#: Packets that may be asked for in a row without one that comes.
CREDIT = 50
#: For each one that comes: it may have been asked for twice, as may another one that did not come.
_ANSWERED_CREDIT = 4


@dataclass(slots=True)
class _Missing:
    since_ns: int
    asked_ns: int | None = None


class Retransmission:
    """Asks one sender, up to its restart."""

    def __init__(self) -> None:
        self._missing: dict[int, _Missing] = {}
        self._credit = CREDIT
        #: When the credit was last filled up by time.
        self._filled_ns: int | None = None

    def came(self, sequence: int) -> None:
        """Take note of a packet: if it was asked for, the sender may well be asked for others."""
        missing = self._missing.pop(sequence, None) if self._missing else None
        if missing and missing.asked_ns is not None:
            self._credit = min(CREDIT, self._credit + _ANSWERED_CREDIT)

    def due(self, missing: Iterable[int], now_ns: int) -> list[int]:
        """Choose whom to ask for now among all that are missing, in the same order; where none is, nobody need ask."""
        known = self._missing
        self._missing = {sequence: known.get(sequence) or _Missing(now_ns) for sequence in missing}
        self._fill(now_ns)
        due = [sequence for sequence, each in self._missing.items() if _is_due(each, now_ns)][: self._credit]
        self._credit -= len(due)
        for sequence in due:
            self._missing[sequence].asked_ns = now_ns
        return due

    def _fill(self, now_ns: int) -> None:
        if self._filled_ns is None:
            self._filled_ns = now_ns
        seconds = max(0, now_ns - self._filled_ns) // NS_PER_SECOND
        self._filled_ns += seconds * NS_PER_SECOND
        self._credit = min(CREDIT, self._credit + seconds)


def _is_due(missing: _Missing, now_ns: int) -> bool:
    if missing.asked_ns is None:
        return now_ns - missing.since_ns >= REORDERED_NS
    return now_ns - missing.asked_ns >= AGAIN_NS
