"""REST v2: recordings of one participant, of sound and picture in one file or of one track alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import APIRouter, Depends, Response

from services.gateway.entrypoints.v2.recording_requests import (
    About,
    AboutTrack,
    Start,
    StartTrack,
    Stop,
    StopTrack,
    asker,
)
from services.gateway.participant_recordings import Asker, ParticipantRecordings, Subject
from shared.runtime.http import Authorization
from shared.runtime.tokens import Tokens

#: Which recording it is, beside the answer, which is a mere sentence.
RECORDING_ID = "Recording-Id"

_Verb = Literal["start", "stop", "pause", "resume"]
_DONE = {"start": "started", "stop": "ended", "discard": "discarded", "pause": "paused", "resume": "resumed"}


def _start(body: Start) -> Start:
    return body


def _stop(body: Stop) -> Stop:
    return body


def _about(body: About) -> About:
    return body


def _start_track(body: StartTrack) -> Start:
    return body


def _stop_track(body: StopTrack) -> Stop:
    return body


def _about_track(body: AboutTrack) -> About:
    return body


@dataclass(frozen=True, slots=True)
class Doors:
    """What recordings of participants and recordings of tracks differ by."""

    #: Below `/recordings`.
    path: str
    #: As answers name it.
    what: str
    #: Read the bodies.
    start: Callable[..., Start]
    stop: Callable[..., Stop]
    about: Callable[..., About]
    #: What each does.
    does: Mapping[_Verb, str]


PARTICIPANT_DOORS = Doors(
    "participant",
    "participant",
    _start,
    _stop,
    _about,
    {
        "start": "Record a participant of a live session; one who is not there is waited for.",
        "stop": "End the file now, or throw it away.",
        "pause": "Record nothing from now on; the file goes on in black and silence.",
        "resume": "Record again.",
    },
)
TRACK_DOORS = Doors(
    "participant/track",
    "track",
    _start_track,
    _stop_track,
    _about_track,
    {
        "start": "Record the sound or the picture of a participant of a live session, alone.",
        "stop": "End the recording now, or throw it away.",
        "pause": "Record nothing from now on; the file ends.",
        "resume": "Record again, into another file.",
    },
)


def participant_recordings_router(recordings: ParticipantRecordings, tokens: Tokens, doors: Doors) -> APIRouter:
    router = APIRouter(prefix=f"/recordings/{doors.path}")
    start_body, stop_body, about_body = Depends(doors.start), Depends(doors.stop), Depends(doors.about)

    @router.post("/start", **_named(doors, "start"))
    async def start(response: Response, authorization: Authorization = None, body: Start = start_body) -> str:
        identity, subject = tokens.read(authorization), body.subject()
        response.headers[RECORDING_ID] = await recordings.start(asker(identity, subject), subject, body.wishes())
        return _answer(doors, "start")

    @router.post("/stop", **_named(doors, "stop"))
    async def stop(response: Response, authorization: Authorization = None, body: Stop = stop_body) -> str:
        identity, subject = tokens.read(authorization), body.subject()
        by = asker(identity, subject)
        response.headers[RECORDING_ID] = await recordings.stop(by, subject, discards=bool(body.discard))
        return _answer(doors, "discard" if body.discard else "stop")

    def door(verb: _Verb, give: Callable[[Asker, Subject], Awaitable[str]]) -> None:
        @router.post(f"/{verb}", **_named(doors, verb))
        async def change(response: Response, authorization: Authorization = None, body: About = about_body) -> str:
            identity, subject = tokens.read(authorization), body.subject()
            response.headers[RECORDING_ID] = await give(asker(identity, subject), subject)
            return _answer(doors, verb)

    door("pause", recordings.pause)
    door("resume", recordings.resume)
    return router


def _named(doors: Doors, verb: _Verb) -> dict[str, Any]:
    return {"name": f"{verb}_{doors.what}_recording", "description": doors.does[verb]}


def _answer(doors: Doors, what: str) -> str:
    return f"{doors.what} recording {_DONE[what]} successfully."
