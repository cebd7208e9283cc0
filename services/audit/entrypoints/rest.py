"""The audit API: read-only, for server tokens."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from services.audit.lookup import session_entries
from services.audit.projections.timeline import timelines
from services.audit.reading import Point
from services.audit.replay import Deciders, Request, plain, replay
from shared.eventsourcing.store import EventStore
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens


def audit_router(store: EventStore, deciders: Deciders, tokens: Tokens) -> APIRouter:
    router = APIRouter(prefix="/v1/audit")

    @router.get("/state")
    async def state(
        position: Annotated[int | None, Query(ge=0)] = None,
        moment: AwareDatetime | None = None,
        authorization: Authorization = None,
    ) -> dict[str, Any]:
        """Return the state of every stream, up to a global position or a moment."""
        tokens.read(authorization).require_rest()
        replayed = await replay(store, deciders, Request(Point(position, moment)))
        return {"position": replayed.position, "events": replayed.events, "states": plain(replayed.states)}

    @router.get("/sessions/{session_id}/timeline")
    async def session_timeline(session_id: str, authorization: Authorization = None) -> dict[str, Any]:
        """Return who was recorded when in each of a session's recordings, with the events that show it."""
        tokens.read(authorization).require_rest()
        entries = await session_entries(store, session_id, await store.head())
        return {"session_id": session_id, "recordings": plain(timelines(entries))}

    return router
