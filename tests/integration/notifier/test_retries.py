"""No webhook is lost: what fails is posted again, in order, as the same bytes, whoever dies in between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.notifier import delivery
from services.notifier.adapters.errors import TargetAnswerError, TargetSilentError
from services.notifier.adapters.http import Answer
from services.notifier.handlers import Resending, WebhookNotFoundError, notifier_answerer
from services.notifier.projections.webhook_outbox import WEBHOOK_OUTBOX
from services.notifier.projections.webhook_outbox_read import WebhookOutbox
from shared.concurrency.clock import utc_now
from shared.contracts.reply import Accepted
from shared.contracts.webhook import ResendWebhook, WebhookFailed, WebhookTargetDisabled, webhook_id
from shared.eventsourcing.codec import Context
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.projection_runner import rebuild
from shared.messaging.asking import CommandRefusedError, Owners
from shared.messaging.in_process import InProcessBus
from shared.messaging.topology import NOTIFIER_COMMANDS
from tests.integration.notifier.target import (
    Target,
    all_delivered,
    attempts_of,
    create_room,
    notifying,
    outcomes,
    record,
    waiting_is,
)
from tests.integration.projections.keeping import sequencing
from tests.support.eventually import eventually

QUICK = (0.05,) * 12


async def test_what_fails_is_posted_again_until_it_is_delivered_and_the_next_waits_for_it(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    target.before = [500, 404, 302]
    async with sequencing(store), notifying(store, database, QUICK):
        await create_room(store, "r", target.url())
        ids = await record(store, "r")
        await eventually(lambda: all_delivered(store, ids))
    assert target.ids == target.named([ids[0]] * 4 + ids[1:])
    assert target.posted[0] == target.posted[1] == target.posted[2] == target.posted[3]
    assert {each["videosdk-signature"] for each in target.headers[:4]} == {target.headers[0]["videosdk-signature"]}
    assert await attempts_of(store, ids[0], target.url()) == [500, 404, 302, 200]


async def test_what_is_given_up_lets_the_next_go(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    target.before = [500, 500, 500]
    async with sequencing(store), notifying(store, database, (0.05, 0.05)):
        await create_room(store, "r", target.url())
        ids = await record(store, "r")
        await eventually(lambda: all_delivered(store, ids[1:]))
    assert target.ids == target.named([ids[0]] * 3 + ids[1:])


async def test_a_retry_is_posted_when_it_is_due_and_nothing_is_looked_at_before(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with a look every half second instead: it looked six times."""
    looks: list[object] = []
    due = WebhookOutbox.due

    async def counted(*arguments: object) -> object:
        looks.append(arguments)
        return await due(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(WebhookOutbox, "due", counted)
    target.before = [500]
    async with sequencing(store), notifying(store, database, (3.0,)):
        await create_room(store, "r", target.url())
        ids = await record(store, "r", 1)
        await eventually(lambda: outcomes(store))
        await eventually(lambda: waiting_is(database, 1))
        before = len(looks)
        await eventually(lambda: all_delivered(store, ids))
        looked = len(looks) - before
    failed, delivered = await outcomes(store)
    assert isinstance(failed, WebhookFailed)
    assert failed.retry_at
    assert looked <= 4
    assert 0 <= (delivered.at - failed.retry_at).total_seconds() < 20


async def test_a_target_may_say_when_to_come_again(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    target.before, target.answer_headers = [503], {"Retry-After": "7200"}
    async with sequencing(store), notifying(store, database, (0.05,)):
        await create_room(store, "r", target.url())
        await record(store, "r", 1)
        await eventually(lambda: outcomes(store))
    (failed,) = await outcomes(store)
    assert isinstance(failed, WebhookFailed)
    assert failed.retry_at
    assert (failed.retry_at - failed.at).total_seconds() == 7200


async def test_nothing_of_an_answer_but_its_status_is_in_the_log(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    target.before, target.answer_headers = [500], {"x-told": "a secret"}
    async with sequencing(store), notifying(store, database, QUICK):
        await create_room(store, "r", target.url())
        ids = await record(store, "r", 1)
        await eventually(lambda: all_delivered(store, ids))
    stored = [each for each in await store.read_all() if each.stream.startswith("webhook-")]
    assert len(stored) == 2
    assert not any(b"secret" in each.payload for each in stored)


async def test_a_target_that_is_gone_hears_nothing_until_one_is_resent_and_then_everything(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    target.before = [410]
    async with sequencing(store), notifying(store, database, QUICK):
        await create_room(store, "r", target.url())
        ids = await record(store, "r", 3)
        await eventually(lambda: _has(store, WebhookTargetDisabled))
        await eventually(lambda: waiting_is(database, 0))
        assert target.ids == target.named(ids[:1])
        await _resending(store, database).resend(*_asked(target.named(ids)[0]))
        await eventually(lambda: all_delivered(store, ids))
    assert target.ids == target.named([ids[0], *ids])


async def test_what_was_delivered_is_resent_with_the_same_id_and_bytes(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    async with sequencing(store), notifying(store, database):
        await create_room(store, "r", target.url())
        ids = await record(store, "r", 2)
        await eventually(lambda: all_delivered(store, ids))
        await eventually(lambda: waiting_is(database, 0))
        await _resending(store, database).resend(*_asked(target.named(ids)[0]))
        await eventually(lambda: len(target.posted) == 3)
        await eventually(lambda: _attempts_are(store, ids[0], target.url(), 2))
    assert target.posted[2] == target.posted[0]


async def test_the_notifier_is_asked_over_the_bus_and_a_bound_bearer_only_for_its_room(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    bus = InProcessBus()
    owners = Owners(bus, 5)
    async with (
        sequencing(store),
        notifying(store, database),
        bus.answer(NOTIFIER_COMMANDS, notifier_answerer(_resending(store, database))),
    ):
        await create_room(store, "r", target.url())
        ids = await record(store, "r", 1)
        await eventually(lambda: all_delivered(store, ids))
        await eventually(lambda: waiting_is(database, 0))
        (named,) = target.named(ids)
        for webhook, room in ((named, "other"), (uuid4(), None), (uuid4(), "r")):
            command = ResendWebhook(at=utc_now(), webhook_id=webhook, requested_by="server:key", room_id=room)
            assert await _refusal(owners, command) == WebhookNotFoundError.code
        command = ResendWebhook(at=utc_now(), webhook_id=named, requested_by="server:key", room_id="r")
        assert await _refusal(owners, command) is None
        await eventually(lambda: len(target.posted) == 2)


async def test_who_ends_while_posting_writes_down_how_it_went_first(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    """Seen to fail with what is on its way cut off: it was posted twice."""
    target.gate.clear()
    async with sequencing(store):
        async with notifying(store, database):
            await create_room(store, "r", target.url("slow"))
            ids = await record(store, "r", 2)
            await eventually(lambda: target.posted)
            asyncio.get_running_loop().call_later(0.3, target.gate.set)
        assert await attempts_of(store, ids[0], target.url("slow")) == [200]
        async with notifying(store, database):
            await eventually(lambda: all_delivered(store, ids))
    assert target.ids == target.named(ids, "slow")


async def test_a_rebuild_while_posting_posts_nothing_twice(
    database: asyncpg.Pool, store: PostgresEventStore, target: Target
) -> None:
    target.gate.clear()
    async with sequencing(store), notifying(store, database):
        await create_room(store, "r", target.url("slow"))
        ids = await record(store, "r", 2)
        await eventually(lambda: target.posted)
        asyncio.get_running_loop().call_later(0.5, target.gate.set)
        await rebuild(WEBHOOK_OUTBOX, store, database, lambda *_: None)
        await eventually(lambda: all_delivered(store, ids))
    assert target.ids == target.named(ids, "slow")


class _Moody:
    """A target that is reached without a network: it fails in all ways, and is down for a while."""

    def __init__(self, seed: int) -> None:
        self.heard: list[tuple[UUID, bytes]] = []
        #: Those that it answered with success, in order.
        self.taken: list[tuple[str, UUID]] = []
        self._random = random.Random(seed)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.heard.append((UUID(headers["webhook-id"]), body))
        mood = self._random.random()
        await asyncio.sleep(self._random.random() * 0.02)  # as long as a target takes
        if mood < 0.15:
            return Answer(500)
        if mood < 0.25:
            raise TargetSilentError(10)
        if mood < 0.4:
            # It took it, and was cut off before it could say so.
            self.taken.append((url, UUID(headers["webhook-id"])))
            raise TargetAnswerError
        self.taken.append((url, UUID(headers["webhook-id"])))
        return Answer(200)


@pytest.mark.parametrize("seed", range(3))
async def test_whoever_is_killed_whenever_every_webhook_arrives_in_order(
    database: asyncpg.Pool, store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Seen to fail with an attempt that was written down before it was made, and with turns given after failures."""
    chance, target = random.Random(seed), _Moody(seed)
    rooms = {f"r{n}": f"http://target.example/{n}" for n in range(4)}
    ids: dict[str, list[UUID]] = {}
    async with sequencing(store):
        for room, url in rooms.items():
            await create_room(store, room, url)
            ids[room] = await record(store, room, 4)
        for _ in range(6):
            # Killed, or ended in order: then it finishes what is on its way.
            monkeypatch.setattr(delivery, "_END_SECONDS", chance.choice([0, 4]))
            async with notifying(store, database, QUICK * 10, target):
                await asyncio.sleep(chance.random() * 0.3)  # to be ended at any place
        monkeypatch.setattr(delivery, "_END_SECONDS", 4)
        everything = [each for of_room in ids.values() for each in of_room]
        async with notifying(store, database, QUICK * 10, target):
            await eventually(lambda: all_delivered(store, everything), within=40)

    for room, url in rooms.items():
        taken = [webhook for at_url, webhook in target.taken if at_url == url]
        assert list(dict.fromkeys(taken)) == [webhook_id(each, url) for each in ids[room]]
    bodies: dict[UUID, set[bytes]] = {}
    for webhook, body in target.heard:
        bodies.setdefault(webhook, set()).add(body)
    assert all(len(same) == 1 for same in bodies.values())


def _resending(store: PostgresEventStore, pool: asyncpg.Pool) -> Resending:
    return Resending(WebhookOutbox(pool), store)


def _asked(webhook: UUID) -> tuple[UUID, str, datetime, Context]:
    return webhook, "server:key", utc_now(), Context.begin("server:key")


async def _has(store: PostgresEventStore, kind: type[object]) -> bool:
    return any(isinstance(each, kind) for each in await outcomes(store))


async def _attempts_are(store: PostgresEventStore, event_id: UUID, url: str, count: int) -> bool:
    return len(await attempts_of(store, event_id, url)) == count


async def _refusal(owners: Owners, command: ResendWebhook) -> str | None:
    try:
        await owners.ask(command, Context.begin("server:key"), Accepted)
    except CommandRefusedError as error:
        return error.code
    return None
