"""REST v2: all about participant and track recordings."""

from __future__ import annotations

from fastapi import APIRouter

from services.gateway.entrypoints.v2.kept_recordings import (
    PARTICIPANTS,
    TRACKS,
    Archive,
    kept_recordings_router,
    timelines_router,
)
from services.gateway.entrypoints.v2.participant_recordings import (
    PARTICIPANT_DOORS,
    TRACK_DOORS,
    participant_recordings_router,
)


def recordings_router(archive: Archive) -> APIRouter:
    """Return all routes but those of merges, which come before them: `merge` is no id of a recording."""
    router = APIRouter()
    router.include_router(participant_recordings_router(archive.recordings, archive.tokens, TRACK_DOORS))
    router.include_router(kept_recordings_router(archive, TRACKS))
    router.include_router(participant_recordings_router(archive.recordings, archive.tokens, PARTICIPANT_DOORS))
    router.include_router(kept_recordings_router(archive, PARTICIPANTS))
    router.include_router(timelines_router(archive))
    return router
