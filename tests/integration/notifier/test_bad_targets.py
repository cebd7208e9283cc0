"""Whatever a target's URL is and whatever it answers, it stops nobody: seen to fail with the whole service down."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg
import pytest

from services.notifier.adapters.http import Answer
from services.notifier.delivery import AT_ONCE
from shared.contracts.webhook import WebhookFailed, webhook_stream
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
)
from tests.integration.projections.keeping import sequencing
from tests.support.eventually import eventually


class _Broken:
    """A poster with a fault: it raises what nobody foresaw for one target, and posts to the others."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if url.endswith("/bad"):
            raise RuntimeError("a secret")
        return Answer(200)


async def test_a_poster_that_raises_what_nobody_foresaw_stops_nobody(
    database: asyncpg.Pool, store: PostgresEventStore
) -> None:
    async with sequencing(store), notifying(store, database, poster=_Broken()):
        await create_room(store, "bad", "https://hooks.example/bad")
        await create_room(store, "good", "https://hooks.example/good")
        bad, good = await record(store, "bad"), await record(store, "good")
        await eventually(lambda: all_told(store, [*bad, *good]))
    failed = [each for each in await outcomes(store) if isinstance(each, WebhookFailed)]
    assert sorted(each.event_id for each in failed) == sorted(bad)
    assert {each.reason for each in failed} == {"it could not be posted to this target"}


@pytest.mark.parametrize(
    "url",
    [
        "https://xn--a/hook",
        "http://xn--/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:-1/",
        "http://127.0.0.1:99999/",
        "https://.localhost/",
        "Your Webhook URL",
    ],
)
async def test_a_url_that_cannot_be_posted_to_is_given_up_at_once_and_stops_nobody(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target, url: str
) -> None:
    async with sequencing(store), notifying(store, database, (3600,)):
        await create_room(store, "bad", url)
        await create_room(store, "good", target.url())
        ids = [*await record(store, "bad"), *await record(store, "good")]
        await eventually(lambda: all_told(store, ids))
    assert target.ids == target.named(ids[3:])
    failed = [each for each in await outcomes(store) if isinstance(each, WebhookFailed)]
    assert {(each.reason[:24], each.retry_at) for each in failed} == {("the target's URL is none", None)}


async def test_a_date_that_there_cannot_be_stops_nobody(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    target.before = [503]
    target.answer_headers = {"Retry-After": "Mon, 01 Jan 99999999999 00:00:00 GMT"}
    async with sequencing(store), notifying(store, database, (0.05,)):
        await create_room(store, "r", target.url())
        ids = await record(store, "r", 2)
        await eventually(lambda: all_delivered(store, ids))
    assert target.ids == target.named([ids[0], *ids])


class _Unreadable(PostgresEventStore):
    """A log in which the streams of some webhooks cannot be read, in a way that nobody foresaw."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.bad: set[str] = set()
        self.tried = 0

    async def read(self, stream: str, after: int = 0) -> list[StoredEvent]:
        if stream in self.bad:
            self.tried += 1
            raise RuntimeError("it cannot be read")
        return await super().read(stream, after)


async def test_orders_that_cannot_be_told_rest_and_take_no_place_from_others(
    database: asyncpg.Pool, target: Target
) -> None:
    """There are more of them than places, all of them due before the others, at the same target."""
    store = _Unreadable(database)
    async with sequencing(store):
        for n in range(AT_ONCE + 10):
            await create_room(store, f"bad-{n}", target.url())
            (bad,) = await record(store, f"bad-{n}", 1)
            store.bad.add(webhook_stream(bad, target.url()))
        await create_room(store, "good", target.url())
        good = await record(store, "good")
        async with notifying(store, database):
            await eventually(lambda: all_told(store, good))
    assert store.tried == AT_ONCE + 10
