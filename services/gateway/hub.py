"""The hub: which client sits on which connection, and telling each what happens in its room."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from services.gateway.projections.roster import Goodbye, Notice, Roster
from services.gateway.signaling.envelope import enveloped
from shared.concurrency.clock import Clock
from shared.contracts.message import Event
from shared.contracts.room import LeaveReason, ParticipantJoined
from shared.eventsourcing.event import StoredEvent


class Client(Protocol):
    """One client's connection, as the hub needs it."""

    participant_id: str
    connection_id: str
    #: It speaks of streams (generation B).
    asks_for_streams: bool
    #: The digest of what lets its participant come back.
    resumption: bytes

    def tell(self, text: str) -> None:
        """Queue a message for the client. Never waits; a client that does not read is disconnected."""
        ...

    def dismiss(self, reason: LeaveReason) -> None:
        """Close the connection once what was queued has been sent. Never waits."""
        ...


class Hub:
    """Keeps the roster, and tells the clients of this gateway."""

    def __init__(self, clock: Clock) -> None:
        self.roster = Roster()
        self._clock = clock
        self._clients: dict[str, dict[str, Client]] = defaultdict(dict)
        #: By connection: who is about to join, and waits to be seen in the log.
        self._expected: dict[str, asyncio.Future[None]] = {}

    @contextmanager
    def expecting(self, connection_id: str) -> Iterator[asyncio.Future[None]]:
        """Yield what is done when the connection's participant is seen to have joined."""
        seen = self._expected[connection_id] = asyncio.get_running_loop().create_future()
        try:
            yield seen
        finally:
            del self._expected[connection_id]

    def clients(self) -> Iterator[Client]:
        """Return every client that has joined."""
        return (client for clients in self._clients.values() for client in clients.values())

    def send_away(self) -> None:
        """Close the connection of everybody, who may come in again."""
        for client in list(self.clients()):
            client.dismiss("timeout")

    def add(self, room_id: str, client: Client) -> None:
        """Tell the client from now on."""
        self._clients[room_id][client.participant_id] = client

    def remove(self, room_id: str, client: Client) -> None:
        """Tell the client nothing more."""
        clients = self._clients.get(room_id, {})
        if clients.get(client.participant_id) is client:
            del clients[client.participant_id]
        if not clients:
            self._clients.pop(room_id, None)

    def apply(self, event: Event, _: StoredEvent) -> None:
        """Take the next event of the log."""
        for each in self.roster.apply(event):
            if isinstance(each, Notice):
                self._tell(each)
            else:
                self._dismiss(each)
        if isinstance(event, ParticipantJoined) and event.connection_id in self._expected:
            seen = self._expected[event.connection_id]
            if not seen.done():
                seen.set_result(None)

    def _tell(self, notice: Notice) -> None:
        clients = self._clients.get(notice.room_id)
        if not clients:
            return
        text = enveloped(notice.message, self._clock())
        for client in clients.values():
            if _is_for(client, notice):
                client.tell(text)

    def _dismiss(self, goodbye: Goodbye) -> None:
        client = self._clients.get(goodbye.room_id, {}).get(goodbye.participant_id)
        if client and client.connection_id == goodbye.connection_id:
            client.dismiss(goodbye.reason)


def _is_for(client: Client, notice: Notice) -> bool:
    if notice.of_streams and not client.asks_for_streams:
        return False
    if notice.only is not None:
        return client.participant_id == notice.only
    return client.participant_id != notice.about
