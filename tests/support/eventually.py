"""Waiting for what happens soon, without guessing how soon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

_PAUSE_SECONDS = 0.01


async def eventually(condition: Callable[[], Any | Awaitable[Any]], within: float = 30) -> None:
    """Return as soon as the condition holds; fail when it does not `within` so many seconds."""
    deadline = asyncio.get_running_loop().time() + within
    while not await _holds(condition):
        assert asyncio.get_running_loop().time() < deadline, f"did not come true within {within:g} s"
        await asyncio.sleep(_PAUSE_SECONDS)


async def _holds(condition: Callable[[], Any | Awaitable[Any]]) -> bool:
    result = condition()
    return bool(await result if isawaitable(result) else result)
