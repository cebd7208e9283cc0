"""The OpenAPI document says what the framework does not know of a route."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from services.gateway.adapters.invites import (
    InvalidInviteCodeError,
    InviteNotFoundError,
    TooManyAttemptsError,
    WrongRoomPasswordError,
)
from services.gateway.admissions import InvalidBreakoutRoomIdError, NoBreakoutRoomsError, SessionRunningError
from services.gateway.domain.room_errors import (
    NotInRoomError,
    ParticipantNotAllowedError,
    RoomDeactivatedError,
    RoomNotFoundError,
    SessionNotFoundError,
)
from services.gateway.entrypoints.breakout_rooms import BreakoutRoom
from services.gateway.entrypoints.examples.every import TOLD
from services.gateway.entrypoints.invites import NewInvite
from services.gateway.entrypoints.openapi import MESSAGES, Refusal, Told, described
from services.gateway.entrypoints.tickets import Start, StartInvited
from services.gateway.entrypoints.v2.kept_recordings import RecordingNotFoundError
from services.gateway.entrypoints.v2.not_supported import NotSupportedError
from services.gateway.entrypoints.v2.recording_files import FileNotFoundInStoreError
from services.gateway.entrypoints.v2.recording_requests import UnsupportedFileFormatError, UnsupportedKindError
from services.gateway.merges import MergeNotFoundError, SeveralSessionsError
from services.gateway.rooms import NestedBreakoutRoomError
from services.notifier.handlers import WebhookNotFoundError
from services.recorder.domain.merge_errors import AlreadyMergingError, MergeNotRunningError
from services.recorder.domain.participant_recording_errors import (
    ConsentRequiredError,
    NotRecordingError,
    NotStartedError,
    ParticipantAlreadyRecordingError,
    RecordingRunningError,
)
from services.recorder.media.depacketize import UnsupportedCodecError
from services.recorder.media.sources.ports import NoPortsLeftError
from shared.eventsourcing.decider import RefusedError
from shared.messaging.errors import NoAnswerError
from shared.runtime.http import Authorization


class Word(BaseModel):
    said: str


class Said(BaseModel):
    words: list[Word]


@pytest.fixture
def document() -> dict[str, Any]:
    app = FastAPI()

    @app.post("/words")
    async def take(word: Word, authorization: Authorization = None) -> dict[str, Any]:
        """Take a word.

        It is kept.
        """
        return {"words": [word]}

    @app.get("/silence")
    async def nothing() -> str:
        """Say nothing."""
        return ""

    words = Told("words", {"said": "yes"}, {"words": []}, {400: ("room_not_found",), 409: ("not_started",)}, Said)
    return described(app.openapi(), {("post", "/words"): words})


def test_a_route_has_a_summary_a_heading_and_examples(document: dict[str, Any]) -> None:
    take = document["paths"]["/words"]["post"]
    assert (take["summary"], take["description"], take["tags"]) == ("Take a word", "It is kept.", ["words"])
    assert take["requestBody"]["content"]["application/json"]["example"] == {"said": "yes"}
    assert take["responses"]["200"]["content"]["application/json"] == {
        "schema": {"$ref": "#/components/schemas/Said"},
        "example": {"words": []},
    }
    assert document["components"]["schemas"].keys() == {"Word", "Said", "Refusal"}


def test_its_own_refusals_come_beside_those_of_anything_that_has_a_body_and_needs_a_token(
    document: dict[str, Any],
) -> None:
    answers = document["paths"]["/words"]["post"]["responses"]
    assert {
        status: [*answer["content"]["application/json"]["examples"]]
        for status, answer in answers.items()
        if status != "200"
    } == {
        "400": ["invalid_request", "room_not_found"],
        "401": ["unauthorized"],
        "403": ["forbidden"],
        "409": ["not_started"],
        "413": ["body_too_large"],
        "503": ["unavailable"],
    }
    refusal = answers["409"]["content"]["application/json"]
    assert refusal["schema"] == {"$ref": "#/components/schemas/Refusal"}
    assert refusal["examples"]["not_started"]["value"] == {
        "message": MESSAGES["not_started"],
        "code": "not_started",
        "statusCode": 409,
    }


def test_a_route_that_nobody_told_of_is_there_all_the_same(document: dict[str, Any]) -> None:
    silence = document["paths"]["/silence"]["get"]
    assert (silence["summary"], silence["responses"].keys()) == ("Say nothing", {"200", "400", "503"})


def test_every_code_has_a_message() -> None:
    codes = {code for told in TOLD.values() for several in told.refused.values() for code in several}
    assert codes <= MESSAGES.keys()


_ROOM, _OTHER_ROOM, _RECORDING = "abcd-efgh-ijkl", "mnop-qrst-uvwx", "66976600a8faa5fa9694945c"
_MERGE = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.mark.parametrize(
    "error",
    [
        AlreadyMergingError(_MERGE),
        ParticipantAlreadyRecordingError("alice", _RECORDING),
        ConsentRequiredError("alice"),
        FileNotFoundInStoreError(f"recording {_RECORDING}", 0),
        InvalidBreakoutRoomIdError(_ROOM, "3a0c9a3e-52a5-4a0f-9c60-0d3b7f6f2b11"),
        InvalidInviteCodeError(),
        InviteNotFoundError(_ROOM),
        MergeNotFoundError(_MERGE),
        MergeNotRunningError(_MERGE),
        NestedBreakoutRoomError(_OTHER_ROOM, _ROOM),
        NoBreakoutRoomsError(_ROOM),
        NotInRoomError(_ROOM, "alice"),
        NotRecordingError("alice"),
        NotStartedError(_RECORDING),
        NotSupportedError("watermark"),
        ParticipantNotAllowedError(_ROOM, "alice"),
        RecordingNotFoundError(_RECORDING),
        RecordingRunningError(_RECORDING),
        RoomDeactivatedError(_ROOM),
        RoomNotFoundError(_ROOM),
        SessionNotFoundError(_ROOM),
        SessionRunningError("alice"),
        SeveralSessionsError(["61d6e823783d6b03a026ac05", "61d6e823783d6b03a026ac06"]),
        TooManyAttemptsError(),
        UnsupportedFileFormatError("mp4"),
        UnsupportedKindError("screen_video"),
        WebhookNotFoundError(UUID("2f1f2b9c-5d53-5a2e-9a53-0f6b1c2d3e4f")),
        WrongRoomPasswordError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_people_are_told_in_the_document_what_they_are_told_at_the_door(error: RefusedError) -> None:
    assert MESSAGES[error.code] == str(error)


def test_what_a_worker_refuses_is_told_in_its_words() -> None:
    assert MESSAGES["no_ports"] == str(NoPortsLeftError(range(40000, 50000)))
    assert MESSAGES["unavailable"] == str(NoAnswerError("recorder", "StartParticipantRecording", 5))
    assert MESSAGES["unsupported_codec"] == str(UnsupportedCodecError("video", "h264"))


@pytest.mark.parametrize(
    "model", [Start, StartInvited, NewInvite, BreakoutRoom, Refusal], ids=lambda model: model.__name__
)
def test_what_a_field_is_for_is_in_the_document(model: type[BaseModel]) -> None:
    untold = {name for name, field in model.model_fields.items() if not field.description}
    assert untold <= {"name", "invite_code"}, "what says itself"


def test_a_door_tells_each_code_that_it_can_answer() -> None:
    for path in ("start", "start_invited"):
        assert "session_running" in TOLD["post", f"/v1/rooms/{{room_id}}/{path}"].refused[400]
    announced = TOLD["post", "/v1/rooms/{room_id}/participants/{participant_id}/rtp"]
    assert {"no_tracks", "unsupported_codec", "no_ports"} <= set(announced.refused[400])
