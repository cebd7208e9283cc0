"""Filling a log before it is measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice

import asyncpg

from services.bench.ground import Log
from shared.contracts import actors
from shared.contracts.message import Event
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.event import AppendRequest, NewEvent

_CHUNK = 500
_SEQUENCED_AT_ONCE = 10_000

_STREAM_LENGTH = 10
#: About as long as the payloads that are appended then.
_PAYLOAD_BYTES = 500

# Ids are in the order of their events, as those of version 7 are, and below all of them.
_FILL_STREAMS = f"""INSERT INTO streams
    SELECT 'filling-' || n, {_STREAM_LENGTH} FROM generate_series(1, $1::bigint / {_STREAM_LENGTH}) AS n"""  # noqa: S608
_FILL_EVENTS = f"""INSERT INTO events
    SELECT n, id, 'filling-' || (n - 1) / {_STREAM_LENGTH} + 1, (n - 1) % {_STREAM_LENGTH} + 1, 'room.created.v1',
        payload, now(), now(), 'service:bench', id, id
    FROM generate_series(1, $1::bigint) AS n,
        LATERAL (SELECT lpad(to_hex(n), 32, '0')::uuid AS id,
            convert_to(repeat('x', {_PAYLOAD_BYTES}), 'UTF8') AS payload) AS made"""  # noqa: S608
#: As the sequencer does, so that the newest partition is empty.
_ADD_PARTITIONS = """DO $$ BEGIN
    WHILE (SELECT max(first_position) FROM partitions) <= {count} LOOP PERFORM add_partition(); END LOOP; END $$"""


async def record(log: Log, events: Iterable[Event]) -> None:
    """Append what happened through the store, some hundred events at a time, and sequence it."""
    heads: dict[str, int] = defaultdict(int)
    waiting, context = iter(events), Context.begin(actors.service("bench"))
    while chunk := list(islice(waiting, _CHUNK)):
        await log.store.append_together(list(_requests(chunk, heads, context)))
    async with log.store.lead() as sequencer:
        while await sequencer.sequence(_SEQUENCED_AT_ONCE):
            pass


async def fill(log: Log, count: int) -> None:
    """Put so many events, a multiple of ten, into an empty log: as its owner, directly, as ten million take long.

    They are what the log would hold had they been appended and sequenced: positions without holes, each stream's head.
    """
    connection = await asyncpg.connect(log.url)
    try:
        await connection.execute(_ADD_PARTITIONS.format(count=count))
        async with connection.transaction():
            await connection.execute(_FILL_STREAMS, count)
            await connection.execute(_FILL_EVENTS, count)
        await connection.execute("ANALYZE")
        with suppress(asyncpg.InsufficientPrivilegeError):  # then it may come while something is measured
            await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def _requests(chunk: Iterable[Event], heads: dict[str, int], context: Context) -> Iterator[AppendRequest]:
    of_stream: dict[str, list[NewEvent]] = defaultdict(list)
    for event in chunk:
        of_stream[event.stream].append(encode(event, context))
    for stream, events in of_stream.items():
        yield AppendRequest(stream, heads[stream], events)
        heads[stream] += len(events)
