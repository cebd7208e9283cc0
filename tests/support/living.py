"""All services' rules on one log, and what is made of it kept while it grows: in pages of any size, with any delay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import asyncpg

from services.audit.bootstrap import DECIDERS
from services.consent.domain.consent import ConsentCommand
from services.gateway.domain.recording import RecordingCommand
from services.gateway.domain.room import CreateRoom, EndSession, RoomCommand
from services.gateway.process_managers.auto_close import ClosingSession
from services.notifier.domain.webhook import WebhookCommand
from services.projections import PROJECTIONS
from services.recorder.domain.merge import ConfirmMergeErasure, DeleteMerge, MergeCommand
from services.recorder.domain.participant_recording import ConfirmErasure, ParticipantRecordingCommand
from shared.contracts.consent import consent_stream
from shared.contracts.merge import MergeDeleted, merge_stream
from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingDeleted, participant_recording_stream
from shared.contracts.recording import recording_stream
from shared.contracts.room import room_stream
from shared.contracts.webhook import webhook_stream
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.projection_builds import advance, find_build
from shared.eventsourcing.recent_states import RecentStates
from shared.eventsourcing.snapshots import Snapshots
from shared.eventsourcing.store import EventStore, Sequencer
from tests.support.events import append
from tests.support.folds import Folds
from tests.support.moments import at

Handlers = dict[str, CommandHandler[Any, Any, Any]]

#: By whom a command is decided, and on which stream.
_OWNERS: tuple[tuple[Any, str, Callable[[Any], str]], ...] = (
    (RoomCommand, "room", lambda asked: room_stream(asked.room_id)),
    (ConsentCommand, "consent", lambda asked: consent_stream(asked.session_id, asked.participant_id)),
    (RecordingCommand, "recording", lambda asked: recording_stream(asked.session_id)),
    (
        ParticipantRecordingCommand,
        "participant-recording",
        lambda asked: participant_recording_stream(asked.session_id, asked.participant_id, asked.kind),
    ),
    (MergeCommand, "merge", lambda asked: merge_stream(asked.set_id)),
    (WebhookCommand, "webhook", lambda asked: webhook_stream(asked.event_id, asked.url)),
)
#: So often what is due may make more due.
_ROUNDS = 4
#: Of streams; so few that many are forgotten.
_RECENT = 5


def handlers(store: EventStore, pool: asyncpg.Pool) -> Handlers:
    """Return what decides commands, and remembers nothing yet."""
    return {
        category: CommandHandler(store, decider, Snapshots(pool, decider), RecentStates(_RECENT))
        for category, decider in DECIDERS.items()
    }


@dataclass(slots=True)
class Living:
    store: EventStore
    pool: asyncpg.Pool
    sequencer: Sequencer
    random: Random
    #: Happens beside what is asked.
    others: Iterator[Event] = field(default_factory=lambda: iter(()))
    handlers: Handlers = field(init=False)
    folds: Folds = field(init=False)
    #: Category by stream.
    streams: dict[str, str] = field(default_factory=dict)
    _rooms: set[str] = field(default_factory=set)
    _told: dict[type[Event], UUID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.handlers, self.folds = handlers(self.store, self.pool), Folds.of(self.store)

    def told(self, kind: type[Event]) -> UUID:
        """Return the id of the last event of that kind that a command led to."""
        return self._told[kind]

    async def give(self, *commands: Any) -> None:
        """Have commands decided, and let something else happen in between."""
        for command in commands:
            if isinstance(command, CreateRoom):
                self._rooms.add(command.room_id)
            await self._decide(command)
            for _ in range(self.random.randrange(4)):
                await self._happen()
            await self.follow(lags=True)

    async def settle(self, second: float) -> None:
        """Let it be that late, and give what is due until nothing is."""
        for _ in range(_ROUNDS):
            for asked in await self._due(second):
                with suppress(RefusedError):
                    await self.give(_command(asked, at(second)))
        assert await self._due(second) == [], "that does not end"

    async def follow(self, *, lags: bool) -> None:
        """Tell everything that follows the log of what is new; projections may lag behind."""
        while await self.sequencer.sequence():
            pass
        await self.folds.follower.catch_up()
        for projection in PROJECTIONS.values():
            if not lags or self.random.random() < 0.4:
                await self._keep(projection)

    async def _due(self, second: float) -> list[Any]:
        await self.follow(lags=True)
        return [asked for asked in self.folds.due(at(second)) if self._is_ours(asked)]

    def _is_ours(self, asked: Any) -> bool:
        """Tell whether it is about a room that was asked for here. Nobody else makes merges."""
        return isinstance(asked, DeleteMerge) or asked.room_id in self._rooms

    async def _decide(self, command: Any) -> None:
        category, stream = _owner(command)
        context = Context("service:test", UUID(int=1), UUID(int=2))
        decided = await self.handlers[category].handle(stream, command, context)
        self.streams[stream] = category
        stored = (await self.store.read(stream))[-len(decided.events) :] if decided.events else []
        self._told.update({type(event): one.id for event, one in zip(decided.events, stored, strict=True)})

    async def _happen(self) -> None:
        if event := next(self.others, None):
            await append(self.store, event.stream, [encode(event, Context.begin("service:test"))])
            self.streams[event.stream] = event.type.partition(".")[0]
        stream, category = self.random.choice(list(self.streams.items()))
        await self.handlers[category].load(stream)

    async def _keep(self, projection: Projection) -> None:
        async with self.pool.acquire() as connection:
            build = await find_build(connection, projection.name, "live")
            while build and (page := await self.store.read_all(build.position, self.random.randint(1, 9))):
                reading = projection.read(page)
                build = await advance(connection, projection, build, reading.told, reading.position)


def _owner(command: Any) -> tuple[str, str]:
    return next((category, stream(command)) for kinds, category, stream in _OWNERS if isinstance(command, kinds))


def _command(asked: Any, now: datetime) -> Any:
    """Return what is decided where a process manager gives no command itself."""
    match asked:
        case ClosingSession():
            return EndSession(asked.room_id, "auto_close", now, asked.session_id)
        case ParticipantRecordingDeleted():
            names = ("room_id", "session_id", "participant_id", "participant_recording_id", "kind")
            return ConfirmErasure(at=now, **{name: getattr(asked, name) for name in names})
        case MergeDeleted():
            return ConfirmMergeErasure(merge_id=asked.merge_id, set_id=asked.set_id, at=now)
        case _:
            return asked
