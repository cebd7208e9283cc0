"""The hub: which client sits on which connection, and telling each what happens in its room."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Protocol

import structlog

from services.gateway.projections.roster import LiveSession, Notice, Roster
from shared.contracts.message import Event
from shared.contracts.room import room_stream
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.follower import Follower
from shared.eventsourcing.store import EventStore
from shared.messaging.message import Message

_log = structlog.get_logger()


class Client(Protocol):
    """One client's connection, as the hub needs it."""

    participant_id: str

    def tell(self, namespace: str, payload: Mapping[str, Any]) -> None:
        """Queue a message for the client. Never waits; a client that does not read is disconnected."""
        ...


class Hub:
    """Follows the log, keeps the roster, and tells the clients of this gateway."""

    def __init__(self, store: EventStore) -> None:
        self.roster = Roster()
        self._follower = Follower(store, self._apply)
        self._clients: dict[str, dict[str, Client]] = defaultdict(dict)
        self._positions: dict[str, int] = {}
        self._moved = asyncio.Condition()

    async def catch_up(self) -> None:
        """Read what the log holds; afterwards `receive` keeps up."""
        await self._follower.catch_up()

    async def until_stopped(self) -> None:
        """Wait until there is an event that this version cannot read, and raise why."""
        await self._follower.until_stopped()

    async def receive(self, message: Message) -> None:
        """Take a message of the events exchange."""
        await self._follower.hear(message)
        async with self._moved:
            self._moved.notify_all()

    async def reached(self, room_id: str, position: int, within: float) -> LiveSession | None:
        """Wait until the roster knows the room's stream up to `position`; return its session.

        Raises TimeoutError after `within` seconds.
        """
        async with asyncio.timeout(within), self._moved:
            await self._moved.wait_for(lambda: self._positions.get(room_id, 0) >= position)
        return self.roster.session(room_id)

    def add(self, room_id: str, client: Client) -> Client | None:
        """Tell the client from now on; return the one it takes the place of."""
        before = self._clients[room_id].get(client.participant_id)
        self._clients[room_id][client.participant_id] = client
        return before

    def remove(self, room_id: str, client: Client) -> bool:
        """Tell the client nothing more; return False when another is in its place."""
        clients = self._clients.get(room_id, {})
        if clients.get(client.participant_id, client) is not client:
            return False
        clients.pop(client.participant_id, None)
        if not clients:
            self._clients.pop(room_id, None)
        return True

    def _apply(self, event: Event, stored: StoredEvent) -> None:
        for notice in self.roster.apply(event):
            self._tell(notice)
        room_id = getattr(event, "room_id", None)
        if room_id and stored.stream == room_stream(room_id):
            self._positions[room_id] = stored.position

    def _tell(self, notice: Notice) -> None:
        for client in self._clients.get(notice.room_id, {}).values():
            if client.participant_id != notice.about:
                client.tell(notice.namespace, notice.payload)
