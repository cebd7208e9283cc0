"""Connections are cut in the middle of what they carry."""

from __future__ import annotations

from random import Random

import pytest

from tests.faults.claims import every_effect_once_and_in_order
from tests.faults.load import Addresses, Load, load
from tests.support.cutting_proxy import CuttingProxy, Direction, cutting
from tests.support.eventually import eventually

_CUTS = 4

DIRECTIONS = pytest.mark.parametrize("direction", ["to the server", "from the server"])


@DIRECTIONS
@pytest.mark.parametrize(("part", "seed"), [("relay", 1), ("askers", 2), ("decider", 3)])
async def test_a_connection_to_the_broker_that_is_cut_while_it_publishes_costs_nothing(
    database_url: str, amqp_url: str, part: str, direction: Direction, seed: int
) -> None:
    """Whether the broker got the message, or the publisher the confirm, nobody can tell.

    Seen to fail with a relay whose checkpoint goes on without confirms, and with a command handler that does not look
    for the message among what the stream's events were caused by.
    """
    chance = Random(seed)
    async with cutting(amqp_url) as proxy:
        through_proxy = {
            "relay": Addresses(database_url, amqp_url, relay_amqp=proxy.url),
            "askers": Addresses(database_url, amqp_url, askers_amqp=proxy.url),
            "decider": Addresses(database_url, amqp_url, decider_amqp=proxy.url),
        }
        async with load(through_proxy[part], seed) as running:
            for _ in range(_CUTS):
                await _cut(running, proxy, direction, chance.randint(1, 12_000))
            await running.goes_on()
            await running.end()

            await every_effect_once_and_in_order(running)


@DIRECTIONS
@pytest.mark.parametrize("seed", [1])
async def test_an_append_whose_connection_is_cut_is_in_the_log_entirely_or_not_at_all(
    database_url: str, amqp_url: str, direction: Direction, seed: int
) -> None:
    """An appender that was not told looks it up, and what is not there it appends again.

    Seen to fail with a store that appends a batch in several transactions.
    """
    chance = Random(seed)
    async with (
        cutting(database_url) as proxy,
        load(Addresses(database_url, amqp_url, appenders_database=proxy.url), seed) as running,
    ):
        for _ in range(_CUTS):
            outages = running.outages
            while running.outages == outages:  # a cut may hit a look into the log, or a connection that is begun
                await _cut(running, proxy, direction, chance.randint(1, 4_000))
        await running.goes_on()
        await running.end()

        await every_effect_once_and_in_order(running)


async def _cut(running: Load, proxy: CuttingProxy, direction: Direction, after: int) -> None:
    cuts = proxy.cuts
    proxy.cut_after(after, direction)
    await eventually(lambda: proxy.cuts > cuts)
    await running.goes_on(events=30, commands=5)
