"""The newest watermark, as this worker has it."""

from __future__ import annotations

import asyncio


class WatermarkGauge:
    """Wakes whoever waits for the watermark to move. It never goes back."""

    def __init__(self) -> None:
        #: Wall clock, ns; 0 before the first.
        self.value_ns = 0
        self._moved = asyncio.Event()

    def raise_to(self, value_ns: int) -> None:
        self.value_ns = max(self.value_ns, value_ns)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def moved(self, within: float) -> None:
        """Wait until the watermark moves, but no longer than `within` seconds."""
        try:
            async with asyncio.timeout(within):
                await self._moved.wait()
        except TimeoutError:
            return
