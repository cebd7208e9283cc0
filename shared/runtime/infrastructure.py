"""What every service stands on: database, log, bus and clock, chosen by the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from uuid import uuid4

import asyncpg

from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.store import EventStore
from shared.messaging.bus import Bus
from shared.messaging.errors import BusUnavailableError
from shared.messaging.in_process import InProcessBus
from shared.messaging.rabbitmq import RabbitMqBus
from shared.runtime.clock import Clock, utc_now
from shared.runtime.credentials import Credentials, load_credentials
from shared.runtime.database import open_database
from shared.runtime.errors import SettingError
from shared.runtime.settings import Settings

LOG_MIGRATIONS = files("shared.eventsourcing") / "sql"


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """The outside world of one process."""

    #: Names this process among the replicas of its service.
    instance: str
    database: asyncpg.Pool
    store: EventStore
    bus: Bus
    credentials: Credentials
    clock: Clock = utc_now


@asynccontextmanager
async def open_infrastructure(settings: Settings, *migrations: Traversable) -> AsyncIterator[Infrastructure]:
    """Connect to all of it; `migrations` are folders of tables beside the log. Raises StartupError."""
    credentials = load_credentials(settings)
    async with open_database(settings, (LOG_MIGRATIONS, *migrations)) as database, _bus(settings) as bus:
        yield Infrastructure(uuid4().hex[:12], database, PostgresEventStore(database), bus, credentials)


@asynccontextmanager
async def _bus(settings: Settings) -> AsyncIterator[Bus]:
    bus: Bus = await _rabbitmq(settings.amqp_url) if settings.amqp_url else InProcessBus()
    try:
        yield bus
    finally:
        await bus.close()


async def _rabbitmq(url: str) -> RabbitMqBus:
    try:
        return await RabbitMqBus.connect(url)
    except BusUnavailableError as error:
        raise SettingError("ONRECORD_AMQP_URL", f"names a broker that does not answer: {error.reason}") from error
