"""The doors of a gateway on a real Postgres, without the rest of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI

from services.gateway.adapters.invites import Invites
from services.gateway.adapters.resumptions import Resumptions
from services.gateway.adapters.tickets import Admission, Tickets
from services.gateway.admissions import Admissions
from services.gateway.domain.room import ROOM, JoinRoom, LeaveRoom, RoomCommand
from services.gateway.entrypoints.errors import install_error_answers
from services.gateway.entrypoints.rest_v1 import rest_v1_router
from services.gateway.entrypoints.rest_v2 import install_rest_v2
from services.gateway.entrypoints.v2.rooms import rooms_router
from services.gateway.entrypoints.v2.session_access import SessionAccess
from services.gateway.entrypoints.v2.session_participants import session_participants_router
from services.gateway.entrypoints.v2.sessions import sessions_router
from services.gateway.entrypoints.whip import whip_router
from services.gateway.ice_servers import IceServers
from services.gateway.projections.sessions_read import Directory
from services.gateway.rooms import Rooms
from services.gateway.sources import Sources
from services.gateway.whip_sessions import WhipSessions
from shared.concurrency.clock import utc_now
from shared.contracts.room import room_stream
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler
from shared.eventsourcing.horizon import Horizon
from shared.eventsourcing.postgres import PostgresEventStore
from shared.messaging.asking import Owners
from shared.messaging.in_process import InProcessBus
from shared.runtime.credentials import Credentials
from shared.runtime.database import open_database
from shared.runtime.infrastructure import LOG_MIGRATIONS
from shared.runtime.settings import Settings
from shared.runtime.tokens import Permission, Tokens

MIGRATIONS = files("services.gateway") / "sql"

TOKENS = Tokens(Credentials("key", "a secret of more than thirty-two bytes"))


ICE_URLS = ("stun:stun.example", "turns:turn.example?transport=tcp")
TURN_SECRET = "shared with the TURN server"


@dataclass(slots=True)
class Doors:
    """What tests do at the doors of a room."""

    http: httpx.AsyncClient
    rooms: CommandHandler[Any, RoomCommand, Any]
    tickets: Tickets
    bus: InProcessBus
    room_id: str = ""

    async def create_room(self, **body: Any) -> str:
        answer = await self.http.post("/v2/rooms", json=body, headers=bearer(roles=["crawler"]))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["roomId"])

    async def start(self, body: Any = None, room_id: str = "", **claims: Any) -> httpx.Response:
        """Ask for a ticket with a token of these claims; alice's, if nothing else is said."""
        path = f"/v1/rooms/{room_id or self.room_id}/start"
        return await self.http.post(path, content=written(body), headers=bearer(**claims))

    async def started(self, body: Any = None, **claims: Any) -> tuple[str, Admission]:
        """Get a ticket and redeem it; return the resumption and whom it admits."""
        return await self.admitted(await self.start(body, **claims))

    async def start_invited(self, room_id: str = "", **body: Any) -> httpx.Response:
        return await self.http.post(f"/v1/rooms/{room_id or self.room_id}/start_invited", json=body)

    async def admitted(self, answer: httpx.Response) -> tuple[str, Admission]:
        assert answer.status_code == 200, answer.text
        given = answer.json()
        admission = await self.tickets.redeem(given["ticket"])
        assert admission
        return given["resumption"], admission

    async def invite(self, room_id: str = "", **body: Any) -> str:
        path = f"/v1/rooms/{room_id or self.room_id}/invites"
        answer = await self.http.post(path, json=body, headers=bearer(permissions=["allow_mod"]))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["invite_code"])

    async def revoke(self, code: str, room_id: str = "", **claims: Any) -> httpx.Response:
        path = f"/v1/rooms/{room_id or self.room_id}/invites/{code}"
        return await self.http.delete(path, headers=bearer(**{"permissions": ["allow_mod"], **claims}))

    async def open_breakout_room(self, name: Any = "Green", room_id: str = "", **claims: Any) -> httpx.Response:
        path = f"/v1/rooms/{room_id or self.room_id}/breakout_rooms"
        headers = bearer(**{"permissions": ["allow_mod"], **claims})
        return await self.http.post(path, content=written({"name": name}), headers=headers)

    async def breakout_room(self, name: str = "Green") -> str:
        answer = await self.open_breakout_room(name)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["breakout_room"])

    async def joined(self, room_id: str, participant_id: str, connection: str | None = "one") -> None:
        """Let somebody be present by a connection, in a session of its own id if none is live."""
        session_id, name, gateway = secrets.token_hex(12), participant_id.title(), "gateway" if connection else None
        command = JoinRoom(room_id, session_id, participant_id, name, "user", utc_now(), gateway, connection)
        await self.rooms.handle(room_stream(room_id), command, Context.begin("test"))

    async def left(self, room_id: str, participant_id: str, connection: str | None = "one") -> None:
        command = LeaveRoom(room_id, participant_id, "quit", utc_now(), connection)
        await self.rooms.handle(room_stream(room_id), command, Context.begin("test"))

    async def come_in(self, participant_id: str, room_id: str = "") -> None:
        """Let somebody be present in the room, as the log has it."""
        command = JoinRoom(room_id or self.room_id, "session", participant_id, "Name", "user", utc_now())
        await self.rooms.handle(room_stream(command.room_id), command, Context.begin("test"))

    async def go_out(self, participant_id: str) -> None:
        command = LeaveRoom(self.room_id, participant_id, "quit", utc_now())
        await self.rooms.handle(room_stream(command.room_id), command, Context.begin("test"))


