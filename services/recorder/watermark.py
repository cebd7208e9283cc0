"""The newest watermark, as this worker has it."""

from __future__ import annotations

import asyncio


class WatermarkGauge:
    """Wakes whoever waits for the watermark to move, all together. It never goes back."""

    def __init__(self) -> None:
        #: Wall clock, ns; 0 before the first.
        self.value_ns = 0
        self._moved = asyncio.Event()
        #: Wakes those who wait if the watermark does not: one for all, as each would cost more than what it is for.
        self._timer: asyncio.TimerHandle | None = None

    def raise_to(self, value_ns: int) -> None:
        self.value_ns = max(self.value_ns, value_ns)
        self._wake()

    async def moved(self, within: float) -> None:
        """Wait until the watermark moves, but no longer than `within` seconds; less if others have waited already."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(within, self._wake)
        await self._moved.wait()

    def _wake(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
