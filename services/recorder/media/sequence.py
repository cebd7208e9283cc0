"""Unwrapping of counters that the wire cuts off: 16-bit sequence numbers, 32-bit timestamps (RFC 3550)."""

from __future__ import annotations


def nearest(value: int, reference: int, bits: int) -> int:
    """Find the number nearest to `reference` whose lowest `bits` bits are `value`.

    Of two equally near ones it is the lower.
    """
    half = 1 << (bits - 1)
    return reference + ((value - reference + half) & (2 * half - 1)) - half


class Unwrapper:
    """Follows a wrapped counter, forth and back, as long as each step is less than half its range.

    The first value is returned as it is; results may be negative when a reordered one lies before it.
    """

    __slots__ = ("_bits", "_last", "_wrapped")

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._last: int | None = None
        #: What the last one was on the wire: the packets of one picture have the same timestamp.
        self._wrapped: int | None = None

    def unwrap(self, value: int) -> int:
        """Return the value without its wraps; the next one is taken relative to it."""
        if self._last is None or value != self._wrapped:
            self._last, self._wrapped = self.peek(value), value
        return self._last

    def peek(self, value: int) -> int:
        """Return what `unwrap` would, without following."""
        return value if self._last is None else nearest(value, self._last, self._bits)
