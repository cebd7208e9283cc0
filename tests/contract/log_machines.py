"""The state machine on the log in memory, and on Postgres."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import ClassVar

import asyncpg

from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.event import AppendRequest
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.store import EventStore
from tests.contract.log_model import LogMachine
from tests.support.events import open_log
from tests.support.in_memory import InMemoryEventStore

#: About as long as an append takes.
_APPEND_SECONDS = 0.001


class InMemoryMachine(LogMachine):
    """What is in memory cannot be lost there, and an append takes no time: a crash comes before it or after."""

    def __init__(self) -> None:
        self._log = InMemoryEventStore()
        super().__init__()

    async def open(self, life: AsyncExitStack) -> EventStore:
        return self._log

    async def append_and_hear_nothing(self, requests: list[AppendRequest], moment: float, *, server: bool) -> None:
        if moment > 0.5:
            await self._log.append_together(requests)


class PostgresMachine(LogMachine):
    """A crash is the client's, whose connections break while the server goes on, or the server's."""

    #: One database for all examples: each machine knows what was there before.
    database_url: ClassVar[str]

    async def open(self, life: AsyncExitStack) -> EventStore:
        self._pool: asyncpg.Pool = await life.enter_async_context(open_log(self.database_url))
        return PostgresEventStore(self._pool)

    async def append_and_hear_nothing(self, requests: list[AppendRequest], moment: float, *, server: bool) -> None:
        appending = asyncio.create_task(self.store.append_together(requests))
        await asyncio.sleep(moment * _APPEND_SECONDS)
        if server:
            await self._end_all_sessions()
        else:
            self._pool.terminate()
        with suppress(LogUnavailableError):
            await appending

    async def _end_all_sessions(self) -> None:
        administrator = await asyncpg.connect(self.database_url)
        await administrator.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()"""
        )
        await administrator.close()
