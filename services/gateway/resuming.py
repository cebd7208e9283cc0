"""Keeps the resumptions of those who are connected good."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from services.gateway.hub import Hub
from shared.eventsourcing.errors import LogUnavailableError

_log = structlog.get_logger()

#: A resumption lives for twice as long.
_REFRESH_SECONDS = 60


async def keep_resumptions(hub: Hub, refresh: Callable[[Sequence[bytes]], Awaitable[None]]) -> None:
    """Refresh them now and then, for ever. `refresh` takes their digests, and raises LogUnavailableError."""
    while True:
        await asyncio.sleep(_REFRESH_SECONDS)
        try:
            await refresh([client.resumption for client in hub.clients()])
        except LogUnavailableError as error:
            _log.warning("resumptions not refreshed", error=str(error))
