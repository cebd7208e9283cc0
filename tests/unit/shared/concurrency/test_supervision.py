"""Background tasks end when their service does."""

from __future__ import annotations

import asyncio

import pytest

from shared.concurrency import supervision
from shared.concurrency.supervision import supervised


async def test_a_job_that_swallows_a_cancellation_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail, by its time limit, with a single cancellation: the end was waited for for ever."""
    monkeypatch.setattr(supervision, "_INSIST_SECONDS", 0.01)
    swallowed = 0

    async def job() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed += 1

    async with asyncio.timeout(5), supervised(job()):
        await asyncio.sleep(0)
    assert swallowed == 1
