"""What every service stands on: database, log, bus and clock, chosen by the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from uuid import uuid4

import asyncpg

from shared.concurrency.clock import Clock, utc_now
from shared.eventsourcing.own_connection import own_connection
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.store import EventStore
from shared.messaging.bus import Bus
from shared.messaging.errors import BusUnavailableError
from shared.messaging.in_process import InProcessBus
from shared.messaging.rabbitmq import RabbitMqBus
from shared.runtime.credentials import Credentials, load_credentials
from shared.runtime.database import open_database
from shared.runtime.errors import SettingError
from shared.runtime.settings import Settings

#: Held by the process that has this database to itself. Any constant serves.
_ALONE_LOCK = 7_205_759_405

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
    async with open_database(settings, (LOG_MIGRATIONS, *migrations)) as database, _bus(settings, database) as bus:
        yield Infrastructure(uuid4().hex[:12], database, PostgresEventStore(database), bus, credentials)


@asynccontextmanager
async def _bus(settings: Settings, database: asyncpg.Pool) -> AsyncIterator[Bus]:
    if settings.amqp_url is None:
        async with _alone(database):
            yield InProcessBus()
        return
    bus = await _rabbitmq(settings.amqp_url)
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def _alone(database: asyncpg.Pool) -> AsyncIterator[None]:
    """Keep a second process from this database: without a broker, neither would hear of the other's events."""
    async with own_connection(database) as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _ALONE_LOCK):
            raise SettingError("ONRECORD_AMQP_URL", "is not set, and another onrecord runs on this database: stop it")
        yield


async def _rabbitmq(url: str) -> RabbitMqBus:
    try:
        return await RabbitMqBus.connect(url)
    except BusUnavailableError as error:
        raise SettingError("ONRECORD_AMQP_URL", f"names a broker that does not answer: {error.reason}") from error
