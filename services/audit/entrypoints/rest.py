"""The audit API: read-only, for moderators and servers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from services.audit.entrypoints.readings import Readings, TooManyReadingsError
from services.audit.lookup import session_entries
from services.audit.projections.timeline import timelines
from services.audit.reading import Point
from services.audit.replay import Deciders, plain, replay
from services.audit.replay import Request as Replay
from shared.contracts.identifiers import SessionId
from shared.eventsourcing.store import EventStore
from shared.runtime.answers import install_common_refusals, refusal
from shared.runtime.http import Authorization
from shared.runtime.tokens import ForbiddenError, Identity, Tokens


def install_audit(app: FastAPI, store: EventStore, deciders: Deciders, tokens: Tokens) -> None:
    """Serve the audit API, and say what is wrong with what it refuses."""
    app.include_router(_router(store, deciders, tokens))
    install_common_refusals(app)

    @app.exception_handler(TooManyReadingsError)
    async def busy(_: Request, error: TooManyReadingsError) -> JSONResponse:
        answer = refusal(503, error.code, str(error))
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer


def _router(store: EventStore, deciders: Deciders, tokens: Tokens) -> APIRouter:
    router, readings = APIRouter(prefix="/v1/audit"), Readings()

    @router.get("/state")
    async def state(
        position: Annotated[int | None, Query(ge=0)] = None,
        moment: AwareDatetime | None = None,
        authorization: Authorization = None,
    ) -> dict[str, Any]:
        """Return the state of every stream, up to a global position or a moment. For no token that is bound."""
        _require_unbound(_auditor(tokens, authorization))
        with readings.one():
            replayed = await replay(store, deciders, Replay(Point(position, moment)))
            return {"position": replayed.position, "events": replayed.events, "states": plain(replayed.states)}

    @router.get("/sessions/{session_id}/timeline")
    async def session_timeline(session_id: SessionId, authorization: Authorization = None) -> dict[str, Any]:
        """Return who was recorded when in each of a session's recordings, with the events that show it."""
        identity = _auditor(tokens, authorization)
        with readings.one():
            entries = await session_entries(store, session_id, await store.head())
            for entry in entries:
                identity.require_room(getattr(entry.event, "room_id", ""))
            return {"session_id": session_id, "recordings": plain(timelines(entries))}

    return router


def _auditor(tokens: Tokens, authorization: str | None) -> Identity:
    """Return who may read what the log says of everybody. Raises TokenError and ForbiddenError."""
    identity = tokens.read(authorization)
    identity.require_rest()
    if not identity.moderates:
        raise ForbiddenError("this token audits nothing: it lacks the permission allow_mod, and the role crawler")
    if identity.participant_id is not None:
        raise ForbiddenError(f"this token is for participant {identity.participant_id} alone: an audit is of everybody")
    return identity


def _require_unbound(identity: Identity) -> None:
    if identity.room_id is not None:
        raise ForbiddenError(f"this token is for room {identity.room_id} alone: the state is of every room")
