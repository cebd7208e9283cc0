"""Resumptions of those who are connected are kept good, and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from services.gateway import resuming
from services.gateway.hub import Hub
from services.gateway.resuming import keep_resumptions
from shared.concurrency.clock import utc_now
from shared.contracts.room import LeaveReason
from shared.eventsourcing.errors import LogUnavailableError


@dataclass(slots=True)
class Connected:
    """A client that only sits there."""

    participant_id: str
    resumption: bytes
    connection_id: str = "one"
    asks_for_streams: bool = False

    def tell(self, text: str) -> None: ...

    def dismiss(self, reason: LeaveReason) -> None: ...


@dataclass(slots=True)
class Table:
    """Takes note of what is refreshed; the first time it is away."""

    refreshed: list[list[bytes]] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def refresh(self, digests: Sequence[bytes]) -> None:
        self.refreshed.append(list(digests))
        if len(self.refreshed) == 1:
            raise LogUnavailableError("the database is away")
        self.enough.set()


async def test_they_are_refreshed_again_and_again_also_after_the_database_was_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resuming, "_REFRESH_SECONDS", 0)
    hub, table = Hub(utc_now), Table()
    gone = Connected("cy", b"cy")
    for room_id, client in (("a", Connected("ann", b"ann")), ("b", Connected("bob", b"bob")), ("b", gone)):
        hub.add(room_id, client)
    hub.remove("b", gone)
    keeping = asyncio.create_task(keep_resumptions(hub, table.refresh))
    async with asyncio.timeout(10):
        await table.enough.wait()
    keeping.cancel()
    assert table.refreshed[:2] == [[b"ann", b"bob"]] * 2
