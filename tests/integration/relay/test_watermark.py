"""The watermark: everything that was said before it is known. Media is let through by it, so it must never lie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from shared.concurrency.clock import utc_now
from shared.concurrency.supervision import supervised
from shared.eventsourcing import horizon
from shared.eventsourcing.horizon import Horizon, Horizons
from shared.eventsourcing.postgres import PostgresEventStore
from shared.messaging.in_process import InProcessBus
from tests.integration.relay.listening import Listener, relaying
from tests.support.events import append, new_events
from tests.support.eventually import eventually
from tests.support.in_memory import InMemoryEventStore
from tests.support.postgres import someone_waits

_AGE = "UPDATE gateway_horizons SET renewed_at = clock_timestamp() - $1::interval"


@asynccontextmanager
async def gateway(database: asyncpg.Pool, name: str = "one") -> AsyncIterator[Horizon]:
    """Live as a gateway does, as far as its horizon goes."""
    horizon, horizons = Horizon(utc_now), Horizons(database)
    await horizons.register(name, horizon.known_until())

    async def keep_renewing() -> None:
        while True:
            await horizons.renew(name, horizon.known_until())
            await asyncio.sleep(0.02)

    renewing = asyncio.create_task(keep_renewing())
    try:
        yield horizon
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)


async def test_the_watermark_does_not_pass_what_was_said_until_it_is_in_the_log_and_published(
    database: asyncpg.Pool, store: PostgresEventStore, bus: InProcessBus, listener: Listener
) -> None:
    async with gateway(database) as horizon, gateway(database, "silent"), relaying(database, bus):
        await eventually(lambda: listener.watermarks)
        with horizon.saying() as moment:
            said = len(listener.watermarks)
            await eventually(lambda: len(listener.watermarks) >= said + 6)
            assert max(listener.moments) < moment
            await append(store, "consent", new_events(1))
        await eventually(lambda: listener.moments[-1] > moment)

    first = next(watermark for watermark in listener.watermarks if watermark.at >= moment)
    assert first.global_position == 1
    assert all(position == heard for position, heard in listener.reached)


async def test_whoever_has_the_watermark_has_every_event_before_it(
    database: asyncpg.Pool, store: PostgresEventStore, bus: InProcessBus, listener: Listener
) -> None:
    async def say(horizon: Horizon, stream: str) -> dict[datetime, int]:
        """Say something again and again; return the moments with the stream's position of each."""
        moments = {}
        for position in range(1, 16):
            with horizon.saying() as moment:
                await append(store, stream, new_events(1))
            moments[moment] = position
            await asyncio.sleep(0.005)
        return moments

    async with gateway(database, "a") as a, gateway(database, "b") as b, relaying(database, bus):
        said = dict(zip("ab", await asyncio.gather(say(a, "a"), say(b, "b")), strict=True))
        await eventually(lambda: listener.moments[-1] > max(*said["a"], *said["b"]))

    log = await store.read_all()
    assert all(position <= heard for position, heard in listener.reached)
    for watermark in listener.watermarks:
        known = {(event.stream, event.position) for event in log[: watermark.global_position]}
        for stream, moments in said.items():
            missing = [m for m, position in moments.items() if m <= watermark.at and (stream, position) not in known]
            assert missing == [], f"the watermark {watermark.at} came before what was said then"


class _ChattyLog(InMemoryEventStore):
    """A log into which something is said and written whenever the relay has just looked."""

    def __init__(self, horizons: Horizons) -> None:
        super().__init__()
        self._horizons = horizons
        self._horizon = Horizon(utc_now)
        self.said: list[datetime] = []

    async def sequence(self, limit: int = 1000) -> int:
        sequenced = await super().sequence(limit)
        with self._horizon.saying() as moment:
            await append(self, "s", new_events(1))
        self.said.append(moment)
        await self._horizons.register("chatty", self._horizon.known_until())
        await self._horizons.renew("chatty", self._horizon.known_until())
        return sequenced


async def test_what_is_said_just_after_the_relay_looked_is_after_the_watermark(
    database: asyncpg.Pool, bus: InProcessBus, listener: Listener
) -> None:
    log = _ChattyLog(Horizons(database))
    async with relaying(database, bus, store=log):
        await eventually(lambda: len(listener.watermarks) >= 5)

    for watermark in listener.watermarks:
        assert sum(moment <= watermark.at for moment in log.said) <= watermark.global_position


async def test_the_watermark_comes_every_three_hundred_milliseconds_while_nothing_happens(
    database: asyncpg.Pool, bus: InProcessBus, listener: Listener
) -> None:
    async with relaying(database, bus):
        await eventually(lambda: _is_steady(listener.heard_at, 0.3), within=20)

    assert all(later > earlier for earlier, later in zip(listener.moments, listener.moments[1:], strict=False))


