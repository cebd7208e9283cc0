"""Gateways with clients on one log, as far as signaling goes: what is written is published at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from services.consent.handlers import Consents as ConsentService
from services.consent.handlers import consent_answerer
from services.gateway.adapters.tickets import Admission
from services.gateway.consents import Consents
from services.gateway.domain.recording import RECORDING
from services.gateway.domain.room import ROOM
from services.gateway.handlers import gateway_answerer
from services.gateway.hub import Hub
from services.gateway.process_managers.room_recordings import ROOM_RECORDINGS
from services.gateway.recordings import RoomRecordings
from services.gateway.rooms import Rooms
from services.gateway.signaling.actions import Actions
from services.gateway.signaling.connection import Connection, Signaling
from shared.concurrency.clock import utc_now
from shared.contracts.message import Command, Contract, Event
from shared.contracts.recording import ConfirmRecording, RecordingRequested
from shared.contracts.reply import Accepted
from shared.contracts.room import Role
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.event import NewEvent
from shared.eventsourcing.horizon import Horizon
from shared.eventsourcing.process_manager import ProcessManager
from shared.messaging.asking import Owners
from shared.messaging.errors import BusError
from shared.messaging.follower import Follower
from shared.messaging.in_process import InProcessBus
from shared.messaging.message import Message, event_message, stored_event
from shared.messaging.topology import CONSENT_COMMANDS, GATEWAY_COMMANDS, RECORDER_ASSIGNMENTS, live_queue
from tests.support.events import append
from tests.support.eventually import eventually
from tests.support.unreliable_log import UnreliableEventStore
from tests.unit.gateway.signaling.wire import Wire

Happened = TypeVar("Happened", bound=Event)
Answer = TypeVar("Answer", bound=Contract)

#: Within which a service must answer; long, so that nothing here hangs on it.
_ANSWER_SECONDS = 30


class PublishedLog(UnreliableEventStore):
    """A log whose events are published as they are written; either can be made to wait."""

    def __init__(self, bus: InProcessBus) -> None:
        super().__init__()
        self._bus = bus
        self._published = 0
        self.is_published = True
        self.writable = asyncio.Event()
        self.writable.set()
        #: Only streams whose names begin like this wait for it.
        self.held = ""
        #: Appends that wait until it is writable.
        self.waiting = 0

    def hold(self, streams: str) -> None:
        """Have appends to streams whose names begin like this wait until it is writable."""
        self.held = streams
        self.writable.clear()

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
        if stream.startswith(self.held):
            self.waiting += 1
            await self.writable.wait()
            self.waiting -= 1
        try:
            return await super().append(stream, expected, events)
        finally:
            await self.publish()

    async def publish(self) -> None:
        if not self.is_published:
            return
        await self.sequence(1_000_000)
        events = await self.read_all(self._published, 1_000_000)
        self._published += len(events)
        await self._bus.publish([event_message(event) for event in events])


class Recorder:
    """A worker that is ready for each recording as soon as it hears of it."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    async def assign(self, message: Message) -> None:
        event = decode(stored_event(message))
        if not isinstance(event, RecordingRequested):
            return
        command = ConfirmRecording(
            at=utc_now(),
            room_id=event.room_id,
            session_id=event.session_id,
            recording_id=event.recording_id,
            worker_id="worker",
        )
        await self._owners.ask(command, Context.begin("worker:worker"), Accepted)


class Client(Wire):
    """A client with its connection, on a gateway."""

    def __init__(self, signaling: Signaling, who: str, role: Role) -> None:
        super().__init__()
        self.who = who
        self.connection = Connection(signaling, self.websocket, Admission("r", who, role, resumption=b""))
        self.serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        await self.websocket.accept()
        await self.connection.serve()

    async def joins(self) -> None:
        self.says("control", action="join", display_name=self.who.title())
        await self.hears("join_success")

    async def is_over(self) -> None:
        await eventually(self.serving.done)
        await self.serving


class CountingOwners(Owners):
    """Counts the commands that nobody answered."""

    unanswered = 0

    async def ask(self, command: Command, context: Context, answer: type[Answer]) -> Answer:
        try:
            return await super().ask(command, context, answer)
        except BusError:
            self.unanswered += 1
            raise


