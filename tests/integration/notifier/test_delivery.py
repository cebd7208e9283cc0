"""Webhooks are posted in order, soon, and no target holds up another one's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from functools import partial
from uuid import UUID

import asyncpg
import pytest

from services.notifier import delivery, places
from services.notifier.adapters.errors import TargetSilentError
from services.notifier.adapters.http import Answer
from services.notifier.payload import payload
from shared.contracts.webhook import WebhookDelivered, WebhookFailed, webhook_stream
from shared.eventsourcing import projection_runner
from shared.eventsourcing.codec import decode
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.postgres import PostgresEventStore
from tests.integration.notifier.target import (
    Target,
    all_delivered,
    all_told,
    create_room,
    notifying,
    outcomes,
    record,
    waiting_is,
)
from tests.integration.projections.keeping import sequencing
from tests.support.eventually import eventually


async def test_what_happens_is_posted_and_the_outcome_names_its_cause(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    async with sequencing(store), notifying(store, database):
        await create_room(store, "r", target.url())
        ids = await record(store, "r")
        await eventually(lambda: all_told(store, ids))
        await eventually(lambda: waiting_is(database, 0))

    log = {stored.id: stored for stored in await store.read_all()}
    said = [payload(decode(log[each])) for each in ids]
    bodies = [each.encode() for each in said if each]
    assert target.posted == list(zip(["hook"] * 3, target.named(ids), bodies, strict=True))
    for each in ids:
        (outcome,) = await store.read(webhook_stream(each, target.url()))
        assert outcome.type == WebhookDelivered.type
        assert (outcome.actor, outcome.causation_id) == ("service:notifier", each)
        assert outcome.correlation_id == log[each].correlation_id


async def test_what_happened_before_the_notifier_came_is_posted_when_it_comes(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    """No queue is asked for it: what nobody had heard of was lost when its queue was."""
    async with sequencing(store):
        await create_room(store, "r", target.url())
        ids = await record(store, "r")
        async with notifying(store, database):
            await eventually(lambda: all_told(store, ids))
    assert target.ids == target.named(ids)


class SeenStore(PostgresEventStore):
    """Tells which streams were read."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.read_streams: list[str] = []

    async def read(self, stream: str, after: int = 0) -> list[StoredEvent]:
        self.read_streams.append(stream)
        return await super().read(stream, after)


