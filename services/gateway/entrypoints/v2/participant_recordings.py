"""REST v2: recordings of one participant, sound and picture in one file."""

from __future__ import annotations

from fastapi import APIRouter, Response

from services.gateway.entrypoints.v2.recording_requests import About, Start, asker
from services.gateway.participant_recordings import ParticipantRecordings
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens

#: Which recording it is, beside the answer, which is a mere sentence.
RECORDING_ID = "Recording-Id"


def participant_recordings_router(recordings: ParticipantRecordings, tokens: Tokens) -> APIRouter:
    router = APIRouter(prefix="/recordings/participant")

    @router.post("/start")
    async def start_participant_recording(body: Start, response: Response, authorization: Authorization = None) -> str:
        """Record a participant of a live session; one who is not there is waited for."""
        identity, subject = tokens.read(authorization), body.subject()
        response.headers[RECORDING_ID] = await recordings.start(asker(identity, subject), subject, body.wishes())
        return "participant recording started successfully."

    @router.post("/stop")
    async def stop_participant_recording(body: About, response: Response, authorization: Authorization = None) -> str:
        """End the file now."""
        identity, subject = tokens.read(authorization), body.subject()
        response.headers[RECORDING_ID] = await recordings.stop(asker(identity, subject), subject)
        return "participant recording ended successfully."

    @router.post("/pause")
    async def pause_participant_recording(body: About, response: Response, authorization: Authorization = None) -> str:
        """Record nothing from now on; the file goes on in black and silence."""
        identity, subject = tokens.read(authorization), body.subject()
        response.headers[RECORDING_ID] = await recordings.pause(asker(identity, subject), subject)
        return "participant recording paused successfully."

    @router.post("/resume")
    async def resume_participant_recording(body: About, response: Response, authorization: Authorization = None) -> str:
        """Record again."""
        identity, subject = tokens.read(authorization), body.subject()
        response.headers[RECORDING_ID] = await recordings.resume(asker(identity, subject), subject)
        return "participant recording resumed successfully."

    return router
