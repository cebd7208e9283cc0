"""Spans of time, and what two sets of them have in common. Pure.

A span is its first moment and the first one after it. Those of a list are in order, and no two overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

Span = tuple[int, int]

#: Before and after all moments.
_EVER = 1 << 80


def union(spans: Iterable[Span]) -> list[Span]:
    """Return all moments of spans that may overlap and come in any order; those that touch become one."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((begin, end))
    return joined


def common(ones: Iterable[Span], others: Sequence[Span]) -> list[Span]:
    """Return the moments that are in both."""
    found: list[Span] = []
    first = 0
    for begin, end in ones:
        while first < len(others) and others[first][1] <= begin:
            first += 1
        at = first
        while at < len(others) and others[at][0] < end:
            found.append((max(begin, others[at][0]), min(end, others[at][1])))
            at += 1
    return [span for span in found if span[0] < span[1]]


def without(ones: Iterable[Span], others: Sequence[Span]) -> list[Span]:
    """Return the moments of the first that are not in the second."""
    edges = [-_EVER, *chain.from_iterable(others), _EVER]
    return common(ones, list(zip(edges[::2], edges[1::2], strict=True)))


class LongestSpans:
    """The longest of the spans that are added in order: no more than `most`, however many these are."""

    def __init__(self, most: int, shortest_ns: int = 0) -> None:
        """Take no note of one that is over and shorter than `shortest_ns`."""
        self._most = most
        self._shortest_ns = shortest_ns
        self._spans: list[Span] = []
        #: How many are not kept because others are longer, and how long they last together.
        self.left_out = 0
        self.left_out_ns = 0

    @property
    def spans(self) -> list[Span]:
        """Those that are kept. The newest is among them, as it may go on."""
        return list(self._spans)

    def add(self, begin_ns: int, end_ns: int) -> None:
        """Add a span, which begins no earlier than those before it; one that touches the newest makes it longer."""
        if self._spans and begin_ns <= self._spans[-1][1]:
            newest = self._spans[-1]
            self._spans[-1] = newest[0], max(newest[1], end_ns)
        elif begin_ns < end_ns:
            self._forget()
            self._spans.append((begin_ns, end_ns))

    def _forget(self) -> None:
        """Make room: the newest is over."""
        if self._spans and _length(self._spans[-1]) < self._shortest_ns:
            self._spans.pop()
        if len(self._spans) >= self._most:
            shortest = min(self._spans, key=_length)
            self._spans.remove(shortest)
            self.left_out += 1
            self.left_out_ns += _length(shortest)


def _length(span: Span) -> int:
    return span[1] - span[0]
