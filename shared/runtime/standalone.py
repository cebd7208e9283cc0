"""One service alone in its process, with its health on HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.resources.abc import Traversable

import asyncpg
from fastapi import FastAPI

from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.own_connection import brief_connection
from shared.eventsourcing.projection_runner import ProjectionRunner
from shared.runtime.errors import SettingError
from shared.runtime.http import health_router, serving
from shared.runtime.infrastructure import Infrastructure, open_infrastructure
from shared.runtime.settings import Settings

_READY_SECONDS = 2

#: Runs a service; yields what keeps its projection, if it has one.
Running = Callable[[Infrastructure], AbstractAsyncContextManager[ProjectionRunner | None]]


@asynccontextmanager
async def standalone(settings: Settings, running: Running, *migrations: Traversable) -> AsyncIterator[None]:
    """Run a service that has no HTTP interface of its own. Raises StartupError.

    It is not ready while its projection, if it has one, has stopped.
    """
    async with shared_infrastructure(settings, *migrations) as infrastructure, running(infrastructure) as service:

        async def ready() -> bool:
            going_on = service is None or service.stopped is None
            return going_on and await database_answers(infrastructure)

        app = FastAPI(openapi_url=None)
        app.include_router(health_router(ready))
        async with serving(app, settings.http_host, settings.http_port):
            yield


def shared_infrastructure(settings: Settings, *migrations: Traversable) -> AbstractAsyncContextManager[Infrastructure]:
    """Open what services in several processes share. Raises SettingError when it is not named."""
    if not settings.amqp_url:
        raise SettingError("ONRECORD_AMQP_URL", "is not set: a service alone reaches the others by a broker")
    if not settings.database_url:
        raise SettingError("ONRECORD_DATABASE_URL", "is not set: a service alone shares its log with the others")
    return open_infrastructure(settings, *migrations)


async def database_answers(infrastructure: Infrastructure) -> bool:
    """Tell whether the log can be reached now."""
    try:
        async with brief_connection(infrastructure.database, _READY_SECONDS) as connection:
            await connection.fetchval("SELECT 1", timeout=_READY_SECONDS)
    except (LogUnavailableError, asyncpg.PostgresError):
        return False
    return True
