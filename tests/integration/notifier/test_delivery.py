"""Webhooks are posted in order, soon, and no target holds up another one's."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import asyncpg
import pytest

from services.notifier import delivery, hosts
from services.notifier.payload import payload
from shared.contracts.webhook import WebhookDelivered, WebhookFailed, webhook_stream
from shared.eventsourcing import projection_runner
from shared.eventsourcing.codec import decode
from shared.eventsourcing.postgres import PostgresEventStore
from tests.integration.notifier.target import (
    Target,
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
    monkeypatch.setattr(hosts, "_PER_HOST", 2)
    monkeypatch.setattr(delivery, "_LOOK", 3)
    target.gate.clear()
    slow: list[UUID] = []
    async with sequencing(store), notifying(store, database):
        for n in range(6):
            await create_room(store, f"slow-{n}", target.url("slow", host="localhost"))
            slow += await record(store, f"slow-{n}", 2)
        await eventually(lambda: len(target.ids_at("slow")) == 2)
        await create_room(store, "quick", target.url())
        quick = await record(store, "quick")
        await eventually(lambda: all_told(store, quick))
        assert len(target.ids_at("slow")) == 2
        target.gate.set()
        await eventually(lambda: all_told(store, [*quick, *slow]))
    assert sorted(target.ids_at("slow")) == sorted(target.named(slow, "slow", "localhost"))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/refused", "no connection to 127.0.0.1"),
        ("http://127.0.0.1:port/", "the target's URL is none"),
        ("gopher://127.0.0.1/", "the target's URL is none"),
        ("http://10.1.2.3/", "10.1.2.3 has an address that is not public"),
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
