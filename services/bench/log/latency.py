"""From commit to handler: how long an event takes through sequencer, relay and bus."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.bench.figures import Figure, Goal, Percentiles
from services.bench.ground import Log
from services.bench.log.listening import QUEUES, Audience, relayed
from services.bench.log.moments import Heard, Sent, now
from services.bench.log.scale import Bench
from shared.concurrency.supervision import single_error
from shared.eventsourcing.event import NewEvent
from shared.eventsourcing.event_id import new_event_id
from shared.eventsourcing.store import EventStore

#: Appends that may be under way. More wait for their turn, and their times tell it.
_UNDER_WAY = 2000
_BEGIN_SECONDS = 0.2
_LEADER_SECONDS = 20
_POLL_SECONDS = 0.05

_GOALS = {1000: Goal("value", "at most", 50)}


@dataclass(frozen=True, slots=True)
class _Round:
    sent: Sequence[Sent]
    #: By queue.
    heard: Mapping[str, Heard]

    @property
    def rate(self) -> float:
        return (len(self.sent) - 1) / (max(each.committed for each in self.sent) - self.sent[0].due)

    def times(self, queue: str) -> list[float]:
        """Return the seconds from commit to handler of all that was heard."""
        heard = self.heard[queue]
        # An event may be heard before the one who appended it is told so.
        return [max(0.0, heard[each.id] - each.committed) for each in self.sent if each.id in heard]

    def times_from_due(self, queue: str) -> list[float]:
        heard = self.heard[queue]
        return [heard[each.id] - each.due for each in self.sent if each.id in heard]


async def measure_latency(bench: Bench) -> list[Figure]:
    """Append at given rates, whatever becomes of the events, and see when they arrive."""
    rounds: dict[int, list[_Round]] = {rate: [] for rate in bench.scale.rates}
    async with bench.ground.log() as log, relayed(log, bench.ground.amqp_url) as audience:
        await _led(bench, log)
        for _ in range(bench.scale.rounds):
            for rate, of_rate in rounds.items():
                of_rate.append(await _round(bench, log, audience, rate))
    bus = "RabbitMQ" if bench.ground.amqp_url else "in process"
    return [
        _figure(f"{rate:,}/s, {queue}, {bus}, p99", queue, rounds[rate], _GOALS.get(rate))
        for rate in bench.scale.rates
        for queue in QUEUES
    ]


async def _led(bench: Bench, log: Log) -> None:
    """Wait until the relay sequences: what is appended before would wait for its start."""
    await log.store.append(f"begin-{new_event_id()}", 0, [bench.supply.new_event()])
    async with asyncio.timeout(_LEADER_SECONDS):
        while not await log.store.head():  # noqa: ASYNC110  the relay is another process
            await asyncio.sleep(_POLL_SECONDS)


async def _round(bench: Bench, log: Log, audience: Audience, rate: int) -> _Round:
    bench.say(f"latency: {rate:,} events/s")
    chance = bench.chance()
    spaces = [chance.expovariate(rate) for _ in range(round(rate * bench.scale.rate_seconds))]
    streams = f"latency-{new_event_id()}-"
    async with audience.listening(streams, len(spaces)) as told:
        sent = await _offered(
            log.store, [(f"{streams}{n}", bench.supply.new_event()) for n in range(len(spaces))], spaces
        )
        return _Round(sent, await told())


async def _offered(store: EventStore, events: Sequence[tuple[str, NewEvent]], spaces: Sequence[float]) -> list[Sent]:
    """Append each event when it is due, to a stream of its own, without waiting for those before."""
    sent: list[Sent] = []
    room, due = asyncio.Semaphore(_UNDER_WAY), now() + _BEGIN_SECONDS

    async def append(stream: str, event: NewEvent, due: float) -> None:
        try:
            await store.append(stream, 0, [event])
        finally:
            room.release()
        sent.append(Sent(event.id, due, now()))

    with single_error():
        async with asyncio.TaskGroup() as group:
            for (stream, event), space in zip(events, spaces, strict=True):
                due += space
                await asyncio.sleep(due - now())
                await room.acquire()
                group.create_task(append(stream, event, due))
    return sorted(sent, key=lambda each: each.due)


def _figure(what: str, queue: str, rounds: Sequence[_Round], goal: Goal | None) -> Figure:
    times = {
        "from the append's return": [one for each in rounds for one in each.times(queue)],
        "from when it was due": [one for each in rounds for one in each.times_from_due(queue)],
    }
    return Figure(
        "commit to handler",
        what,
        "ms",
        [Percentiles.of(each.times(queue) or [float("inf")]).p99 for each in rounds],
        goal=goal,
        times={name: Percentiles.of(each) for name, each in times.items() if each},
        details={
            "appended per second": min(each.rate for each in rounds),
            "not heard in time": sum(len(each.sent) - len(each.heard[queue]) for each in rounds),
        },
    )
