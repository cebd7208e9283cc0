"""Resumptions: the same participant once more, in the same room, within 120 s."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from services.gateway.adapters.codes import CODE_LENGTH, digest_of
from services.gateway.adapters.resumptions import Resumptions
from shared.eventsourcing.errors import LogUnavailableError
from tests.integration.gateway.doors import open_tables


@pytest.fixture
def resumptions(tables: asyncpg.Pool) -> Resumptions:
    return Resumptions(tables)


async def passes(owner: asyncpg.Connection, seconds: float) -> None:
    await owner.execute("UPDATE resumptions SET expires_at = expires_at - make_interval(secs => $1)", seconds)


async def test_a_resumption_says_whose_it_is_until_it_is_redeemed(resumptions: Resumptions) -> None:
    resumption = await resumptions.issue("room", "alice")
    assert (len(resumption), resumption.isalnum()) == (CODE_LENGTH, True)
    assert await resumptions.holder(resumption, "room") == "alice"
    assert await resumptions.redeem(resumption, "room") == "alice"
    assert await resumptions.redeem(resumption, "room") is None
    assert await resumptions.holder(resumption, "room") is None


async def test_in_another_room_it_is_nobodys_and_is_not_used_up(resumptions: Resumptions) -> None:
    resumption = await resumptions.issue("room", "alice")
    assert await resumptions.holder(resumption, "other") is None
    assert await resumptions.redeem(resumption, "other") is None
    assert await resumptions.redeem(resumption, "room") == "alice"


@pytest.mark.parametrize("guess", ["", "short", "a" * CODE_LENGTH, "x" * 5000])
async def test_a_guessed_one_is_nobodys(resumptions: Resumptions, guess: str) -> None:
    await resumptions.issue("room", "alice")
    assert await resumptions.redeem(guess, "room") is None


async def test_of_two_gateways_that_redeem_it_at_once_one_wins(
    resumptions: Resumptions, tables: asyncpg.Pool, database_url: str
) -> None:
    async with open_tables(database_url) as others:
        resumption = await resumptions.issue("room", "alice")
        redeemed = await asyncio.gather(
            *(Resumptions(pool).redeem(resumption, "room") for pool in (tables, others) * 5)
        )
    assert sorted(redeemed, key=str) == [None] * 9 + ["alice"]


async def test_it_is_good_for_120_seconds(resumptions: Resumptions, owner: asyncpg.Connection) -> None:
    young, old = await resumptions.issue("room", "alice"), await resumptions.issue("room", "bob")
    await passes(owner, 100)
    assert await resumptions.redeem(young, "room") == "alice"
    await passes(owner, 20)
    assert await resumptions.holder(old, "room") is None
    assert await resumptions.redeem(old, "room") is None


async def test_refreshed_it_is_good_for_120_seconds_more_and_others_are_not(
    resumptions: Resumptions, owner: asyncpg.Connection
) -> None:
    connected = [await resumptions.issue("room", name) for name in ("alice", "bob")]
    gone = await resumptions.issue("room", "carol")
    for _ in range(3):
        await passes(owner, 60)
        await resumptions.refresh([digest_of(each) for each in connected])
    await passes(owner, 100)
    assert [await resumptions.redeem(each, "room") for each in (*connected, gone)] == ["alice", "bob", None]


async def test_one_that_expired_while_its_participant_was_connected_is_refreshed_all_the_same(
    resumptions: Resumptions, owner: asyncpg.Connection
) -> None:
    """The database was away for so long that no gateway could refresh anything."""
    resumption = await resumptions.issue("room", "alice")
    await passes(owner, 600)
    await resumptions.issue("room", "who comes first when it is back")
    await resumptions.refresh([digest_of(resumption)])
    assert await resumptions.redeem(resumption, "room") == "alice"


async def test_a_used_one_is_not_refreshed(resumptions: Resumptions) -> None:
    resumption = await resumptions.issue("room", "alice")
    await resumptions.redeem(resumption, "room")
    await resumptions.refresh([digest_of(resumption), digest_of("unknown")])
    await resumptions.refresh([])
    assert await resumptions.redeem(resumption, "room") is None


async def test_those_that_expired_long_ago_are_swept_out(resumptions: Resumptions, owner: asyncpg.Connection) -> None:
    for _ in range(3):
        await resumptions.issue("room", "alice")
    await passes(owner, 3720)
    await resumptions.issue("room", "bob")
    assert await owner.fetchval("SELECT array_agg(participant_id) FROM resumptions") == ["bob"]


async def test_a_sweep_waits_for_nobody(resumptions: Resumptions, owner: asyncpg.Connection) -> None:
    held = await resumptions.issue("room", "alice")
    await passes(owner, 3720)
    async with asyncio.timeout(10), owner.transaction():
        await owner.execute("SELECT FROM resumptions WHERE digest = $1 FOR UPDATE", digest_of(held))
        await resumptions.issue("room", "bob")


async def test_a_database_that_is_away_is_told(resumptions: Resumptions, tables: asyncpg.Pool) -> None:
    await tables.close()
    with pytest.raises(LogUnavailableError):
        await resumptions.refresh([b"digest"])
    with pytest.raises(LogUnavailableError):
        await resumptions.issue("room", "alice")
