"""Bits one after the other, the highest of each byte first, as the headers of VP9 and AV1 are written. Pure."""

from __future__ import annotations


class BitReader:
    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """Read so many bits as a number, 0 of none. Raises IndexError behind the last one."""
        if count > self._left:
            raise IndexError(f"{count} bits are read, {self._left} are left")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1