def written(body: Any) -> str:
    """Return the body as JSON, with what only escapes can say; nothing at all for None."""
    return "" if body is None else json.dumps(body)


def bearer(
    permissions: list[Permission] | None = None, since: timedelta = timedelta(), **claims: Any
) -> dict[str, str]:
    token = TOKENS.issue(datetime.now(UTC) - since, permissions=permissions or ["allow_join"], **claims)
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, which says both also in its body, and something for people."""
    body = answer.json()
    assert body.keys() == {"message", "code", "statusCode"}
    assert (body["statusCode"], bool(body["message"])) == (answer.status_code, True)
    return answer.status_code, body["code"]


@asynccontextmanager
async def open_tables(url: str) -> AsyncIterator[asyncpg.Pool]:
    """Open a database with the log and the gateway's tables in it, as a service does."""
    async with open_database(Settings(database_url=url), [LOG_MIGRATIONS, MIGRATIONS]) as pool:
        try:
            yield pool
        finally:
            pool.terminate()  # closing would wait for what a failed test has left behind


@asynccontextmanager
async def open_doors(pool: asyncpg.Pool) -> AsyncIterator[Doors]:
    streams = CommandHandler(PostgresEventStore(pool), ROOM)
    rooms = Rooms(streams, Horizon(utc_now), utc_now, lambda: "gateway")
    tickets, invites = Tickets(pool), Invites(pool)
    admissions = Admissions(rooms, tickets, Resumptions(pool))
    bus = InProcessBus()
    sources = Sources(rooms, Owners(bus, 1.0), utc_now)
    servers = IceServers(ICE_URLS, TURN_SECRET, utc_now)
    whip = whip_router(rooms, WhipSessions(rooms, Owners(bus, 1.0), utc_now), TOKENS, Resumptions(pool), servers, None)
    directory = Directory(pool)
    access = SessionAccess(directory, TOKENS, None)
    app = FastAPI(redirect_slashes=False)
    install_error_answers(app)
    app.include_router(rest_v1_router(rooms, admissions, invites, sources, whip, TOKENS))
    install_rest_v2(
        app,
        rooms_router(rooms, directory, TOKENS, None),
        sessions_router(rooms, directory, access),
        session_participants_router(rooms, directory, access),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
        yield Doors(http, streams, tickets, bus)
