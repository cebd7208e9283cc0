"""While the bus is silent, the watermark is made of what is in Postgres; it never passes what is not known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from av.error import InvalidDataError

from services.recorder import log_watch
from services.recorder.log_watch import LogWatch
from services.recorder.moments import nanoseconds
from services.recorder.settings import RecorderSettings
from services.recorder.wall_clock import now_ns
from services.recorder.watermark import WatermarkGauge
from shared.concurrency.clock import utc_now
from shared.concurrency.supervision import supervised
from shared.contracts.consent import ConsentGiven
from shared.contracts.participant_recording import (
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    StopParticipantRecording,
)
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.horizon import Horizons
from shared.eventsourcing.postgres import PostgresEventStore
from shared.messaging.errors import BusError
from shared.messaging.follower import Follower
from tests.integration.recorder.house import ANN, House, open_house
from tests.integration.recorder.talking import among, talking
from tests.support.events import append, open_log, sequence_all
from tests.support.eventually import eventually
from tests.support.proxy import Proxy
from tests.support.webm import Packet, read_packets


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_watch, "_SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(log_watch, "_LOOK_SECONDS", 0.02)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with open_log(database_url) as pool:
        yield pool


class Watched:
    """A recorder's log, followed without a bus."""

    def __init__(self, database: asyncpg.Pool) -> None:
        self.store = PostgresEventStore(database)
        self.follower = Follower(self.store)
        self.gauge = WatermarkGauge()
        self.watch = LogWatch(database, self.follower.catch_up, self.gauge, utc_now)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        async with supervised(self.watch.run()):
            yield

    async def consents(self) -> None:
        event = ConsentGiven(at=utc_now(), **ANN)
        await append(self.store, event.stream, [encode(event, Context.begin("service:test"))])


async def test_without_a_bus_all_that_is_in_the_log_is_known_until_now(database: asyncpg.Pool) -> None:
    one = Watched(database)
    await one.consents()
    await sequence_all(one.store)
    begin_ns = now_ns()
    async with one.watching():
        await eventually(lambda: one.gauge.value_ns > begin_ns)
    assert one.follower.position == 1


async def test_it_never_passes_what_a_gateway_has_not_brought_into_the_log(database: asyncpg.Pool) -> None:
    one, horizons = Watched(database), Horizons(database)
    said = datetime.now(UTC) - timedelta(seconds=30)
    await horizons.register("slow", said)
    await horizons.register("quick", datetime.now(UTC))
    async with one.watching():
        await eventually(lambda: one.gauge.value_ns)
        await horizons.renew("quick", datetime.now(UTC))
        await asyncio.sleep(0.2)
        assert one.gauge.value_ns == nanoseconds(said)
        await horizons.renew("slow", later := datetime.now(UTC) - timedelta(seconds=1))
        await eventually(lambda: one.gauge.value_ns == nanoseconds(later))


async def test_it_stands_while_what_was_said_has_no_place_in_the_log(database: asyncpg.Pool) -> None:
    """Seen to fail with a look at the log's head alone."""
    one = Watched(database)
    await one.consents()
    async with one.watching():
        await asyncio.sleep(0.6)
        assert one.gauge.value_ns == 0
        await sequence_all(one.store)
        await eventually(lambda: one.gauge.value_ns)
    assert one.follower.position == 1


async def test_while_watermarks_come_the_log_is_let_be(database: asyncpg.Pool) -> None:
    one = Watched(database)
    async with one.watching():
        for _ in range(30):
            one.watch.heard()
            await asyncio.sleep(0.02)
        assert one.gauge.value_ns == 0


async def test_what_is_sent_while_the_broker_is_away_is_written_meanwhile(
    database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    broker = Proxy(amqp_url, 5672)
    await broker.open()
    settings = RecorderSettings(database_url=database_url, amqp_url=broker.url, data_dir=tmp_path)
    async with open_house(settings) as house, house.recorder():
        await house.session()
        await house.joins()
        opened = await house.opens_source()
        await house.starts()
        await house.until(ParticipantRecordingStarted)
        await broker.close()
        with talking(opened) as ann:
            sounds, pictures = await ann.both()
            (segment,) = settings.storage_root.rglob("*.segment-1.webm")

            async def are_written() -> bool:
                return all(among(await asyncio.to_thread(so_far, segment), sounds + pictures))

            await eventually(are_written, within=20)
        await broker.open()
        await eventually(lambda: _stops(house), within=30)
        stopped = await house.until(ParticipantRecordingStopped)
        assert all(among(await house.packets(stopped.file.path), sounds + pictures))
    await broker.close()


def so_far(segment: Path) -> list[Packet]:
    try:
        return read_packets(segment)
    except (InvalidDataError, EOFError):
        return []  # it has no header yet


async def _stops(house: House) -> bool:
    try:
        await house.changes(StopParticipantRecording)
    except BusError:
        return False
    return True