async def test_the_watermark_comes_every_two_hundred_milliseconds_while_things_are_said(
    database: asyncpg.Pool, store: PostgresEventStore, bus: InProcessBus, listener: Listener
) -> None:
    """Seen to fail with one pace for both."""

    async def say_something_now_and_then() -> None:
        while True:
            await append(store, "consent", new_events(1))
            await asyncio.sleep(0.5)

    async with relaying(database, bus), supervised(say_something_now_and_then()):
        await eventually(lambda: _is_steady(listener.heard_at, 0.2), within=20)


async def test_without_gateways_the_watermark_is_the_relays_own_time(
    database: asyncpg.Pool, bus: InProcessBus, listener: Listener
) -> None:
    begin = utc_now()
    async with relaying(database, bus):
        await eventually(lambda: listener.watermarks)

    assert begin <= listener.moments[0] <= utc_now()


async def test_the_watermark_never_goes_back_even_when_a_gateway_with_a_slow_clock_appears(
    database: asyncpg.Pool, bus: InProcessBus, listener: Listener
) -> None:
    async with relaying(database, bus):
        await eventually(lambda: listener.watermarks)
        await Horizons(database).register("slow", utc_now() - timedelta(seconds=30))
        said = len(listener.watermarks)
        await eventually(lambda: len(listener.watermarks) >= said + 3)

    assert listener.moments == sorted(listener.moments)


async def test_a_gateway_that_appears_while_the_relay_looks_is_not_overlooked(
    database: asyncpg.Pool, bus: InProcessBus, listener: Listener
) -> None:
    """The relay sees no gateway. Whatever is said to one that appears right then, is said after the watermark."""
    now = datetime(2030, 1, 1, tzinfo=UTC)
    async with relaying(database, bus, clock=lambda: now):
        await eventually(lambda: listener.watermarks)
        async with database.acquire() as session, session.transaction():
            await session.execute("LOCK TABLE gateway_horizons IN ACCESS EXCLUSIVE MODE")
            await eventually(lambda: someone_waits(session))
            said = len(listener.watermarks)
            looked, now = now, now + timedelta(seconds=10)
        await eventually(lambda: len(listener.watermarks) > said)

    assert listener.moments[said] == looked


async def test_a_silent_gateways_horizon_holds_until_it_is_taken_for_dead_and_forgotten(
    database: asyncpg.Pool, bus: InProcessBus, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizon, "DEAD_AFTER", 0.5)
    begin = utc_now()
    held = begin - timedelta(minutes=1)
    await Horizons(database).register("dying", held)
    async with relaying(database, bus):
        await eventually(lambda: listener.watermarks and listener.moments[-1] >= begin)
        assert listener.moments.count(held) >= 3
        assert await Horizons(database).all() == []


async def test_a_lost_gateways_horizon_holds_until_its_people_have_left(
    database: asyncpg.Pool, bus: InProcessBus, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizon, "DEAD_AFTER", 0.5)
    held = utc_now() - timedelta(minutes=1)
    horizons = Horizons(database)
    await horizons.register("dying", held)

    async def is_lost() -> bool:
        return [each.gateway for each in await horizons.all() if each.lost] == ["dying"]

    async with gateway(database, "living"), relaying(database, bus):
        await eventually(is_lost)
        said = len(listener.watermarks)
        await eventually(lambda: len(listener.watermarks) >= said + 5)
        assert set(listener.moments) == {held}
        assert not await horizons.renew("dying", utc_now())
        passed = utc_now()
        await horizons.remove("dying")
        await eventually(lambda: listener.moments[-1] >= passed)


async def test_a_gateway_that_renewed_since_it_was_looked_at_is_not_lost(database: asyncpg.Pool) -> None:
    horizons = Horizons(database)
    await horizons.register("one", utc_now())
    (looked_at,) = await horizons.all()
    assert await horizons.renew("one", utc_now())
    await horizons.lose(looked_at)
    assert await horizons.renew("one", utc_now())


async def test_a_gateway_that_renews_its_horizon_holds_for_as_long_as_it_says(
    database: asyncpg.Pool, bus: InProcessBus, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizon, "DEAD_AFTER", 0.5)
    held = utc_now() - timedelta(minutes=1)
    await Horizons(database).register("waiting", held)
    async with relaying(database, bus):
        for count in range(1, 12):
            await Horizons(database).renew("waiting", held)
            await eventually(lambda count=count: len(listener.watermarks) >= count)  # type: ignore[misc]
    assert set(listener.moments[1:]) == {held}


async def test_a_gateway_that_left_holds_nothing_back(
    database: asyncpg.Pool, bus: InProcessBus, listener: Listener
) -> None:
    begin = utc_now()
    horizons = Horizons(database)
    await horizons.register("leaving", begin - timedelta(minutes=1))
    async with relaying(database, bus):
        await eventually(lambda: listener.watermarks)
        await horizons.remove("leaving")
        await eventually(lambda: listener.moments[-1] >= begin)


def _is_steady(heard_at: list[float], seconds: float) -> bool:
    """Tell whether there were ten watermarks in a row that were so far apart at most."""
    late = [index for index in range(1, len(heard_at)) if heard_at[index] - heard_at[index - 1] > seconds]
    return len(heard_at) - (late[-1] if late else 0) > 10
