"""The audit API: read-only, for server tokens."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from services.audit.projections.timeline import timeline
from services.audit.replay import Deciders, Until, plain, read_log, replay
from shared.eventsourcing.codec import decode
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
        replayed = await replay(store, deciders, Until(position, moment))
        return {"position": replayed.position, "events": replayed.events, "states": plain(replayed.states)}

    @router.get("/sessions/{session_id}/timeline")
    async def session_timeline(session_id: str, authorization: Authorization = None) -> dict[str, Any]:
        """Return who was recorded when in a session."""
        tokens.read(authorization).require_rest()
        events = [decode(stored) async for stored in read_log(store)]
        return asdict(timeline(session_id, events))

    return router
