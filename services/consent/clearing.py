"""Clears consents: follows the log, and gives the commands of the process manager."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from itertools import chain

from services.consent.domain.consent import ClearConsent
from services.consent.process_manager import Session, due, follow
from shared.contracts.message import Event
from shared.eventsourcing.coordinator import Coordinator
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.follower import Follower
from shared.eventsourcing.store import EventStore
from shared.messaging.message import Message

#: How many sessions that owe nothing are remembered after their end: a yes that waited for this service may come into
#: the log after it.
_OVER = 1000


class Clearing:
    """Knows every session that does not keep a yes. Several may run at once: what two of them clear is cleared once."""

    def __init__(self, store: EventStore, clear: Callable[[ClearConsent], Awaitable[None]]) -> None:
        self._follower = Follower(store, self._apply)
        self._coordinator = Coordinator(self._due, clear)
        self._sessions: dict[str, Session] = {}
        self._owed: dict[str, list[ClearConsent]] = {}
        #: Those that are over and owe nothing, the oldest first.
        self._over: dict[str, None] = {}

    async def catch_up(self) -> None:
        """Read what the log holds, and give once what is due; afterwards `hear` and `run` keep up."""
        await self._follower.catch_up()
        await self._coordinator.give_due()

    async def hear(self, message: Message) -> None:
        """Take a message of the events exchange."""
        await self._follower.hear(message)

    async def until_stopped(self) -> None:
        """Wait until there is an event that this version cannot read, and raise why."""
        await self._follower.until_stopped()

    async def run(self) -> None:
        """Give what is due, for ever."""
        await self._coordinator.run()

    def _due(self) -> Iterable[ClearConsent]:
        return chain.from_iterable(self._owed.values())

    def _apply(self, event: Event, _: StoredEvent) -> None:
        session_id: str = getattr(event, "session_id", "")
        before = self._sessions.get(session_id)
        after = follow(before, event)
        if after is not None and after is not before:
            self._keep(session_id, after)

    def _keep(self, session_id: str, session: Session) -> None:
        self._sessions[session_id] = session
        if owed := list(due(session)):
            self._owed[session_id] = owed
            self._over.pop(session_id, None)
            self._coordinator.look_again()
            return
        self._owed.pop(session_id, None)
        if session.is_over:
            self._over[session_id] = None
            self._forget()

    def _forget(self) -> None:
        if len(self._over) > _OVER:
            oldest = next(iter(self._over))
            del self._over[oldest], self._sessions[oldest]
