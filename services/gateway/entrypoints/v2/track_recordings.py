"""REST v2: recordings of one track of a participant, a file for each stretch of it."""

from __future__ import annotations

from fastapi import APIRouter, Response

from services.gateway.entrypoints.v2.participant_recordings import RECORDING_ID
from services.gateway.entrypoints.v2.recording_requests import AboutTrack, StartTrack, asker
from services.gateway.participant_recordings import ParticipantRecordings
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens


def track_recordings_router(recordings: ParticipantRecordings, tokens: Tokens) -> APIRouter:
    router = APIRouter(prefix="/recordings/participant/track")

    @router.post("/start")
    async def start_track_recording(body: StartTrack, response: Response, authorization: Authorization = None) -> str:
        """Record the sound or the picture of a participant of a live session, alone."""
        identity, subject = tokens.read(authorization), body.subject()
        response.headers[RECORDING_ID] = await recordings.start(asker(identity, subject), subject, body.wishes())
        return "track recording started successfully."

    @router.post("/stop")
    async def stop_track_recording(body: AboutTrack, response: Response, authorization: Authorization = None) -> str:
        """End the recording now."""
        identity, subject = tokens.read(authorization), body.subject()
        response.headers[RECORDING_ID] = await recordings.stop(asker(identity, subject), subject)
        return "track recording ended successfully."

    @router.post("/pause")
    async def pause_track_recording(body: AboutTrack, response: Response, authorization: Authorization = None) -> str:
        """Record nothing from now on; the file ends."""
        identity, subject = tokens.read(authorization), body.subject()
        response.headers[RECORDING_ID] = await recordings.pause(asker(identity, subject), subject)
        return "track recording paused successfully."

    @router.post("/resume")
    async def resume_track_recording(body: AboutTrack, response: Response, authorization: Authorization = None) -> str:
        """Record again, into another file."""
        identity, subject = tokens.read(authorization), body.subject()
        response.headers[RECORDING_ID] = await recordings.resume(asker(identity, subject), subject)
        return "track recording resumed successfully."

    return router
