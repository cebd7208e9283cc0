"""The doors of a gateway, with the log sequenced and the projection of sessions kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from services.gateway.projections.sessions import SESSIONS
from shared.eventsourcing.postgres import PostgresEventStore
from tests.integration.gateway.doors import Doors, bearer, open_doors, written
from tests.integration.projections.keeping import keeping, sequencing


@dataclass(slots=True)
class Desk:
    """What a server asks. Its token is a crawler's, if nothing else is said."""

    doors: Doors

    async def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        return await self.doors.http.get(f"/v2/{path}", params=query, headers=headers or crawler())

    async def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.doors.http.post(f"/v2/{path}", content=written(body), headers=headers or crawler())

    async def told(self, path: str, **query: Any) -> Any:
        """Get it, and what it says."""
        return said(await self.get(path, **query))

    async def asked(self, path: str, body: Any = None) -> Any:
        """Post it, and return what it says."""
        return said(await self.post(path, body))

    async def room(self, **body: Any) -> str:
        return str((await self.asked("rooms", body))["roomId"])

    async def session(self, room_id: str, *names: str) -> str:
        """Let people join, and return the session that they are in."""
        for name in names:
            await self.doors.joined(room_id, name)
        sessions = await self.told("sessions", roomId=room_id, status="ongoing")
        return str(sessions["data"][0]["id"])


def said(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def crawler(**claims: Any) -> dict[str, str]:
    return bearer(**{"roles": ["crawler"], **claims})


@asynccontextmanager
async def open_desk(pool: asyncpg.Pool) -> AsyncIterator[Desk]:
    store = PostgresEventStore(pool)
    async with sequencing(store), keeping(SESSIONS, store, pool), open_doors(pool) as doors:
        yield Desk(doors)
