"""From commit to first attempt: how long a target waits to be told of what is in the log.

Log, sequencer, notifier and target are in this one process, as in `onrecord up`, with the database beside them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from services.bench.conditions import conditions
from services.bench.figures import Baseline, Figure, Goal, Percentiles
from services.bench.ground import Log, open_ground
from services.bench.presenting import Result, Say
from services.bench.sequencing import sequencing
from services.bench.webhooks.receiver import Receiver, receiving
from services.bench.webhooks.scale import Scale
from services.notifier.adapters.http import HttpPoster
from services.notifier.delivery import AT_ONCE, Delivery
from services.notifier.domain.retries import Retries
from services.notifier.posting import Attempts
from services.notifier.projections.webhook_outbox import WEBHOOK_OUTBOX
from services.notifier.projections.webhook_outbox_read import WebhookOutbox
from services.notifier.signing import Signer
from shared.concurrency.clock import utc_now
from shared.concurrency.supervision import supervised
from shared.contracts.participant_recording import ParticipantRecordingStarted
from shared.contracts.room import RoomCreated
from shared.contracts.webhook import webhook_id
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.projection_runner import ProjectionRunner
from shared.runtime.collector import collect_seldom
from shared.runtime.settings import Settings
from shared.runtime.signing_keys import SigningKey

_LOOPBACK = (ip_network("127.0.0.0/8"),)
_ROOM = "bench"
#: How long is waited for the last one, and how often it is looked for.
_PATIENCE_SECONDS = 60
_POLL_SECONDS = 0.05
_BEGIN_SECONDS = 0.5
_WHAT = "{rate}/s, p99"

#: Tells the target of an event that was just written, beside the log.
Tell = Callable[[UUID], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Round:
    #: When each webhook's event was committed, by the webhook's id.
    committed: dict[str, float]
    heard: dict[str, float]
    posts: int

    def times(self) -> list[float]:
        """Return the seconds from commit to first attempt; one that never came took for ever."""
        return [max(0.0, self.heard.get(each, float("inf")) - committed) for each, committed in self.committed.items()]


async def measure_webhooks(settings: Settings, scale: Scale, seed: int, say: Say) -> Result:
    """Return the conditions and the figures. Raises StartupError and EventSourcingError."""
    say("Preparing …")
    async with open_ground(settings) as ground:
        collect_seldom()  # as every service does once it runs
        told = {**await conditions(ground, seed), "recordings": scale.recordings, "seconds": scale.seconds}
        say(f"webhooks: {scale.count:,} by the notifier")
        async with ground.log() as log, receiving() as target, _notifying(log):
            ours = await _round(log, target, scale, None)
        say(f"webhooks: {scale.count:,} by a bare poster")
        async with ground.log() as log, receiving() as target, _posting() as poster:
            tell = _bare(poster, target)
            bare = await _round(log, target, scale, tell)
    return told, [_figure(scale, ours, bare)]


@asynccontextmanager
async def _posting() -> AsyncIterator[HttpPoster]:
    poster = HttpPoster(_LOOPBACK, AT_ONCE)
    try:
        yield poster
    finally:
        await poster.close()


@asynccontextmanager
async def _notifying(log: Log) -> AsyncIterator[None]:
    """Run the notifier until everything is told."""
    signer = Signer(SigningKey(generate_private_key(public_exponent=65537, key_size=2048)), (b"bench" * 6,))
    async with _posting() as poster:
        attempts = Attempts(poster, signer, Retries(()), utc_now, None)
        delivery = Delivery(WebhookOutbox(log.pool), log.store, attempts, utc_now)
        runner = ProjectionRunner(WEBHOOK_OUTBOX, log.store, log.pool, delivery.run)
        async with sequencing(log.store), supervised(runner.run()):
            yield


def _bare(poster: HttpPoster, target: Receiver) -> Tell:
    """Post as soon as the append returns: unsigned, unordered, and lost if it fails."""

    async def tell(event_id: UUID) -> object:
        headers = {"content-type": "application/json", "webhook-id": str(webhook_id(event_id, target.url))}
        return await poster.post(target.url, b'{"webhookType":"participant-recording-started"}', headers)

    return tell


async def _round(log: Log, target: Receiver, scale: Scale, tell: Tell | None) -> _Round:
    """Append at the rate, whatever becomes of the webhooks, and see when they arrive."""
    room = RoomCreated(at=datetime.now(UTC), room_id=_ROOM, webhook_url=target.url)
    await log.store.append(room.stream, 0, [encode(room, Context.begin("bench"))])
    committed: dict[str, float] = {}
    # Where an append takes longer than it is until the next one to its stream, that one waits.
    turns = [asyncio.Lock() for _ in range(scale.recordings)]

    async def happen(number: int) -> None:
        event = _event(number, scale)
        new = encode(event, Context.begin("bench"))
        async with turns[number % scale.recordings]:
            await log.store.append(event.stream, number // scale.recordings, [new])
        committed[str(webhook_id(new.id, target.url))] = time.monotonic()
        if tell:
            await tell(new.id)

    begin = time.monotonic() + _BEGIN_SECONDS
    async with asyncio.TaskGroup() as group:
        for number in range(scale.count):
            await asyncio.sleep(begin + number / scale.rate - time.monotonic())
            group.create_task(happen(number))
    await _all_heard(target, committed)
    return _Round(committed, dict(target.heard), target.posts)


def _event(number: int, scale: Scale) -> ParticipantRecordingStarted:
    """Return an event of one of the recordings, each of which has a stream of its own."""
    one = number % scale.recordings
    return ParticipantRecordingStarted(
        at=datetime.now(UTC),
        room_id=_ROOM,
        session_id="bench",
        participant_id=f"p{one}",
        participant_recording_id=f"r{one}",
        worker_id="bench",
    )


async def _all_heard(target: Receiver, committed: dict[str, float]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(target.heard) < len(committed) and time.monotonic() < deadline:  # noqa: ASYNC110  the bare server counts
        await asyncio.sleep(_POLL_SECONDS)


def _figure(scale: Scale, ours: _Round, bare: _Round) -> Figure:
    return Figure(
        "webhook, commit to first attempt",
        _WHAT.format(rate=scale.rate),
        "ms",
        [_p99(ours.times())],
        baseline=Baseline("whoever appends posts", [_p99(bare.times())]),
        goal=Goal("value", "at most", 500),
        times={"by the notifier": Percentiles.of(ours.times()), "by a bare poster": Percentiles.of(bare.times())},
        details={
            "not heard in time": len(ours.committed) - len(ours.heard),
            "heard twice": ours.posts - len(ours.heard),
        },
    )


def _p99(times: Sequence[float]) -> float:
    return Percentiles.of(times).p99
