"""A gateway's lease: it takes words while its horizon is heeded, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from services.gateway.lease import Lease
from shared.concurrency.clock import utc_now
from shared.eventsourcing import horizon as module
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.horizon import GatewayHorizon, Horizon, Horizons
from tests.support.eventually import eventually
from tests.support.hanging_proxy import hanging


class Gateway:
    """A gateway, as far as its lease goes."""

    def __init__(self, database: asyncpg.Pool) -> None:
        self.horizon = Horizon(utc_now)
        self.lease = Lease(database, self.horizon)
        #: How often everybody was sent away.
        self.sent_away = 0

    def send_away(self) -> None:
        self.sent_away += 1

    @asynccontextmanager
    async def lives(self) -> AsyncIterator[None]:
        async with self.lease.kept(self.send_away):
            yield

    def takes_words(self) -> bool:
        try:
            with self.horizon.saying():
                return True
        except LogUnavailableError:
            return False


@pytest.fixture
def gateway(database: asyncpg.Pool) -> Gateway:
    return Gateway(database)


@pytest.fixture
def _fenced_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FENCED_AFTER", 0.4)
    monkeypatch.setattr(module, "_STATEMENT_SECONDS", 0.2)


async def heeded(database: asyncpg.Pool) -> list[GatewayHorizon]:
    return await Horizons(database).all()


@asynccontextmanager
async def no_renewals(database: asyncpg.Pool) -> AsyncIterator[None]:
    """Let nobody renew, though the database is there."""
    async with database.acquire() as session, session.transaction():
        await session.execute("LOCK TABLE gateway_horizons IN EXCLUSIVE MODE")
        yield


async def test_it_is_heeded_and_renewed_while_it_lives_and_not_after(database: asyncpg.Pool, gateway: Gateway) -> None:
    async with gateway.lives():
        (first,) = await heeded(database)
        assert first.gateway == gateway.lease.gateway_id()

        async def is_renewed() -> bool:
            (now,) = await heeded(database)
            return now.known_until > first.known_until

        await eventually(is_renewed)
        assert gateway.takes_words()
    assert await heeded(database) == []


async def test_of_one_that_ends_with_words_on_their_way_the_horizon_stays(
    database: asyncpg.Pool, gateway: Gateway
) -> None:
    with gateway.horizon.holding() as moment:
        async with gateway.lives():
            pass
        (left_behind,) = await heeded(database)
    assert left_behind.known_until < moment


async def test_of_one_that_ends_with_words_that_nobody_knows_of_it_stays_as_well(
    database: asyncpg.Pool, gateway: Gateway
) -> None:
    async with gateway.lives():
        with pytest.raises(asyncio.CancelledError), gateway.horizon.saying():
            raise asyncio.CancelledError
    assert len(await heeded(database)) == 1


@pytest.mark.usefixtures("_fenced_soon")
async def test_one_that_cannot_renew_takes_no_words_until_it_can(database: asyncpg.Pool, gateway: Gateway) -> None:
    async with gateway.lives():
        gateway_id = gateway.lease.gateway_id()
        async with no_renewals(database):
            await eventually(lambda: gateway.sent_away)
            assert not gateway.takes_words()
            with gateway.horizon.holding():
                pass  # A no is heard.
        await eventually(gateway.takes_words)
        assert gateway.lease.gateway_id() == gateway_id


async def test_one_that_was_taken_for_dead_sends_everybody_away_and_begins_anew(
    database: asyncpg.Pool, gateway: Gateway
) -> None:
    async def is_another() -> bool:
        for each in await heeded(database):
            if each.gateway == before:
                await Horizons(database).lose(each)  # unless it renewed in between
        return gateway.lease.gateway_id() != before

    async with gateway.lives():
        before = gateway.lease.gateway_id()
        await eventually(is_another)
        assert gateway.sent_away == 1
        await eventually(gateway.takes_words)
        lost = {each.gateway: each.lost for each in await heeded(database)}
        assert lost == {before: True, gateway.lease.gateway_id(): False}


async def test_one_that_was_forgotten_begins_anew_with_what_waits_held(
    database: asyncpg.Pool, gateway: Gateway
) -> None:
    async with gateway.lives():
        with gateway.horizon.saying() as moment:
            before = gateway.lease.gateway_id()
            await Horizons(database).remove(before)

            async def is_another() -> bool:
                return [each.gateway for each in await heeded(database)] not in ([], [before])

            await eventually(is_another)
            (anew,) = await heeded(database)
            assert anew.gateway == gateway.lease.gateway_id()
            assert anew.known_until < moment
            assert gateway.sent_away == 1


@pytest.mark.usefixtures("_fenced_soon")
async def test_a_connection_that_hangs_is_given_up_for_another(database_url: str, database: asyncpg.Pool) -> None:
    """The database is there, and what went to it by that connection gets no answer, nor does its cancellation."""
    async with hanging(database_url) as proxy, asyncpg.create_pool(proxy.url, min_size=1, max_size=2) as pool:
        gateway = Gateway(pool)
        async with gateway.lives():
            proxy.hang()
            await eventually(lambda: not gateway.takes_words())
            proxy.answer()
            await eventually(gateway.takes_words, within=3)
