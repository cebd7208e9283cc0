"""Puts the relay together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from services.relay.relay import Relay
from shared.concurrency.supervision import supervised
from shared.runtime.infrastructure import Infrastructure

MIGRATIONS = files("services.relay") / "sql"


@asynccontextmanager
async def running(infrastructure: Infrastructure) -> AsyncIterator[None]:
    relay = Relay(infrastructure.store, infrastructure.bus, infrastructure.database, infrastructure.clock)
    async with supervised(relay.run()):
        yield
