"""Cancellations: the driver's are faults, one's own are not."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from shared.messaging.errors import BusUnavailableError
from shared.messaging.faults import ended, translated, unless, with_patience


def cancelled_by_the_driver() -> asyncio.Future[None]:
    waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting.cancel()
    return waiting


async def test_what_the_driver_cancels_has_failed() -> None:
    """Seen to fail when cancellations are let through: they end the loops that bring consumers back."""
    with pytest.raises(BusUnavailableError, match="closed"), translated():
        await cancelled_by_the_driver()


async def test_an_ending_that_the_driver_cancels_is_not_confirmed() -> None:
    assert await with_patience(cancelled_by_the_driver()) is False


async def test_an_ending_that_fails_in_a_way_nobody_foresaw_is_not_confirmed() -> None:
    """Seen to fail with known faults alone caught: it ended the loop that brings a consumer back."""

    async def fail() -> None:
        raise AssertionError

    assert await with_patience(fail()) is False


async def test_a_task_that_is_cancelled_is_cancelled() -> None:
    begun = asyncio.Event()

    async def wait() -> None:
        with translated():
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same() -> None:
    """Seen to fail when it is cancelled once: a bus that closes would wait for ever."""
    begun = asyncio.Event()

    async def swallow_one() -> None:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(swallow_one())
    await begun.wait()
    async with asyncio.timeout(10):
        await ended(task)
    assert task.cancelled()


async def test_a_question_that_a_broken_connection_leaves_open_is_given_up_at_once() -> None:
    """Seen to fail with the answer awaited alone: it took until its time limit."""
    broken, asked = asyncio.Event(), asyncio.Event()

    async def ask() -> None:
        asked.set()
        await asyncio.Event().wait()

    asking = asyncio.create_task(unless(broken, ask()))
    await asked.wait()
    broken.set()
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(asking, 1)


async def test_what_is_done_before_anything_breaks_is_done_and_its_fault_is_told() -> None:
    async def fail() -> None:
        raise LookupError

    await unless(asyncio.Event(), asyncio.sleep(0))
    with pytest.raises(LookupError):
        await unless(asyncio.Event(), fail())
