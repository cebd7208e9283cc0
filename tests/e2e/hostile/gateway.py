"""The gateway that is attacked, as those who run it see it: its memory, its log lines, and what it wrote to the log."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from shared.contracts.message import Event
from shared.contracts.room import ParticipantJoined, ParticipantLeft, room_stream
from shared.eventsourcing.codec import decode
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.store import EventStore
from tests.support.eventually import eventually
from tests.support.processes import ServiceProcess

_ERRORS = ("Traceback", "[error", "[critical", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Gateway:
    store: EventStore
    pool: asyncpg.Pool
    _process: ServiceProcess
    _log: Path

    @classmethod
    @asynccontextmanager
    async def watched(cls, process: ServiceProcess, database_url: str, folder: Path) -> AsyncIterator[Gateway]:
        async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
            yield cls(PostgresEventStore(pool), pool, process, folder / "gateway.log")

    @property
    def url(self) -> str:
        return self._process.url

    @property
    def memory(self) -> int:
        """Bytes that are resident."""
        statm = Path(f"/proc/{self._process.pid}/statm").read_text()
        return int(statm.split()[1]) * os.sysconf("SC_PAGESIZE")

    @contextmanager
    def no_errors_logged(self) -> Iterator[None]:
        """Assert that what is done meanwhile leaves no error and no traceback in the log."""
        begin = self._log.stat().st_size
        yield
        logged = self._log.read_bytes()[begin:].decode(errors="replace")
        assert not any(sign in logged for sign in _ERRORS), logged

    async def history(self, stream: str) -> list[Event]:
        return [decode(each) for each in await self.store.read(stream)]

    async def until_gone(self, room_id: str, participant_id: str, within: float = 20) -> list[Event]:
        """Wait until the participant has left the room for good; return what the log says of them there."""
        said: list[Event] = []

        async def is_gone() -> bool:
            said[:] = [
                each
                for each in await self.history(room_stream(room_id))
                if getattr(each, "participant_id", None) == participant_id
            ]
            return bool(said) and isinstance(said[-1], ParticipantLeft)

        await eventually(is_gone, within)
        came = sum(isinstance(each, ParticipantJoined) for each in said)
        assert came == sum(isinstance(each, ParticipantLeft) for each in said)
        return said


@asynccontextmanager
async def memory_sampled(gateway: Gateway) -> AsyncIterator[list[int]]:
    """Yield what the gateway's memory was, again and again while the context lasts."""
    samples = [gateway.memory]

    async def sample() -> None:
        while True:
            samples.append(gateway.memory)
            await asyncio.sleep(0.05)

    sampling = asyncio.create_task(sample())
    try:
        yield samples
    finally:
        sampling.cancel()
        samples.append(gateway.memory)
