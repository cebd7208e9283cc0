"""Tickets: good once, for 30 s, at any gateway."""

from __future__ import annotations

import asyncio

import asyncpg

from services.gateway.adapters.codes import CODE_LENGTH, draw_code
from services.gateway.adapters.tickets import Admission, Tickets
from tests.integration.gateway.doors import open_tables

ALICE = Admission("room", "alice", "moderator", b"digest of a resumption")


async def test_a_ticket_admits_whom_it_was_issued_for(tables: asyncpg.Pool) -> None:
    ticket = await Tickets(tables).issue(ALICE)
    assert (len(ticket), ticket.isalnum(), ticket.isascii()) == (CODE_LENGTH, True, True)
    assert await Tickets(tables).redeem(ticket) == ALICE


async def test_a_ticket_is_good_once(tables: asyncpg.Pool) -> None:
    tickets = Tickets(tables)
    ticket = await tickets.issue(ALICE)
    await tickets.redeem(ticket)
    assert await tickets.redeem(ticket) is None


async def test_of_two_gateways_that_redeem_a_ticket_at_once_one_lets_somebody_in(
    tables: asyncpg.Pool, database_url: str
) -> None:
    async with open_tables(database_url) as others:
        ticket = await Tickets(tables).issue(ALICE)
        redeemed = await asyncio.gather(*(Tickets(pool).redeem(ticket) for pool in (tables, others) * 5))
    assert [admission for admission in redeemed if admission] == [ALICE]


async def test_a_guessed_ticket_is_nobodys(tables: asyncpg.Pool) -> None:
    tickets = Tickets(tables)
    ticket = await tickets.issue(ALICE)
    for guess in ("", "short", draw_code(), ticket[:-1], ticket + "x", ticket.swapcase()):
        assert await tickets.redeem(guess) is None


async def test_a_ticket_is_good_for_thirty_seconds(tables: asyncpg.Pool, owner: asyncpg.Connection) -> None:
    tickets = Tickets(tables)
    young, old = await tickets.issue(ALICE), await tickets.issue(ALICE)
    await owner.execute("UPDATE tickets SET expires_at = expires_at - interval '15 seconds'")
    assert await tickets.redeem(young) == ALICE
    await owner.execute("UPDATE tickets SET expires_at = expires_at - interval '15 seconds'")
    assert await tickets.redeem(old) is None


async def test_tickets_that_nobody_used_are_swept_out(tables: asyncpg.Pool, owner: asyncpg.Connection) -> None:
    tickets = Tickets(tables)
    for _ in range(3):
        await tickets.issue(ALICE)
    await owner.execute("UPDATE tickets SET expires_at = expires_at - interval '30 seconds'")
    await tickets.issue(ALICE)
    assert await owner.fetchval("SELECT count(*) FROM tickets") == 1


async def test_a_table_of_tickets_opens_no_door(tables: asyncpg.Pool, owner: asyncpg.Connection) -> None:
    ticket = await Tickets(tables).issue(ALICE)
    row = await owner.fetchrow("SELECT * FROM tickets")
    assert ticket not in repr(row)
    assert ticket.encode() not in row["digest"]
