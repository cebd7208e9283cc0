"""The doors of merges on a real Postgres, with a recorder that decides and makes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from fastapi import APIRouter, FastAPI

from services.gateway.domain.room import ROOM
from services.gateway.entrypoints.errors import install_error_answers
from services.gateway.entrypoints.v2.merges import merges_router
from services.gateway.entrypoints.v2.recording_files import StoredFiles
from services.gateway.entrypoints.v2.transcodings import transcodings_router
from services.gateway.entrypoints.v2.webhooks import webhooks_router
from services.gateway.merges import Merges
from services.gateway.projections.recordings import RECORDINGS
from services.gateway.projections.recordings_read import Recordings
from services.gateway.rooms import Rooms
from services.recorder.domain.merge import MERGE
from shared.concurrency.clock import utc_now
from shared.contracts.merge import CancelMerge, StartMerge, merge_stream
from shared.contracts.message import Command, Event
from shared.contracts.participant_recording import (
    ParticipantRecordingEvent,
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
    RecordingKind,
)
from shared.contracts.room import RoomCreated, SessionStarted
from shared.contracts.webhook import ResendWebhook
from shared.eventsourcing.codec import Context, encode
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.horizon import Horizon
from shared.eventsourcing.postgres import PostgresEventStore
from shared.messaging.answering import answering
from shared.messaging.asking import Owners
from shared.messaging.in_process import InProcessBus
from shared.messaging.message import ACCEPTED, Message
from shared.messaging.topology import NOTIFIER_COMMANDS, RECORDER_COMMANDS
from tests.integration.gateway.doors import TOKENS, bearer
from tests.integration.projections.keeping import keeping, sequencing
from tests.support.events import append
from tests.support.eventually import eventually
from tests.support.moments import at
from tests.support.recorded import recorded

#: Sessions, and the rooms they are of. Of these `s` is live.
SESSIONS = {"s": "r", "s2": "r", "elsewhere": "other"}


@dataclass(slots=True)
class Merging:
    """What tests do at the doors of merges."""

    http: httpx.AsyncClient
    pool: asyncpg.Pool
    store: PostgresEventStore
    #: Where files are stored.
    root: Path
    #: What the owners were asked, with the actor.
    asked: list[tuple[Command, str]] = field(default_factory=list)
    #: What happens while the next command is on its way to the recorder.
    meanwhile: list[Event] = field(default_factory=list)
    #: While it is open, projections keep up.
    sequencing: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def tell(self, *events: Event) -> None:
        for event in events:
            await append(self.store, event.stream, [encode(event, Context.begin("service:test"))])

    async def falls_behind(self) -> None:
        """Let projections show all that has happened, and nothing that happens from now on."""
        await eventually(self._all_in_order)
        await self.sequencing.aclose()

    async def _all_in_order(self) -> bool:
        in_order: bool = await self.pool.fetchval("SELECT NOT EXISTS (SELECT FROM pending_events)")
        return in_order

    async def record(
        self,
        one: str,
        who: str = "ann",
        kind: RecordingKind = "audio_video",
        session: str = "s",
        until: str = "stopped",
        **fields: Any,
    ) -> None:
        """Let a participant have been recorded, up to that state."""
        kinds: dict[str, type[ParticipantRecordingEvent]] = {
            "requested": ParticipantRecordingRequested,
            "started": ParticipantRecordingStarted,
            "stopping": ParticipantRecordingStopRequested,
            "stopped": ParticipantRecordingStopped,
        }
        for state, what in kinds.items():
            await self.tell(recorded(what, one, who=who, kind=kind, session=session, room=SESSIONS[session], **fields))
            if state == until:
                return

    async def merge(self, body: Any, **claims: Any) -> httpx.Response:
        return await self.post("/v2/recordings/participant/merge", body, **claims)

    async def merged(self, body: Any) -> dict[str, Any]:
        answer = await self.merge(body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["recording"])

    async def post(self, path: str, body: Any = None, **claims: Any) -> httpx.Response:
        return await self.http.post(path, json=body, headers=bearer(**({"roles": ["crawler"]} | claims)))

    async def get(self, path: str, **claims: Any) -> httpx.Response:
        return await self.http.get(path, headers=bearer(**({"roles": ["crawler"]} | claims)))


@asynccontextmanager
async def open_merging(pool: asyncpg.Pool, store: PostgresEventStore, root: Path) -> AsyncIterator[Merging]:
    bus = InProcessBus()
    owners = Owners(bus, 5)
    rooms = Rooms(CommandHandler(store, ROOM), Horizon(utc_now), utc_now, lambda: "gateway")

    async def room_of(session_id: str) -> str | None:
        return SESSIONS.get(session_id)

    merges, files = Merges(rooms, room_of, store, Recordings(pool), owners, utc_now), StoredFiles(root)
    v2 = APIRouter(prefix="/v2")
    v2.include_router(merges_router(merges, files, TOKENS, "https://rec.example"))
    v2.include_router(transcodings_router(merges, files, TOKENS, None))
    v2.include_router(webhooks_router(owners, utc_now, TOKENS))
    app = FastAPI()
    install_error_answers(app)
    app.include_router(v2)
    async with AsyncExitStack() as stack:
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")
        opened = Merging(await stack.enter_async_context(http), pool, store, root)
        await stack.enter_async_context(bus.answer(RECORDER_COMMANDS, _recorder(opened)))
        await stack.enter_async_context(bus.answer(NOTIFIER_COMMANDS, _notifier(opened)))
        await opened.tell(
            RoomCreated(at=at(), room_id="r", storage_prefix="acme"),
            RoomCreated(at=at(), room_id="other"),
            SessionStarted(at=at(), room_id="r", session_id="s"),
        )
        await stack.enter_async_context(keeping(RECORDINGS, store, pool))
        await opened.sequencing.enter_async_context(sequencing(store))
        stack.push_async_callback(opened.sequencing.aclose)
        yield opened


def _recorder(opened: Merging) -> Any:
    streams = CommandHandler(opened.store, MERGE)

    async def decide(command: StartMerge | CancelMerge, context: Context) -> Message:
        opened.asked.append((command, context.actor))
        while opened.meanwhile:
            await opened.tell(opened.meanwhile.pop(0))
        await streams.handle(merge_stream(command.set_id), command, context)
        return ACCEPTED

    return answering({StartMerge: decide, CancelMerge: decide})


def _notifier(opened: Merging) -> Any:
    async def resend(command: ResendWebhook, context: Context) -> Message:
        opened.asked.append((command, context.actor))
        return ACCEPTED

    return answering({ResendWebhook: resend})
