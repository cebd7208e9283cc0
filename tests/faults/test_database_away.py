"""The database is restarted and killed under load, as a whole and session by session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import asyncpg
import pytest

from tests.faults.claims import every_effect_once_and_in_order
from tests.faults.load import Addresses, Load, load
from tests.support.eventually import eventually
from tests.support.private_postgres import PrivatePostgres

_APPENDING = """SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE '%append_requests%' AND pid <> pg_backend_pid()"""
_ALL_OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.mark.parametrize(
    ("end", "seed"), [(PrivatePostgres.stop, 1), (PrivatePostgres.kill, 2), (PrivatePostgres.kill, 3)]
)
async def test_a_database_that_goes_and_comes_back_has_what_it_acknowledged(
    cluster: PrivatePostgres, cluster_url: str, amqp_url: str, end: Callable[[PrivatePostgres], None], seed: int
) -> None:
    """Stopped or killed, it has what it acknowledged, and of the rest all or nothing of each batch.

    Seen to fail without the translation of outages; killed, with `synchronous_commit` off, which acknowledges too soon.
    """
    chance = Random(seed)
    async with load(Addresses(cluster_url, amqp_url), seed) as running:
        for _ in range(3):
            await running.goes_on(events=chance.randint(50, 200), commands=5)
            outages = running.outages
            await asyncio.to_thread(end, cluster)
            await asyncio.to_thread(cluster.start)
            await running.is_noticed(outages)
        await running.goes_on()
        await running.end()

        await every_effect_once_and_in_order(running)


@pytest.mark.parametrize("seed", [1, 2])
async def test_sessions_that_the_server_ends_cost_nothing(database_url: str, amqp_url: str, seed: int) -> None:
    """Sessions are ended one and all, again and again.

    Seen to fail without the translation of outages, and with a relay that ends when its sequencer and its publisher
    lose the database together.
    """
    async with load(Addresses(database_url, amqp_url), seed) as running:
        for _ in range(4):
            await running.goes_on(events=Random(seed).randint(20, 120), commands=5)
            outages = running.outages
            await _end_until_noticed(database_url, running, outages)
        await running.goes_on()
        await running.end()

        await every_effect_once_and_in_order(running)


async def test_a_session_whose_process_is_killed_takes_all_others_with_it_and_costs_nothing(
    cluster: PrivatePostgres, cluster_url: str, amqp_url: str
) -> None:
    """As when the kernel runs out of memory and kills one: the server ends all sessions and recovers.

    Seen to fail without the translation of outages.
    """
    async with load(Addresses(cluster_url, amqp_url), seed=1) as running:
        for _ in range(3):
            await running.goes_on(events=100, commands=5)
            outages = running.outages
            observer = await asyncpg.connect(cluster_url)
            cluster.kill_backend(await observer.fetchval(_APPENDING))
            await eventually(observer.is_closed)
            await running.is_noticed(outages)
        await running.goes_on()
        await running.end()

        await every_effect_once_and_in_order(running)


async def _end_until_noticed(url: str, running: Load, outages: int) -> None:
    """End all other sessions until one was about to append: an idle one's end is seen before it is used."""
    observer = await asyncpg.connect(url)
    try:
        while running.outages == outages:
            assert await observer.fetchval(f"SELECT count(pg_terminate_backend(pid)) FROM ({_ALL_OTHERS}) AS others")
            await running.goes_on(events=5, commands=0)
    finally:
        await observer.close()
