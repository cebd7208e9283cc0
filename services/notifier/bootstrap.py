"""Puts the notifier together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.notifier.adapters.http import HttpPoster
from services.notifier.handlers import Notifier
from shared.messaging.topology import NOTIFIER_EVENTS
from shared.runtime.infrastructure import Infrastructure


@asynccontextmanager
async def running(infrastructure: Infrastructure) -> AsyncIterator[None]:
    poster = HttpPoster()
    try:
        notifier = Notifier(infrastructure.store, poster, infrastructure.clock)
        async with infrastructure.bus.subscribe(NOTIFIER_EVENTS, notifier.tell):
            yield
    finally:
        await poster.close()
