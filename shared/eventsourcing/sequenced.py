"""Waiting until what is committed has its place in the log."""

from __future__ import annotations

import asyncio

import asyncpg

_LOOK_SECONDS = 0.02
#: For each statement.
_STATEMENT_SECONDS = 2.0
#: Above every number that is drawn.
_ANY = 2**63 - 1

#: The last pending event up to a number, and the log's head, in one snapshot.
_LOOK = """SELECT (SELECT max(number) FROM public.pending_events WHERE number <= $1),
    (SELECT coalesce(max(global_position), 0) FROM public.events)"""


async def until_sequenced(connection: asyncpg.Connection) -> int:
    """Return the log's head when all that was committed before this began is in it. Raises what the database does.

    While nobody sequences, that may be never: limit it.
    """
    pending, head = await connection.fetchrow(_LOOK, _ANY, timeout=_STATEMENT_SECONDS)
    # Whoever was committed late with a lower number gets a lower position: none is known before all are placed.
    while pending is not None:
        await asyncio.sleep(_LOOK_SECONDS)
        pending, head = await connection.fetchrow(_LOOK, pending, timeout=_STATEMENT_SECONDS)
    return int(head)
