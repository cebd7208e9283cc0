"""The leader is lost under load, and another takes its place."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import asyncpg
import pytest

from shared.eventsourcing.store import EventStore
from tests.faults.claims import every_effect_once_and_in_order
from tests.faults.load import CREDENTIALS, Addresses, load
from tests.support.eventually import eventually
from tests.support.processes import ServiceProcess

#: The aim is two seconds; on a busy machine it takes longer, and in vain one waits for ever.
_GENEROUS_SECONDS = 30

#: Sessions of this database that hold a lock of the application's own: the leader's.
_LEADERS = """SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


@pytest.fixture
async def observer(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.mark.parametrize("seed", [1, 2])
async def test_when_the_leader_is_killed_the_one_that_waits_leads(
    database_url: str, amqp_url: str, observer: asyncpg.Connection, tmp_path: Path, seed: int
) -> None:
    """A relay process that is killed leaves no position out and gives none twice.

    Seen to fail without the leader's lock, and with a sequencer that takes events in one transaction and places them
    in another.
    """
    async with (
        relay(database_url, amqp_url, tmp_path / "first.log") as first,
        load(Addresses(database_url, amqp_url, has_relay=False), seed) as running,
    ):
        await running.goes_on(events=Random(seed).randint(50, 300))
        leader = await observer.fetchval(_LEADERS)
        assert leader, "nobody has claimed to lead"
        async with relay(database_url, amqp_url, tmp_path / "second.log"):
            await running.goes_on()
            assert await observer.fetchval(_LEADERS) == leader, "the second did not wait"
            seconds = await _seconds_without_a_leader(running.store, observer, leader, first.kill)
            print(f"a standby led {seconds:.2f} s after the leader was killed")  # noqa: T201  worth knowing
            assert seconds < _GENEROUS_SECONDS
            await running.goes_on()
            await running.end()

        await every_effect_once_and_in_order(running)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_leader_whose_session_is_ended_leads_again_and_costs_nothing(
    database_url: str, amqp_url: str, observer: asyncpg.Connection, seed: int
) -> None:
    """Without its session a relay leads no longer, whatever it believes.

    Seen to fail without the translation of outages.
    """
    async with load(Addresses(database_url, amqp_url), seed) as running:
        for _ in range(4):
            await running.goes_on(events=Random(seed).randint(30, 150), commands=5)
            leader = await observer.fetchval(_LEADERS)

            async def terminate(pid: int = leader) -> None:
                assert await observer.fetchval("SELECT pg_terminate_backend($1)", pid), f"{pid} was gone already"

            seconds = await _seconds_without_a_leader(running.store, observer, leader, terminate)
            assert seconds < _GENEROUS_SECONDS
        await running.end()

        await every_effect_once_and_in_order(running)


@asynccontextmanager
async def relay(database_url: str, amqp_url: str, log: Path) -> AsyncIterator[ServiceProcess]:
    """Run the relay as a process of its own, until the end or until it is killed."""
    settings = {"DATABASE_URL": database_url, "AMQP_URL": amqp_url}
    settings |= {name.upper(): value for name, value in CREDENTIALS.items()}
    process = ServiceProcess("relay", {f"ONRECORD_{name}": value for name, value in settings.items()}, log)
    try:
        await process.start()
        yield process
    finally:
        await process.kill()


async def _seconds_without_a_leader(
    store: EventStore, observer: asyncpg.Connection, leader: int, end: Callable[[], Awaitable[None]]
) -> float:
    """End the leader; return how long it took until another gave positions to what waited."""
    began = time.monotonic()
    await end()

    async def is_gone() -> bool:
        return leader not in {row[0] for row in await observer.fetch("SELECT pid FROM pg_stat_activity")}

    await eventually(is_gone)
    head = await store.head()

    async def has_grown() -> bool:
        return await store.head() > head

    await eventually(has_grown, within=_GENEROUS_SECONDS)
    return time.monotonic() - began
