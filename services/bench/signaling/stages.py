"""Where the time of a start goes: when each of its events was written, and when the broker had told of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from uuid import uuid4

from services.bench.ground import Log
from services.bench.signaling.client import now
from services.bench.signaling.room import Told
from services.bench.system import System
from shared.contracts.recording import RecordingRequested, RecordingStarted
from shared.messaging.message import Message
from shared.messaging.rabbitmq import RabbitMqBus
from shared.messaging.topology import live_queue

_TYPES = (RecordingRequested.type, RecordingStarted.type)

#: When something happened to the event of a type of a recording.
Moments = Mapping[tuple[str, str], float]


@asynccontextmanager
async def published(system: System) -> AsyncIterator[Moments]:
    """Listen as a gateway does; yield when each event was heard, by the machine's monotonic clock."""
    heard: dict[tuple[str, str], float] = {}

    async def hear(message: Message) -> None:
        moment = now()
        if message.type in _TYPES:
            heard[message.type, _recording_id(message.payload)] = moment

    bus = await RabbitMqBus.connect(system.amqp_url)
    try:
        async with bus.subscribe(live_queue("bench", uuid4().hex[:12]), hear):
            yield heard
    finally:
        await bus.close()


async def written(log: Log) -> Moments:
    """Return when each event was written, in seconds by the database's clock."""
    rows = await log.pool.fetch("SELECT type, payload, recorded_at FROM events WHERE type = ANY($1)", list(_TYPES))
    return {(row["type"], _recording_id(row["payload"])): row["recorded_at"].timestamp() for row in rows}


def stages(starts: Sequence[Told], heard: Moments, written_at: Moments) -> dict[str, list[float]]:
    """Return how long each part of the way took, in seconds; the last one for each client."""
    found: dict[str, list[float]] = {}
    for start in starts:
        requested, started = ((kind, start.recording_id) for kind in _TYPES)
        moments = [
            start.said,
            *(
                moment
                for event in (requested, started)
                for moment in (start.said + written_at[event] - start.said_at, heard[event])
            ),
        ]
        for name, (begin, end) in zip(_STAGES, pairwise(moments), strict=True):
            found.setdefault(name, []).append(end - begin)
        found.setdefault(_LAST_STAGE, []).extend(moment - moments[-1] for moment in start.heard)
    return found


_STAGES = (
    "start sent to requested in the log",
    "requested in the log to published",
    "requested published to started in the log",
    "started in the log to published",
)
_LAST_STAGE = "started published to each client"


def _recording_id(payload: bytes) -> str:
    return str(json.loads(payload)["recording_id"])