async def test_the_stream_of_a_webhook_is_read_once_for_each_attempt(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    """Seen to fail with what was read to post it forgotten when it is written down."""
    seen = SeenStore(database)
    async with sequencing(store), notifying(seen, database):
        await create_room(store, "r", target.url())
        ids = await record(store, "r")
        await eventually(lambda: all_told(store, ids))
    assert seen.read_streams == [webhook_stream(each, target.url()) for each in ids]


async def test_rooms_without_a_webhook_are_told_nothing(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    async with sequencing(store), notifying(store, database):
        await create_room(store, "quiet", None)
        await record(store, "quiet")
        await create_room(store, "r", target.url())
        ids = await record(store, "r", 1)
        await eventually(lambda: all_told(store, ids))
    assert target.ids == target.named(ids)
    assert len(await outcomes(store)) == 1


async def test_the_first_attempt_needs_no_look_from_time_to_time(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with delivery not told that the outbox has changed."""
    monkeypatch.setattr(projection_runner, "_POLL_SECONDS", 60)
    monkeypatch.setattr(delivery, "_RETRY_SECONDS", 60)
    async with sequencing(store), notifying(store, database):
        ids: list[UUID] = []
        for room in "abc":
            await create_room(store, room, target.url())
            ids += await record(store, room)
            await eventually(partial(all_told, store, ids), within=5)


async def test_the_webhooks_of_a_session_wait_for_each_other(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    """Seen to fail with each webhook posted by a task of its own."""
    target.gate.clear()
    async with sequencing(store), notifying(store, database):
        await create_room(store, "r", target.url("slow"))
        await create_room(store, "other", target.url())
        ids = await record(store, "r")
        await eventually(lambda: target.ids_at("slow"))
        others = await record(store, "other")
        await eventually(lambda: all_told(store, others))
        assert target.ids_at("slow") == target.named(ids[:1], "slow")
        target.gate.set()
        await eventually(lambda: all_told(store, [*others, *ids]))
    assert target.ids_at("slow") == target.named(ids, "slow")


async def test_a_host_that_does_not_answer_holds_up_its_own_rooms_alone(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail without the bound for each host: the slow ones had all places."""
    monkeypatch.setattr(delivery, "AT_ONCE", 4)
    monkeypatch.setattr(places, "_PER_HOST", 2)
    monkeypatch.setattr(delivery, "_LOOK", 3)
    target.gate.clear()
    slow: list[UUID] = []
    named: list[UUID] = []
    async with sequencing(store), notifying(store, database):
        for n in range(6):
            path = f"slow-{n}"
            await create_room(store, path, target.url(path, host="localhost"))
            ids = await record(store, path, 2)
            slow, named = [*slow, *ids], [*named, *target.named(ids, path, "localhost")]
        await eventually(lambda: len(target.posted) == 2)
        await create_room(store, "quick", target.url())
        quick = await record(store, "quick")
        await eventually(lambda: all_told(store, quick))
        assert len(target.posted) == 2 + 3
        target.gate.set()
        await eventually(lambda: all_told(store, [*quick, *slow]))
    assert sorted(target.ids) == sorted([*named, *target.named(quick)])


async def test_a_target_that_hangs_does_not_hold_up_another_one_of_its_host(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    """Seen to fail with a bound for each host alone: the dead one had all places of its host."""
    target.gate.clear()
    async with sequencing(store):
        for n in range(40):
            await create_room(store, f"dead-{n}", target.url("slow"))
            await record(store, f"dead-{n}", 1)
        await create_room(store, "alive", target.url("alive"))
        alive = await record(store, "alive", 3)
        async with notifying(store, database):
            await eventually(lambda: all_told(store, alive))
            assert len(target.ids_at("slow")) == 24
            target.gate.set()


class _Host:
    """One host with targets that answer, and dead ones: those fail twice, and hang whenever they are asked again."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.under_way: Counter[str] = Counter()
        #: How many it had to hang at the same time, for one of the dead and for all of them.
        self.most_to_one = self.most_together = 0
        self.over = asyncio.Event()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if "dead" not in url:
            return Answer(200)
        self.asked[url] += 1
        if self.asked[url] > 2:
            await self._hang(url)
        raise TargetSilentError(10)

    async def _hang(self, url: str) -> None:
        self.under_way[url] += 1
        self.most_to_one = max(self.most_to_one, self.under_way[url])
        self.most_together = max(self.most_together, self.under_way.total())
        await self.over.wait()
        self.under_way[url] -= 1


async def test_targets_that_are_dead_have_one_connection_each_and_few_together(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    host = _Host()
    async with sequencing(store), notifying(store, database, (0.05,) * 2, host):
        for n in range(40):
            for order in "ab":
                room = f"dead-{n}-{order}"
                await create_room(store, room, f"https://hooks.example/dead-{n}")
                await record(store, room, 1)
        await eventually(lambda: host.under_way.total() == 16)
        await create_room(store, "alive", "https://hooks.example/alive")
        alive = await record(store, "alive", 3)
        await eventually(lambda: all_delivered(store, alive))
        host.over.set()
    assert (host.most_to_one, host.most_together) == (1, 16)


class _Failing:
    """A target that is asked by six at once, and fails from then on."""

    def __init__(self) -> None:
        self.asked = self.under_way = self.most_later = 0
        self.six = asyncio.Event()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.asked += 1
        if self.asked > 6:
            self.under_way += 1
            self.most_later = max(self.most_later, self.under_way)
            await asyncio.sleep(0.02)  # as long as a target takes
            self.under_way -= 1
        elif self.asked == 6:
            self.six.set()
        await self.six.wait()
        return Answer(500)


async def test_those_that_are_under_way_when_a_target_fails_do_not_go_on_asking_it_all_at_once(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """Seen to fail with orders that go on by themselves when one is given up: six asked at the same time."""
    host, ids = _Failing(), list[UUID]()
    async with sequencing(store):
        for n in range(6):
            await create_room(store, f"r{n}", "https://hooks.example/hook")
            ids += await record(store, f"r{n}", 3)
        async with notifying(store, database, poster=host):
            await eventually(lambda: all_told(store, ids))
    assert host.most_later == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/refused", "no connection to 127.0.0.1"),
        ("http://127.0.0.1:port/", "the target's URL is none"),
        ("gopher://127.0.0.1/", "the target's URL is none"),
        ("http://10.1.2.3/", "10.1.2.3 is an address that is not public"),
    ],
)
async def test_a_target_that_cannot_be_reached_is_a_failure_and_the_next_is_tried(
    database: asyncpg.Pool, store: PostgresEventStore, url: str, reason: str
) -> None:
    async with sequencing(store), notifying(store, database):
        await create_room(store, "r", url)
        ids = await record(store, "r")
        await eventually(lambda: all_told(store, ids))
    for outcome in await outcomes(store):
        assert isinstance(outcome, WebhookFailed)
        assert outcome.reason.startswith(reason)
