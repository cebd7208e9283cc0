"""Whatever ends in between, a webhook is posted, and its outcome is in the log once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import UUID

import asyncpg
import pytest

from services.notifier import delivery
from services.notifier.projections.webhook_outbox import WEBHOOK_OUTBOX
from shared.contracts.webhook import webhook_stream
from shared.eventsourcing import projection_runner
from shared.eventsourcing.errors import ConcurrencyConflictError, EventSourcingError, LogUnavailableError
from shared.eventsourcing.event import NewEvent, StoredEvent
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.projection_runner import rebuild
from tests.integration.notifier.target import (
    Target,
    all_told,
    create_room,
    head_is,
    is_told,
    notifying,
    record,
    waiting,
    waiting_is,
)
from tests.integration.projections.keeping import administrating, sequencing
from tests.support.events import open_log
from tests.support.eventually import eventually


class _Store(PostgresEventStore):
    """A log in which outcomes cannot be written for a while, and which remembers what was asked of it."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.refusals: list[EventSourcingError] = []
        self.asked_for: list[str] = []
        self.hangs = asyncio.Event()
        self.hung = asyncio.Event()
        self.hangs.set()

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        if stream.startswith("webhook-"):
            self.hung.set()
            await self.hangs.wait()
            if self.refusals:
                raise self.refusals.pop()
        return await super().append(stream, expected, events)

    async def read(self, stream: str, after: int = 0) -> list[StoredEvent]:
        self.asked_for.append(stream)
        return await super().read(stream, after)


async def test_who_is_killed_between_posting_and_writing_it_down_posts_it_again_with_the_same_id(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_END_SECONDS", 0)
    dying = _Store(database)
    dying.hangs.clear()
    async with sequencing(store):
        async with notifying(dying, database):
            await create_room(store, "r", target.url())
            ids = await record(store, "r")
            await dying.hung.wait()
        assert target.ids == target.named(ids[:1])
        async with notifying(store, database):
            await eventually(lambda: all_told(store, ids))
    assert target.ids == target.named([ids[0], *ids])
    assert target.posted[0] == target.posted[1]


@pytest.mark.parametrize(
    ("error", "times"),
    [(LogUnavailableError("the test said so"), 2), (ConcurrencyConflictError("webhook-x", 0, 1), 25)],
    ids=["away", "crowded"],
)
async def test_while_an_outcome_cannot_be_written_down_it_is_kept_and_nothing_is_posted_again(
    database: asyncpg.Pool, target: Target, error: EventSourcingError, times: int
) -> None:
    """Seen to fail with the webhook taken up anew after a refused append."""
    store = _Store(database)
    store.refusals = [error] * times
    async with sequencing(store), notifying(store, database):
        await create_room(store, "r", target.url())
        ids = await record(store, "r", 2)
        await eventually(lambda: all_told(store, ids))
    assert target.ids == target.named(ids)


async def test_what_was_told_but_is_not_sequenced_yet_is_not_posted_again(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    """Seen to fail without the look at the webhook's own stream: the outbox does not know of the outcome yet."""
    async with sequencing(store):
        await create_room(store, "r", target.url())
        ids = await record(store, "r", 1)
        await eventually(lambda: head_is(store, 2))
    for _ in range(3):
        asked = _Store(database)
        async with notifying(asked, database):
            await eventually(lambda asked=asked: webhook_stream(ids[0], target.url()) in asked.asked_for)  # type: ignore[misc]
            await eventually(lambda: is_told(store, ids[0], target.url()))
        assert target.ids == target.named(ids)
        assert await waiting(database) == 1


async def test_a_rebuild_posts_nothing_again(database: asyncpg.Pool, store: PostgresEventStore, target: Target) -> None:
    """Seen to fail with outcomes that take no row away."""
    ids: list[UUID] = []
    async with sequencing(store), notifying(store, database):
        for n in range(6):
            await create_room(store, f"r{n}", target.url())
            ids += await record(store, f"r{n}")
            # One that is on its way during the swap may be posted twice, with the same id: not what this is about.
            await eventually(partial(all_told, store, ids))
            await rebuild(WEBHOOK_OUTBOX, store, database, lambda *_: None)
        assert await waiting(database) == 0
        late = await record(store, "r0", 4)
        await eventually(lambda: all_told(store, [*ids, *late]))
    assert sorted(target.ids) == sorted(target.named([*ids, *late]))


async def test_the_first_build_on_a_log_that_knows_outcomes_posts_nothing_again(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sequencing(store), notifying(store, database):
        await create_room(store, "r", target.url())
        ids = await record(store, "r")
        await eventually(lambda: all_told(store, ids))
    monkeypatch.setattr(projection_runner, "_PAGE", 1)
    await database.execute("DROP SCHEMA webhook_outbox CASCADE; DELETE FROM projections")

    async with sequencing(store), notifying(store, database):
        later = await record(store, "r", 4)
        await eventually(lambda: all_told(store, [*ids, *later]))
    assert target.ids == target.named([*ids, *later])


async def test_of_two_notifiers_one_posts_and_when_it_dies_the_other_goes_on(
    database_url: str,
    database: asyncpg.Pool,
    store: PostgresEventStore,
    target: Target,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen to fail with delivery in every process: what one was waiting for, the other posted again."""
    monkeypatch.setattr(delivery, "_RETRY_SECONDS", 0.01)
    told: list[UUID] = []
    named: list[UUID] = []
    async with (
        open_log(database_url) as pool,
        sequencing(store),
        notifying(store, database),
        notifying(PostgresEventStore(pool), pool),
        administrating(database_url) as administrator,
    ):
        for n in range(4):
            target.gate.clear()
            await create_room(store, f"slow{n}", target.url("slow"))
            await create_room(store, f"r{n}", target.url())
            slow = await record(store, f"slow{n}", 1)
            told += await record(store, f"r{n}")
            await eventually(partial(all_told, store, told))
            assert target.ids_at("slow")[n:] == target.named(slow, "slow")
            target.gate.set()
            named += [*target.named(slow, "slow"), *target.named(told[-3:])]
            told += slow
            await eventually(partial(all_told, store, told))
            await eventually(lambda: waiting_is(database, 0))
            await administrator.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
            )
    assert sorted(target.ids) == sorted(named)


async def test_an_unreachable_database_is_waited_out(
    database_url: str, store: PostgresEventStore, database: asyncpg.Pool, target: Target
) -> None:
    async with sequencing(store), notifying(store, database), administrating(database_url) as administrator:
        await create_room(store, "r", target.url())
        ids = await record(store, "r")
        for _ in range(5):
            await administrator.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()"""
            )
            await asyncio.sleep(0.02)  # so that it comes at several places
        await eventually(partial(all_told, store, ids))
    assert list(dict.fromkeys(target.ids)) == target.named(ids)
