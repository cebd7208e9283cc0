"""Keeps a projection: makes it where there is none or an old one, and follows the log from then on.

Any number of processes may run the same projection; one at a time follows, by an advisory lock of the session that it
writes with, and the others stand by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg
import structlog
from prometheus_client import Gauge

from shared.concurrency.supervision import supervised
from shared.eventsourcing.errors import EventSourcingError, LogIncompleteError, LogUnavailableError
from shared.eventsourcing.log_hint import LogHint, listening
from shared.eventsourcing.outages import outages_told
from shared.eventsourcing.own_connection import own_connection
from shared.eventsourcing.projection import Projection, ProjectionFailedError, ProjectionStoppedError
from shared.eventsourcing.projection_builds import (
    PASSING,
    Build,
    BuildChangedError,
    Stage,
    advance,
    begin_build,
    drop_build,
    find_build,
    hold_live,
    note_stop,
    swap,
)
from shared.eventsourcing.store import EventStore

_log = structlog.get_logger()
_position = Gauge("onrecord_projection_position", "Global position the projection has come to.", ["projection"])
_stopped = Gauge("onrecord_projection_stopped", "1: it stays where it is; `projections list` says why.", ["projection"])

_PAGE = 5000
#: How long an event may wait when the hint of it was lost.
_POLL_SECONDS = 0.5
#: How often a standby looks whether the lock is free.
_STANDBY_SECONDS = 0.5
#: Between attempts while the database is away, or somebody reads what is to be swapped.
_RETRY_SECONDS = 0.25
#: A projection that has stopped lets its lock go for so long: a newer version that stands by may know what to do.
_STOPPED_SECONDS = 2.0
#: One lock for each projection and stage. The two keys keep clear of the log's own locks, which have one.
_LOCK = "SELECT pg_try_advisory_lock(hashtext('onrecord projection'), hashtext($1))"

#: Works with the rows of a projection in the one process that keeps it; the event is set whenever they have changed.
Companion = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
#: Is told the global position that was reached, and the log's last one.
Progress = Callable[[int, int], None]

#: What a build cannot go on from by waiting.
_STOPS = (ProjectionStoppedError, ProjectionFailedError, LogIncompleteError)


class BuildRunningError(EventSourcingError):
    """Somebody else is building the projection."""

    def __init__(self, projection: str) -> None:
        super().__init__(f"projection {projection} is being built by another process: wait until that is done")
        self.projection = projection


class ProjectionOutdatedError(EventSourcingError):
    """The live projection is of a newer version than this program's."""

    def __init__(self, projection: str, live: int, ours: int) -> None:
        super().__init__(
            f"projection {projection} is live in version {live}, and this program makes version {ours}: run the newer "
            f"program, or go back with onrecord projections rebuild {projection}"
        )
        self.projection = projection
        self.live = live
        self.ours = ours


async def rebuild(projection: Projection, store: EventStore, pool: asyncpg.Pool, progress: Progress) -> None:
    """Build it from zero beside the live one, and swap.

    Raises BuildRunningError, ProjectionStoppedError, ProjectionFailedError and others.
    """
    async with own_connection(pool) as connection:
        with outages_told():
            if not await _lock(connection, projection, "building"):
                raise BuildRunningError(projection.name)
            build = await begin_build(connection, projection)
            try:
                await _build(connection, projection, store, build, progress)
            except _STOPS:
                await drop_build(connection, projection)
                raise


