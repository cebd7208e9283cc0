"""Gateways with clients on one log, as far as signaling goes: what is written is published at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from services.consent.handlers import Consents as ConsentService
from services.consent.handlers import consent_answerer
from services.gateway.adapters.tickets import Admission
from services.gateway.asking import Owners
from services.gateway.consents import Consents
from services.gateway.domain.room import ROOM
from services.gateway.handlers import Rooms
from services.gateway.hub import Hub
from services.gateway.recordings import Recordings
from services.gateway.signaling.actions import Actions
from services.gateway.signaling.connection import Connection, Signaling
from shared.contracts.message import Command, Contract, Event
from shared.contracts.room import Role
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.event import NewEvent
from shared.eventsourcing.horizon import Horizon
from shared.messaging.errors import BusError
from shared.messaging.in_process import InProcessBus
from shared.messaging.message import ACCEPTED, Message, asked_command, event_message, refusal
from shared.messaging.topology import CONSENT_COMMANDS, RECORDER_COMMANDS, live_queue
from shared.runtime.clock import utc_now
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
        #: Appends that wait until it is writable.
        self.waiting = 0

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> int:
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


@dataclass
class Recorder:
    """Answers what it is asked by what the test says."""

    asked: list[Command] = field(default_factory=list)
    #: By kind of command, the code that it is refused with.
    refuses: dict[type[Command], str] = field(default_factory=dict)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, message: Message) -> Message:
        command, _ = asked_command(message)
        self.asked.append(command)
        await self.answers.wait()
        code = self.refuses.get(type(command))
        return refusal(code, "the test said so") if code else ACCEPTED


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

    async def ask(self, command: Command, actor: str, answer: type[Answer]) -> Answer:
        try:
            return await super().ask(command, actor, answer)
        except BusError:
            self.unanswered += 1
            raise


class Gateway:
    """One gateway: its clients, and what it knows."""

    def __init__(self, log: PublishedLog, bus: InProcessBus, name: str) -> None:
        self.hub = Hub(log, utc_now)
        self.horizon = Horizon(utc_now)
        self.rooms = Rooms(CommandHandler(log, ROOM), self.horizon, utc_now, name)
        self.owners = CountingOwners(bus, _ANSWER_SECONDS)
        recordings = Recordings(self.rooms, self.owners, self.horizon, utc_now)
        actions = Actions(self.rooms, Consents(self.owners, self.horizon), recordings)
        self._signaling = Signaling(actions, self.hub, utc_now)
        self.clients: list[Client] = []

    def client(self, who: str = "ann", role: Role = "user") -> Client:
        client = Client(self._signaling, who, role)
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
        self.recorder = Recorder()
        self.recorder.answers.set()
        self._consents = ConsentService(self.log)
        self._open = AsyncExitStack()
        self._gateways: list[Gateway] = []
        self.consent_service = AsyncExitStack()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[House]:
        async with self._open:
            await self._open.enter_async_context(self.bus.answer(RECORDER_COMMANDS, self.recorder.answer))
            self._open.push_async_exit(self.consent_service)
            await self.consent_begins()
            try:
                yield self
            finally:
                await self._clear()

    async def consent_begins(self) -> None:
        answers = self.bus.answer(CONSENT_COMMANDS, consent_answerer(self._consents))
        await self.consent_service.enter_async_context(answers)

    async def gateway(self, name: str = "gateway") -> Gateway:
        gateway = Gateway(self.log, self.bus, name)
        await self._open.enter_async_context(self.bus.subscribe(live_queue("gateway", name), gateway.hub.receive))
        await gateway.hub.catch_up()
        self._gateways.append(gateway)
        return gateway

    async def _clear(self) -> None:
        for task in (client.serving for gateway in self._gateways for client in gateway.clients):
            task.cancel()
            await asyncio.wait({task})

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
