"""Waiting until what is committed has its place in the log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

#: Above every number that is drawn.
_ANY = 2**63 - 1

#: Looks, in one snapshot, for the last pending event up to a number, and for the log's head.
Look = Callable[[int], Awaitable[tuple[int | None, int]]]


async def until_sequenced(look: Look, wait: Callable[[], Awaitable[None]]) -> int:
    """Return the log's head when all that was committed before this began is in it; `wait` between looks.

    While nobody sequences, that may be never: limit it.
    """
    pending, head = await look(_ANY)
    # Whoever was committed late with a lower number gets a lower position: none is known before all are placed.
    while pending is not None:
        await wait()
        pending, head = await look(pending)
    return head
