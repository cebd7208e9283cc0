"""What a recorder does when a room recording was asked for: it tells the gateway that a worker is ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.service import RecorderService
from services.recorder.watermark import WatermarkGauge
from services.recorder.worker import Worker
from shared.concurrency.clock import utc_now
from shared.contracts.recording import ConfirmRecording, RecordingRequested, RecordingStopped
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.event import StoredEvent
from shared.messaging.asking import Owners
from shared.messaging.errors import NoAnswerError
from shared.messaging.follower import Follower
from shared.messaging.in_process import InProcessBus
from shared.messaging.message import ACCEPTED, Message, asked_command, event_message, refusal
from shared.messaging.topology import GATEWAY_COMMANDS, RECORDER_ASSIGNMENTS
from tests.support.addresses import loopback
from tests.support.eventually import eventually
from tests.support.in_memory import InMemoryEventStore
from tests.support.spooling import spool_disk

REC = {"room_id": "r", "session_id": "s", "recording_id": "rec"}
_PATIENCE = 30


@dataclass(slots=True)
class Gateway:
    """Answers what it is asked, and remembers it."""

    answer: Message = ACCEPTED
    #: So many of the first it does not answer before it speaks.
    silent: int = 0
    speaks: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[Message] = field(default_factory=list)

    async def __call__(self, message: Message) -> Message:
        self.asked.append(message)
        if len(self.asked) <= self.silent:
            await self.speaks.wait()
        return self.answer

    @property
    def confirmed(self) -> list[ConfirmRecording]:
        commands = [asked_command(message)[0] for message in self.asked]
        return [command for command in commands if isinstance(command, ConfirmRecording)]


@dataclass(frozen=True, slots=True)
class House:
    """A bus, and recorders on it."""

    root: Path
    bus: InProcessBus = field(default_factory=InProcessBus)

    def recorder(self, worker_id: str = "worker", patience: float = _PATIENCE) -> RecorderService:
        store = InMemoryEventStore()
        streams = ParticipantRecordingStreams(store)
        storage, gauge = LocalObjectStore(self.root), WatermarkGauge()
        disk, ports = spool_disk(self.root), range(24_000, 24_010)
        worker = Worker(streams, storage, Path("ffmpeg"), gauge, worker_id, loopback(ports), disk)
        return RecorderService(Follower(store), Owners(self.bus, patience), worker, lambda: None)

    @asynccontextmanager
    async def running(self, recorder: RecorderService) -> AsyncIterator[None]:
        async with self.bus.subscribe(RECORDER_ASSIGNMENTS, recorder.assign):
            yield

    @asynccontextmanager
    async def gateway(self, answer: Message = ACCEPTED) -> AsyncIterator[Gateway]:
        gateway = Gateway(answer)
        async with self.bus.answer(GATEWAY_COMMANDS, gateway):
            yield gateway


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def request(ago: timedelta = timedelta()) -> StoredEvent:
    event = RecordingRequested(at=utc_now() - ago, **REC, requested_by="mona")
    context = Context("participant:mona", uuid4(), uuid4())
    return StoredEvent(stream=event.stream, position=1, global_position=1, **asdict(encode(event, context)))


async def test_who_takes_an_assignment_tells_the_gateway_once_which_worker_is_ready(house: House) -> None:
    requested, before = request(), utc_now()
    async with house.gateway() as gateway:
        await house.recorder("worker-7").assign(event_message(requested))
    (confirm,) = gateway.confirmed
    assert confirm == ConfirmRecording(at=confirm.at, **REC, worker_id="worker-7")
    assert before <= confirm.at <= utc_now()


async def test_that_it_confirms_is_the_workers_word_and_comes_of_the_request(house: House) -> None:
    requested = request()
    async with house.gateway() as gateway:
        await house.recorder("worker-7").assign(event_message(requested))
    ((_, context),) = [asked_command(message) for message in gateway.asked]
    assert context == Context("worker:worker-7", requested.id, requested.correlation_id)


async def test_of_several_recorders_one_confirms(house: House) -> None:
    last = request()
    async with (
        house.gateway() as gateway,
        house.running(house.recorder("one")),
        house.running(house.recorder("two")),
    ):
        await house.bus.publish([event_message(request()), event_message(last)])
        await eventually(lambda: len(gateway.asked) >= 2)
    assert len(gateway.confirmed) == 2


async def test_an_assignment_that_no_gateway_heard_of_is_not_done(house: House) -> None:
    recorder = house.recorder(patience=0.02)
    with pytest.raises(NoAnswerError, match=r"gateway service did not answer recording\.confirm\.v1"):
        await recorder.assign(event_message(request()))


async def test_one_that_nobody_heard_of_until_it_is_too_late_is_given_up(house: House) -> None:
    """The recording fails, which is all that there is to say: it is nothing for the dead letters."""
    await house.recorder(patience=0.02).assign(event_message(request(ago=timedelta(seconds=6))))


async def test_a_recorder_that_gets_no_answer_asks_again(house: House) -> None:
    requested, gateway = request(), Gateway(silent=1)
    async with (
        house.bus.answer(GATEWAY_COMMANDS, gateway),
        house.running(house.recorder(patience=1)),
    ):
        await house.bus.publish([event_message(requested)])
        await eventually(lambda: len(gateway.asked) >= 2)
        gateway.speaks.set()
    first, second = gateway.asked
    assert first.id == second.id
    assert first.headers["correlation-id"] == second.headers["correlation-id"] == str(requested.correlation_id)
    assert gateway.confirmed[0].at < gateway.confirmed[1].at
    assert house.bus.dead_letters == {}


async def test_that_the_gateway_refuses_is_no_fault_of_the_workers_and_it_does_not_insist(house: House) -> None:
    async with house.gateway(refusal("lapsed", "too late")) as gateway:
        await house.recorder().assign(event_message(request()))
    assert len(gateway.asked) == 1


async def test_that_a_recording_stopped_is_no_assignment(house: House) -> None:
    event = RecordingStopped(at=utc_now(), **REC, reason="requested")
    stored = encode(event, Context.begin("service:test"))
    message = event_message(StoredEvent(stream=event.stream, position=3, global_position=3, **asdict(stored)))
    async with house.gateway() as gateway:
        await house.recorder().assign(message)
    assert gateway.asked == []
