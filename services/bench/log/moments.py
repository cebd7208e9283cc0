"""When events were sent and heard, by a clock that all processes of a machine share."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID

from shared.messaging.bus import Handler
from shared.messaging.message import Message

#: The moment at which its handler began with an event.
Heard = dict[UUID, float]

#: Counts from the machine's start, in every process; it is never set.
now = time.monotonic


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that was appended."""

    id: UUID
    #: When it was due, and when the append returned. Behind schedule, the two tell who waited for whom.
    due: float
    committed: float


def hearing(heard: Heard, streams: str, count: int, stop: asyncio.Event) -> Handler:
    """Return a handler that notes events of these streams, and says stop after so many."""

    async def handle(message: Message) -> None:
        moment = now()
        if message.headers.get("stream", "").startswith(streams):
            heard.setdefault(message.id, moment)
        if len(heard) >= count:
            stop.set()

    return handle
