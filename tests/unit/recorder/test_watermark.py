"""Whoever waits for the watermark."""

from __future__ import annotations

import asyncio

import pytest

from services.recorder.watermark import WatermarkGauge

FOR_EVER = 3600.0


def test_it_never_goes_back() -> None:
    gauge = WatermarkGauge()
    gauge.raise_to(5)
    gauge.raise_to(3)
    assert gauge.value_ns == 5


async def test_all_who_wait_are_woken_when_it_moves() -> None:
    gauge = WatermarkGauge()
    waiting = [asyncio.create_task(gauge.moved(FOR_EVER)) for _ in range(3)]
    await asyncio.sleep(0)
    gauge.raise_to(1)
    await asyncio.gather(*waiting)


async def test_who_waits_after_it_moved_waits_for_the_next_time() -> None:
    gauge = WatermarkGauge()
    gauge.raise_to(1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(gauge.moved(FOR_EVER), 0.01)


async def test_where_it_does_not_move_all_are_woken_when_the_first_has_waited_long_enough() -> None:
    """Seen to fail with the timer of those before: who waited again was never woken."""
    gauge = WatermarkGauge()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await asyncio.gather(gauge.moved(0.02), gauge.moved(FOR_EVER))
    await gauge.moved(0.02)
    assert loop.time() - begin >= 0.035


async def test_one_that_moved_in_time_starts_the_wait_anew() -> None:
    """Seen to fail with a timer that was left running: it woke the next one too early."""
    gauge = WatermarkGauge()
    loop = asyncio.get_running_loop()
    waiting = asyncio.create_task(gauge.moved(0.05))
    await asyncio.sleep(0.03)
    gauge.raise_to(1)
    await waiting
    begin = loop.time()
    await gauge.moved(0.05)
    assert loop.time() - begin >= 0.045