class Gateway:
    """One gateway: its clients, and what it knows."""

    def __init__(self, log: PublishedLog, bus: InProcessBus, name: str) -> None:
        self.horizon = Horizon(utc_now)
        self.rooms = Rooms(CommandHandler(log, ROOM), self.horizon, utc_now, lambda: name)
        self.owners = CountingOwners(bus, _ANSWER_SECONDS)
        self.recordings = RoomRecordings(CommandHandler(log, RECORDING), self.rooms, self.horizon, utc_now)
        #: Ends recordings while a test has it run.
        self.ends = ProcessManager(ROOM_RECORDINGS, self.recordings.give, "service:gateway", utc_now)
        self.hub = Hub(utc_now)
        self.follower = Follower(log, self.ends.apply, self.hub.apply)
        actions = Actions(self.rooms, Consents(self.owners, self.horizon), self.recordings)
        self.signaling = Signaling(actions, self.hub, utc_now)
        self.clients: list[Client] = []

    def client(self, who: str = "ann", role: Role = "user") -> Client:
        client = Client(self.signaling, who, role)
        self.clients.append(client)
        return client

    async def joined(self, who: str = "ann", role: Role = "user") -> Client:
        client = self.client(who, role)
        await client.joins()
        return client

    async def is_told(self, client: Client) -> None:
        """Wait until the client has been told what happened before."""
        told = client.messages.count("update")
        await self.rooms.raise_hand("r", self._another(client).who)
        await client.hears("update", told + 1)

    def _another(self, client: Client) -> Client:
        return next(each for each in self.clients if each is not client)


class House:
    """Room `r`, the services that the gateways ask, and the log that they all write to."""

    def __init__(self) -> None:
        self.bus = InProcessBus()
        self.log = PublishedLog(self.bus)
        self._recorder = Recorder(Owners(self.bus, _ANSWER_SECONDS))
        self._consents = ConsentService(self.log)
        self._open = AsyncExitStack()
        self._gateways: list[Gateway] = []
        self.consent_service = AsyncExitStack()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[House]:
        async with self._open:
            self._open.push_async_exit(self.consent_service)
            await self.consent_begins()
            try:
                yield self
            finally:
                await self._clear()

    async def consent_begins(self) -> None:
        answers = self.bus.answer(CONSENT_COMMANDS, consent_answerer(self._consents))
        await self.consent_service.enter_async_context(answers)

    async def recorder_begins(self) -> None:
        """Have a recorder, which there is none before; it takes up what waits for one."""
        await self._open.enter_async_context(self.bus.subscribe(RECORDER_ASSIGNMENTS, self._recorder.assign))

    async def gateway(self, name: str = "gateway") -> Gateway:
        gateway = Gateway(self.log, self.bus, name)
        await self._open.enter_async_context(self.bus.subscribe(live_queue("gateway", name), gateway.follower.hear))
        await gateway.follower.catch_up()
        answers = self.bus.answer(GATEWAY_COMMANDS, gateway_answerer(gateway.recordings))
        await self._open.enter_async_context(answers)
        self._gateways.append(gateway)
        return gateway

    async def _clear(self) -> None:
        self.log.writable.set()  # Nobody ends whose last word waits for it.
        for task in (client.serving for gateway in self._gateways for client in gateway.clients):
            task.cancel()
            await asyncio.wait({task})
        for gateway in self._gateways:
            async with gateway.signaling.lives.awaited():
                pass

    async def happens(self, event: Event) -> None:
        await append(self.log, event.stream, [encode(event, Context.begin("service:test"))])

    async def written(self, kind: type[Happened]) -> list[Happened]:
        await self.log.sequence(1_000_000)
        events = [decode(stored) for stored in await self.log.read_all(limit=1_000_000)]
        return [event for event in events if isinstance(event, kind)]

    async def until_written(self, kind: type[Happened], count: int = 1) -> list[Happened]:
        async def are_there() -> bool:
            return len(await self.written(kind)) >= count

        await eventually(are_there)
        return await self.written(kind)
