"""Yes and no at random moments, with real servers and a real ffmpeg, a slow gateway and a bus that goes and comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import asyncpg
import pytest

from services.recorder.moments import nanoseconds
from services.recorder.settings import RecorderSettings
from services.recorder.wall_clock import now_ns
from shared.concurrency.clock import utc_now
from shared.concurrency.supervision import supervised
from shared.contracts.consent import ConsentGiven, ConsentWithdrawn
from shared.contracts.participant_recording import (
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    StopParticipantRecording,
)
from shared.eventsourcing.horizon import Horizon, Horizons
from shared.messaging.errors import BusError
from tests.integration.recorder.house import ANN, House, open_house
from tests.integration.recorder.talking import Talking, talking
from tests.support.eventually import eventually
from tests.support.proxy import Proxy

_WITHDRAWALS = 15
#: What may pass from the moment of a word to that of a packet, and back: the file may have it or not.
_EDGE_NS = 400_000_000


@dataclass
class Conversation:
    """What ann said of her consent, and sent, each with its moment: ns."""

    random: Random
    #: When she withdrew, and said yes again.
    withdrawn: list[tuple[int, int]] = field(default_factory=list)
    sent: list[tuple[int, bytes]] = field(default_factory=list)

    async def goes_on(self, house: House, horizon: Horizon) -> None:
        """Withdraw and say yes, again and again; each word takes its time to the log."""
        for _ in range(_WITHDRAWALS):
            await asyncio.sleep(self.random.uniform(0, 2))
            no = await self._says(house, horizon, ConsentWithdrawn)
            await asyncio.sleep(self.random.uniform(0, 0.4))
            self.withdrawn.append((no, await self._says(house, horizon, ConsentGiven)))

    async def _says(self, house: House, horizon: Horizon, word: type[ConsentGiven | ConsentWithdrawn]) -> int:
        with horizon.saying() as moment:
            await asyncio.sleep(self.random.choice((0, 0, 0.02, 0.1, 1.0)))
            await house.happens(word(at=moment, **ANN))
        return nanoseconds(moment)

    async def is_sent(self, ann: Talking) -> None:
        """Send sounds, and pictures of which every fourth is a keyframe, until this is cancelled."""
        number = 0
        while True:
            number += 1
            at_ns = now_ns()
            self.sent.append((at_ns, await ann._sound()))
            at_ns = now_ns()
            self.sent.append((at_ns, await ann._picture(keyframe=number % 4 == 0)))

    def forbidden(self) -> list[bytes]:
        """Return what was sent after a withdrawal and before the next yes."""
        return [data for at, data in self.sent if any(no <= at < yes for no, yes in self.withdrawn)]

    def permitted_sounds(self) -> list[bytes]:
        spans = [(no - _EDGE_NS, yes + _EDGE_NS) for no, yes in self.withdrawn]
        return [data for at, data in self.sent[::2] if not any(no <= at < yes for no, yes in spans)]


@asynccontextmanager
async def gateway(database: asyncpg.Pool) -> AsyncIterator[Horizon]:
    """Live as a gateway does, as far as its horizon goes."""
    horizon, horizons = Horizon(utc_now), Horizons(database)
    await horizons.register("one", horizon.known_until())

    async def renew() -> None:
        while True:
            await horizons.renew("one", horizon.known_until())
            await asyncio.sleep(0.1)

    async with supervised(renew()):
        yield horizon


async def go_and_come(broker: Proxy, random: Random) -> None:
    while True:
        await asyncio.sleep(random.uniform(0.5, 4))
        await broker.close()
        await asyncio.sleep(random.uniform(0, 3))
        await broker.open()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", [1])
async def test_nothing_that_was_sent_from_a_withdrawal_to_the_next_yes_is_in_the_file(
    database_url: str, amqp_url: str, tmp_path: Path, seed: int
) -> None:
    broker, random = Proxy(amqp_url, 5672), Random(seed)
    await broker.open()
    settings = RecorderSettings(database_url=database_url, amqp_url=broker.url, data_dir=tmp_path)
    conversation = Conversation(random)
    async with (
        open_house(settings) as house,
        gateway(house.infrastructure.database) as horizon,
        house.recorder(),
    ):
        await house.session()
        await house.joins()
        opened = await house.opens_source()
        await house.starts()
        await house.until(ParticipantRecordingStarted)
        with talking(opened) as ann:
            async with supervised(go_and_come(broker, random), conversation.is_sent(ann)):
                await conversation.goes_on(house, horizon)
        await broker.close()
        await broker.open()
        await eventually(lambda: stops(house), within=60)
        stopped = await house.until(ParticipantRecordingStopped)
        written = {packet.data for packet in await house.packets(stopped.file.path)}
    await broker.close()
    forbidden, permitted = conversation.forbidden(), conversation.permitted_sounds()
    assert len(conversation.withdrawn) == _WITHDRAWALS
    assert len(forbidden) > 50
    assert [data for data in forbidden if data in written] == []
    assert sum(data in written for data in permitted) >= 0.9 * len(permitted) > 10


async def stops(house: House) -> bool:
    try:
        await house.changes(StopParticipantRecording)
    except BusError:
        return False
    return True
