"""What was kept live, page by page and through faults, is what a rebuild from zero makes: byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.consent.projections.consent_register import CONSENT_REGISTER
from services.consent.projections.consent_register_read import may_be_recorded
from services.notifier.domain.webhook import WEBHOOK, ReportAttempt
from services.notifier.payload import payload
from services.notifier.projections.webhook_outbox import WEBHOOK_OUTBOX
from services.recorder.media.gate import Gate
from shared.contracts.consent import ConsentEvent, ConsentGiven
from shared.contracts.message import Event
from shared.contracts.room import RoomCreated
from shared.contracts.webhook import webhook_stream
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.projection import Projection, ProjectionFailedError, Told
from shared.eventsourcing.projection_builds import Build, advance, drop_build
from shared.eventsourcing.projection_runner import rebuild
from tests.integration.projections.keeping import position_of
from tests.support.derived import dump
from tests.support.events import append, sequence_all
from tests.support.in_memory import InMemoryEventStore
from tests.support.moments import at
from tests.support.simulated_meeting import SimulatedMeeting

Step = Callable[[SimulatedMeeting], None]

_URL = "http://target.example/hook"


def _pass_time(seconds: float) -> Step:
    def step(meeting: SimulatedMeeting) -> None:
        meeting.second = max(0, meeting.second + seconds)

    return step


_people = st.sampled_from(["ann", "bob"])
_steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(lambda who: lambda meeting: meeting.join(who), _people),
    st.builds(lambda who: lambda meeting: meeting.leave(who), _people),
    st.builds(lambda who, yes: lambda meeting: meeting.say(who, consent=yes), _people, st.booleans()),
    st.builds(lambda who: lambda meeting: meeting.begin_file(who), _people),
    st.builds(lambda who: lambda meeting: meeting.finish_file(who), _people),
    st.sampled_from([SimulatedMeeting.start, SimulatedMeeting.stop, SimulatedMeeting.confirm]),
    st.just(lambda meeting: meeting.settle(1)),
    # Back as well: the words of several gateways come out of order.
    st.builds(_pass_time, st.sampled_from([-2, -1, 1, 2, 6])),
)
_OPENING: list[Step] = [
    lambda meeting: meeting.join("ann"),
    lambda meeting: meeting.join("bob"),
    lambda meeting: meeting.say("ann", consent=True),
    SimulatedMeeting.start,
    SimulatedMeeting.confirm,
    lambda meeting: meeting.settle(1),
]


@st.composite
def _histories(draw: st.DrawFn) -> list[Event]:
    meeting = SimulatedMeeting()
    for step in [*_OPENING, *draw(st.lists(_steps, min_size=5, max_size=40))]:
        step(meeting)
        meeting.second += 0.25
    return meeting.log


#: Sizes of pages, and whether their transaction is cut off at first.
_pages = st.lists(st.tuples(st.integers(1, 7), st.booleans()), min_size=1, max_size=8)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=_histories(), pages=_pages, outcomes=st.lists(st.integers(0, 5), min_size=1, max_size=8))
async def test_what_was_kept_live_is_what_is_rebuilt_from_zero(
    database: asyncpg.Pool, history: list[Event], pages: list[tuple[int, bool]], outcomes: list[int]
) -> None:
    await _forget(database)
    store = InMemoryEventStore()
    await _record(store, history, outcomes)
    log = await store.read_all(limit=10_000)
    for projection in (CONSENT_REGISTER, WEBHOOK_OUTBOX):
        await rebuild(projection, InMemoryEventStore(), database, lambda *_: None)
        await _keep(database, projection, log, pages)
        live = await dump(database, projection.name)
        assert await position_of(database, projection) == len(log)

        await rebuild(projection, store, database, lambda *_: None)

        assert await dump(database, projection.name) == live
        assert await position_of(database, projection) == len(log)
    await _assert_register_is_gate(database, history)
    await _assert_outbox_holds_what_has_no_outcome(database, log)


async def _forget(pool: asyncpg.Pool) -> None:
    """Begin without projections: the last example has left some."""
    async with pool.acquire() as connection:
        for projection in (CONSENT_REGISTER, WEBHOOK_OUTBOX):
            await drop_build(connection, projection)
            await connection.execute(f"DROP SCHEMA IF EXISTS {projection.name} CASCADE")
        await connection.execute("DELETE FROM projections")


async def _record(store: InMemoryEventStore, history: Iterable[Event], outcomes: list[int]) -> None:
    """Write a history into the log, and the outcome of each webhook some events after what it tells."""
    due: list[tuple[int, Event]] = []
    for n, event in enumerate(history):
        told = event.model_copy(update={"webhook_url": _URL}) if isinstance(event, RoomCreated) else event
        event_id = await _append(store, told)
        # 0: its outcome does not come to the log in time.
        if payload(event) and (wait := outcomes[n % len(outcomes)]):
            status = 200 if wait % 2 else 500
            attempt = ReportAttempt(
                "r", event_id, _URL, "webhook", at(n), attempt=1, body="{}", duration_ms=1, status=status
            )
            due += [(n + wait, outcome) for outcome in WEBHOOK.decide(WEBHOOK.initial, attempt)]
        for when, outcome in [each for each in due if each[0] <= n]:
            await _append(store, outcome)
            due.remove((when, outcome))


async def _append(store: InMemoryEventStore, event: Event) -> UUID:
    new = encode(event, Context.begin("service:test"))
    await append(store, event.stream, [new])
    await sequence_all(store)
    return new.id


async def _keep(
    pool: asyncpg.Pool, projection: Projection, log: list[StoredEvent], pages: list[tuple[int, bool]]
) -> None:
    """Apply the log in pages of these sizes; some are cut off between their rows and their end, and come again."""
    live, n = Build(projection.name, "live", projection.version), 0
    async with pool.acquire() as connection:
        while live.position < len(log):
            size, is_cut_off = pages[n % len(pages)]
            reading = projection.read(log[live.position : live.position + size])
            if is_cut_off and reading.told:
                await _cut_off(connection, projection, live, reading.told, reading.position)
            live = await advance(connection, projection, live, reading.told, reading.position)
            n += 1


async def _cut_off(
    connection: asyncpg.Connection, projection: Projection, live: Build, told: list[Told], position: int
) -> None:
    async def apply(connection: asyncpg.Connection, told: object) -> None:
        await projection.apply(connection, told)  # type: ignore[arg-type]
        await connection.execute("SELECT 1 / 0")

    with pytest.raises(ProjectionFailedError, match="division by zero"):
        await advance(connection, replace(projection, apply=apply), live, told, position)


async def _assert_register_is_gate(pool: asyncpg.Pool, history: list[Event]) -> None:
    words = [event for event in history if isinstance(event, ConsentEvent)]
    for who in ("ann", "bob"):
        gate = Gate()
        gate.say("presence", 0, holds=True)
        own = [word for word in words if word.participant_id == who]
        for word in own:
            gate.say("consent", _ns(word), holds=isinstance(word, ConsentGiven))
        for word in own:
            assert await may_be_recorded(pool, "s", who, word.at) is gate.permits(_ns(word), _ns(word))


def _ns(word: ConsentEvent) -> int:
    return round((word.at - at(-1)).total_seconds() * 1e9)


async def _assert_outbox_holds_what_has_no_outcome(pool: asyncpg.Pool, log: list[StoredEvent]) -> None:
    """Not by the projection's own means: with the deciders' states."""
    attempted = {stored.stream for stored in log if stored.stream.startswith("webhook-")}
    expected = [
        (stored.id, stored.global_position)
        for stored in log
        if payload(decode(stored)) and webhook_stream(stored.id, _URL) not in attempted
    ]
    rows = await pool.fetch(
        "SELECT event_id, global_position FROM webhook_outbox.webhooks WHERE state = 'pending' ORDER BY 2"
    )
    assert [tuple(row) for row in rows] == expected
