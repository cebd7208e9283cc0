"""A webhook target that can be slow, and the means to make something happen that it is told of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_network
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from fastapi import FastAPI, Request, Response

from services.notifier.adapters.http import HttpPoster
from services.notifier.delivery import AT_ONCE, Delivery
from services.notifier.domain.retries import Retries
from services.notifier.posting import Attempts, Poster
from services.notifier.projections.webhook_outbox import WEBHOOK_OUTBOX
from services.notifier.projections.webhook_outbox_read import WebhookOutbox
from services.notifier.signing import Signer
from shared.concurrency.clock import utc_now
from shared.concurrency.supervision import supervised
from shared.contracts.message import Event
from shared.contracts.recording import RecordingFailed, RecordingRequested, RecordingStarted, RecordingStopped
from shared.contracts.room import RoomCreated
from shared.contracts.webhook import WebhookDelivered, WebhookEvent, WebhookFailed, webhook_id, webhook_stream
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.projection_runner import ProjectionRunner
from shared.eventsourcing.store import EventStore
from shared.runtime.http import serving
from shared.runtime.signing_keys import SigningKey
from tests.integration.projections.keeping import build_of
from tests.support.events import append
from tests.support.eventually import eventually
from tests.support.moments import at

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
SECRET = b"a secret of thirty-two bytes ..."


@cache
def signing_key() -> SigningKey:
    return SigningKey(generate_private_key(public_exponent=65537, key_size=2048))


@dataclass(slots=True)
class Target:
    """Answers with `status`, once its gate is open."""

    port: int = 0
    status: int = 200
    #: Statuses to answer with before, in turn.
    before: list[int] = field(default_factory=list)
    answer_headers: dict[str, str] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    #: Path, id and body of what came, as it came.
    posted: list[tuple[str, UUID, bytes]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def url(self, path: str = "hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{path}"

    @property
    def ids(self) -> list[UUID]:
        return [webhook_id for _, webhook_id, _ in self.posted]

    def ids_at(self, path: str) -> list[UUID]:
        return [webhook_id for there, webhook_id, _ in self.posted if there == path]

    def named(self, events: Iterable[UUID], path: str = "hook", host: str = "127.0.0.1") -> list[UUID]:
        """Return the ids of the webhooks that tell this target of the events."""
        return [webhook_id(event, self.url(path, host)) for event in events]


@asynccontextmanager
async def serving_target() -> AsyncIterator[Target]:
    target = Target()
    target.gate.set()
    app = FastAPI()

    @app.post("/{path}")
    async def hook(path: str, request: Request) -> Response:
        target.posted.append((path, UUID(request.headers["webhook-id"]), await request.body()))
        target.headers.append(dict(request.headers))
        if path.startswith("slow"):
            await target.gate.wait()
        status = target.before.pop(0) if target.before else target.status
        return Response(status_code=status, headers=target.answer_headers)

    async with serving(app, "127.0.0.1", 0) as target.port:
        yield target
        target.gate.set()


@asynccontextmanager
async def notifying(
    store: EventStore, pool: asyncpg.Pool, retries: tuple[float, ...] = (), poster: Poster | None = None
) -> AsyncIterator[ProjectionRunner]:
    """Run a notifier, as its bootstrap does; without retries an attempt that fails is the last."""
    own = HttpPoster(LOOPBACK, AT_ONCE)
    attempts = Attempts(poster or own, Signer(signing_key(), (SECRET,)), Retries(retries), utc_now, None)
    runner = ProjectionRunner(WEBHOOK_OUTBOX, store, pool, Delivery(WebhookOutbox(pool), store, attempts, utc_now).run)
    try:
        async with supervised(runner.run()):
            await eventually(lambda: build_of(pool, WEBHOOK_OUTBOX))
            yield runner
    finally:
        await own.close()


async def create_room(store: EventStore, room_id: str, url: str | None) -> None:
    await happen(store, RoomCreated(at=at(), room_id=room_id, webhook_url=url))


async def record(store: EventStore, room_id: str, count: int = 3) -> list[UUID]:
    """Let a recording go its way in the room's session, up to three events; return their ids."""
    about = {"at": at(1), "room_id": room_id, "session_id": f"session-{room_id}", "recording_id": f"rec-{room_id}"}
    happened: list[Event] = [
        RecordingRequested(**about, requested_by="ann"),
        RecordingStarted(**about, worker_id="w"),
        RecordingStopped(**about, reason="requested"),
        RecordingFailed(**about, reason="none"),
    ]
    return [await happen(store, event) for event in happened[:count]]


async def happen(store: EventStore, event: Event) -> UUID:
    new = encode(event, Context.begin("service:test"))
    await append(store, event.stream, [new])
    return new.id


async def outcomes(store: EventStore) -> list[WebhookEvent]:
    """What is in the log about webhooks, in order."""
    events = [decode(stored) for stored in await store.read_all(limit=10_000)]
    return [event for event in events if isinstance(event, WebhookEvent)]


async def waiting(pool: asyncpg.Pool) -> int:
    """How many webhooks of the outbox are still to be posted."""
    count: int = await pool.fetchval("SELECT count(*) FROM webhook_outbox.webhooks WHERE state = 'pending'")
    return count


async def all_told(store: EventStore, ids: list[UUID]) -> bool:
    """Whether these have their outcome, each once."""
    try:
        told = [outcome.event_id for outcome in await outcomes(store)]
    except LogUnavailableError:
        return False
    assert len(set(told)) == len(told)
    return sorted(told) == sorted(ids)


async def all_delivered(store: EventStore, ids: Iterable[UUID]) -> bool:
    """Whether these were delivered, each once, whatever came before."""
    told = [outcome.event_id for outcome in await outcomes(store) if isinstance(outcome, WebhookDelivered)]
    assert len(set(told)) == len(told)
    return sorted(told) == sorted(ids)


async def attempts_of(store: EventStore, event_id: UUID, url: str) -> list[int | None]:
    """The statuses of all attempts, in order."""
    happened = [decode(stored) for stored in await store.read(webhook_stream(event_id, url))]
    return [event.status for event in happened if isinstance(event, WebhookDelivered | WebhookFailed)]


async def is_told(store: EventStore, event_id: UUID, url: str) -> bool:
    return len(await store.read(webhook_stream(event_id, url))) == 1


async def head_is(store: EventStore, position: int) -> bool:
    return await store.head() == position


async def waiting_is(pool: asyncpg.Pool, count: int) -> bool:
    return await waiting(pool) == count