class ProjectionRunner:
    """Keeps one projection for as long as it runs."""

    def __init__(
        self, projection: Projection, store: EventStore, pool: asyncpg.Pool, companion: Companion | None = None
    ) -> None:
        self._projection = projection
        self._store = store
        self._pool = pool
        self._companion = companion
        self._changed = asyncio.Event()
        #: Why it does not go on. None while it does, or another process does it.
        self.stopped: EventSourcingError | None = None

    async def run(self) -> None:
        """Follow whenever nobody else does, for ever. Faults of the database are waited out."""
        _stopped.labels(self._projection.name).set(0)
        while True:
            try:
                await self._run()
            except BuildChangedError as error:
                _log.info("projection was changed by somebody else", reason=str(error))
            except (LogUnavailableError, *PASSING) as error:
                _log.warning("projection interrupted", projection=self._projection.name, error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            except (ProjectionOutdatedError, *_STOPS) as error:
                await self._stop(error)
            except asyncpg.PostgresError as error:
                await self._stop(ProjectionFailedError(self._projection.name, str(error)))

    async def _run(self) -> None:
        """Do what is due, in a session of its own: its locks are let go with it."""
        async with own_connection(self._pool) as connection:
            with outages_told():
                stage = await self._stage(connection)
                try:
                    await (self._follow if stage == "live" else self._replace)(connection)
                except _STOPS as error:
                    await note_stop(connection, self._projection.name, stage, str(error))
                    raise

    async def _stage(self, connection: asyncpg.Connection) -> Stage:
        """Wait until there is a build to see to that nobody else does. Raises ProjectionOutdatedError."""
        ours = self._projection.version
        while True:
            live = await find_build(connection, self._projection.name, "live")
            if live and live.version > ours:
                raise ProjectionOutdatedError(live.name, live.version, ours)
            stage: Stage = "live" if live and live.version == ours else "building"
            if await _lock(connection, self._projection, stage):
                return stage
            await asyncio.sleep(_STANDBY_SECONDS)

    async def _replace(self, connection: asyncpg.Connection) -> None:
        """Build our version beside the live one and swap. What another process has left half done is gone on with."""
        build = await find_build(connection, self._projection.name, "building")
        if build is None or build.version != self._projection.version:
            build = await begin_build(connection, self._projection)
        _log.info("building projection", projection=build.name, version=build.version, position=build.position)
        await _build(connection, self._projection, self._store, build, lambda *_: None)
        _log.info("projection is live", projection=build.name, version=build.version)

    async def _follow(self, connection: asyncpg.Connection) -> None:
        _log.info("keeping projection", projection=self._projection.name)
        async with listening(connection) as hint:
            await self._catch_up(connection)
            companion = [self._companion(self._changed)] if self._companion else []
            async with supervised(*companion):
                await self._follow_hints(connection, hint)

    async def _follow_hints(self, connection: asyncpg.Connection, hint: LogHint) -> None:
        while True:
            await hint.wait(_POLL_SECONDS)
            await self._catch_up(connection)

    async def _catch_up(self, connection: asyncpg.Connection) -> None:
        # Looked at each time: it may have been rebuilt, and a session that is gone, with its lock, is noticed here.
        live = await find_build(connection, self._projection.name, "live")
        if live is None or live.version != self._projection.version:
            raise BuildChangedError(live or Build(self._projection.name, "live", self._projection.version))
        position = (await _catch_up(connection, self._projection, self._store, live, self._advanced)).position
        self._go_on(position)

    def _advanced(self, position: int, _head: int) -> None:
        self._go_on(position)
        self._changed.set()

    def _go_on(self, position: int) -> None:
        self.stopped = None
        _stopped.labels(self._projection.name).set(0)
        _position.labels(self._projection.name).set(position)

    async def _stop(self, error: EventSourcingError) -> None:
        if str(error) != str(self.stopped):
            _log.error("projection stopped", projection=self._projection.name, error=str(error))
        self.stopped = error
        _stopped.labels(self._projection.name).set(1)
        await asyncio.sleep(_STOPPED_SECONDS)


async def _build(
    connection: asyncpg.Connection, projection: Projection, store: EventStore, build: Build, progress: Progress
) -> None:
    """Bring the build to the log's end, and let it take the place of the live one."""
    while True:
        build = await _catch_up(connection, projection, store, build, progress)
        try:
            async with connection.transaction():
                await hold_live(connection, build.name)
                await swap(connection, await _catch_up(connection, projection, store, build, progress))
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            _log.info("projection waits for readers of its old tables", projection=build.name)
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


async def _catch_up(
    connection: asyncpg.Connection, projection: Projection, store: EventStore, build: Build, progress: Progress
) -> Build:
    """Apply what the log holds, in pages. Raises ProjectionStoppedError, ProjectionFailedError, BuildChangedError."""
    while page := await store.read_all(build.position, _PAGE):
        reading = projection.read(page)
        if reading.position:
            build = await advance(connection, projection, build, reading.told, reading.position)
            progress(build.position, await store.head() if len(page) == _PAGE else build.position)
        if reading.unreadable:
            raise reading.unreadable
        if len(page) < _PAGE:
            break
    return build


async def _lock(connection: asyncpg.Connection, projection: Projection, stage: Stage) -> bool:
    taken: bool = await connection.fetchval(_LOCK, f"{projection.name} {stage}")
    return taken
