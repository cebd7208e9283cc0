"""What was kept live of recordings and merges, in whatever pages, is what a rebuild from zero makes."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.projections.recordings import RECORDINGS
from shared.contracts.merge import (
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergeFailed,
    MergeProgressed,
    MergeRequested,
)
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingAwaited,
    ParticipantRecordingDeleted,
    ParticipantRecordingEvent,
    ParticipantRecordingFailed,
    ParticipantRecordingRefused,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    TrackFileFinished,
    TrackRecordingStopped,
)
from shared.contracts.room import ParticipantJoined
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.projection_builds import Build, advance, drop_build
from shared.eventsourcing.projection_runner import rebuild
from tests.integration.projections.keeping import position_of, unwatched
from tests.support.derived import dump
from tests.support.events import append, sequence_all
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at
from tests.support.recorded import merged, posted, recorded

_RECORDED: list[type[ParticipantRecordingEvent]] = [
    ParticipantRecordingRefused,
    ParticipantRecordingAwaited,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopRequested,
    TrackFileFinished,
    ParticipantRecordingStopped,
    TrackRecordingStopped,
    ParticipantRecordingFailed,
    ParticipantRecordingDeleted,
]
_MERGED = [MergeRequested, MergeClaimed, MergeProgressed, MergeCompleted, MergeFailed, MergeCancelled]

#: Makes the next event, of the ids of those before.
_Next = Callable[[list[UUID]], Event]


def _join(name: str) -> Event:
    return ParticipantJoined(at=at(), room_id="r", session_id="s", participant_id="ann", display_name=name, role="user")


_happens: st.SearchStrategy[_Next] = st.one_of(
    st.builds(lambda what, one: lambda _: recorded(what, one), st.sampled_from(_RECORDED), st.sampled_from("ab")),
    st.builds(lambda what, one: lambda _: merged(what, one), st.sampled_from(_MERGED), st.sampled_from("mn")),
    st.builds(lambda name: lambda _: _join(name), st.sampled_from(["Ann", "A."])),
    st.builds(
        lambda n, done, url: (
            lambda ids: posted(ids[n % len(ids)] if ids else UUID(int=1), "t", delivered=done, url=url)
        ),
        st.integers(0, 50),
        st.booleans(),
        st.sampled_from(["https://a/", "https://b/"]),
    ),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(_happens, min_size=5, max_size=30), pages=st.lists(st.integers(1, 9), min_size=1, max_size=6))
async def test_what_was_kept_live_is_what_is_rebuilt_from_zero(
    database: asyncpg.Pool, history: list[_Next], pages: list[int]
) -> None:
    await _forget(database)
    store, ids = InMemoryEventStore(), list[UUID]()
    for happens in history:
        event = happens(ids)
        new = encode(event, Context.begin("service:test"))
        await append(store, event.stream, [new])
        ids.append(new.id)
    await sequence_all(store)
    log = await store.read_all(limit=1000)

    await rebuild(RECORDINGS, InMemoryEventStore(), database, unwatched)
    await _keep(database, log, pages)
    live = await dump(database, "recordings")
    await rebuild(RECORDINGS, store, database, unwatched)

    assert await dump(database, "recordings") == live
    assert await position_of(database, RECORDINGS) == len(log)


async def _keep(pool: asyncpg.Pool, log: list[StoredEvent], pages: list[int]) -> None:
    """Apply the log in pages of these sizes."""
    live, n = Build(RECORDINGS.name, "live", RECORDINGS.version), 0
    async with pool.acquire() as connection:
        while live.position < len(log):
            reading = RECORDINGS.read(log[live.position : live.position + pages[n % len(pages)]])
            live = await advance(connection, RECORDINGS, live, reading.told, reading.position)
            n += 1


async def _forget(pool: asyncpg.Pool) -> None:
    """Begin without a projection: the last example has left one."""
    async with pool.acquire() as connection:
        await drop_build(connection, RECORDINGS)
        await connection.execute("DROP SCHEMA IF EXISTS recordings CASCADE")
        await connection.execute("DELETE FROM projections")
