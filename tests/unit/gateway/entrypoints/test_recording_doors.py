"""Having participants and their tracks recorded, at the doors: VideoSDK's requests, answers and errors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.entrypoints.errors import install_error_answers
from services.gateway.entrypoints.v2.participant_recordings import (
    PARTICIPANT_DOORS,
    TRACK_DOORS,
    participant_recordings_router,
)
from shared.contracts.consent import ConsentAttested, ConsentGiven
from shared.contracts.participant_recording import StopParticipantRecording
from shared.contracts.room import ParticipantJoined, SessionEnded
from shared.runtime.credentials import Credentials
from shared.runtime.tokens import Tokens
from tests.support.moments import at
from tests.unit.gateway.recording_house import RecordingHouse

_TOKENS = Tokens(Credentials("key", "a secret of more than thirty-two bytes"))
_ANN = {"roomId": "r", "participantId": "ann"}
_AUDIO = {**_ANN, "kind": "audio"}
_PARTICIPANT, _TRACK = "/v2/recordings/participant", "/v2/recordings/participant/track"


def token(**claims: Any) -> str:
    return _TOKENS.issue(datetime.now(UTC), **claims)


_SERVER = token(permissions=["allow_join", "allow_mod"], roles=["crawler"])


@dataclass(slots=True)
class Doors:
    http: httpx.AsyncClient
    house: RecordingHouse

    async def post(self, path: str, body: Any, authorization: str = _SERVER) -> httpx.Response:
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        return await self.http.post(path, content=json.dumps(body), headers=headers)


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    """The doors of room `r`, where ann is and consents."""
    async with RecordingHouse().opened() as house:
        await house.session(storage_prefix="team")
        await house.happens(
            ParticipantJoined(
                at=at(1), room_id="r", session_id="s", participant_id="ann", display_name="Ann", role="user"
            ),
            ConsentGiven(at=at(2), room_id="r", session_id="s", participant_id="ann"),
        )
        app = FastAPI()
        install_error_answers(app)
        for doors in (TRACK_DOORS, PARTICIPANT_DOORS):
            app.include_router(participant_recordings_router(house.recordings, _TOKENS, doors), prefix="/v2")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
            yield Doors(http, house)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, which says both also in its body, and something for people."""
    body = answer.json()
    assert body.keys() == {"message", "code", "statusCode"}
    assert (body["statusCode"], bool(body["message"])) == (answer.status_code, True)
    return answer.status_code, body["code"]


# --- answers


@pytest.mark.parametrize(
    ("path", "body", "what"),
    [(_PARTICIPANT, _ANN, "participant recording"), (_TRACK, _AUDIO, "track recording")],
)
async def test_answers_are_sentences_in_json_and_name_the_recording_beside(
    doors: Doors, path: str, body: dict[str, str], what: str
) -> None:
    done = {"start": "started", "pause": "paused", "resume": "resumed", "stop": "ended"}
    ids = set()
    for asked, sentence in done.items():
        answer = await doors.post(f"{path}/{asked}", body)
        assert (answer.status_code, answer.text) == (200, f'"{what} {sentence} successfully."')
        assert answer.headers["content-type"] == "application/json"
        ids.add(answer.headers["Recording-Id"])
    assert len(ids) == 1
    assert [
        type(each).__name__.removesuffix("ParticipantRecording").lower() for each in doors.house.recorder.asked
    ] == [*done]


async def test_a_track_is_beside_the_participants_file_and_beside_the_other_track(doors: Doors) -> None:
    assert (await doors.post(f"{_PARTICIPANT}/start", _ANN)).status_code == 200
    for kind in ("audio", "video"):
        assert (await doors.post(f"{_TRACK}/start", {**_ANN, "kind": kind})).status_code == 200
        assert doors.house.started().kind == kind
    assert (await doors.post(f"{_TRACK}/stop", _AUDIO)).status_code == 200
    assert [kind for _, _, kind in doors.house.recorder.running] == ["audio_video", "video"]


@pytest.mark.parametrize(
    ("path", "body", "what"),
    [(_PARTICIPANT, _ANN, "participant recording"), (_TRACK, _AUDIO, "track recording")],
)
async def test_who_stops_a_recording_may_throw_it_away(doors: Doors, path: str, body: Any, what: str) -> None:
    begun = await doors.post(f"{path}/start", body)
    answer = await doors.post(f"{path}/stop", {**body, "discard": True})
    assert (answer.status_code, answer.text) == (200, f'"{what} discarded successfully."')
    assert answer.headers["Recording-Id"] == begun.headers["Recording-Id"]
    stop = doors.house.recorder.asked[-1]
    assert isinstance(stop, StopParticipantRecording)
    assert stop.discarded_by == "server:key"


@pytest.mark.parametrize("more", [{}, {"discard": False}, {"discard": None}])
async def test_what_is_merely_stopped_is_kept(doors: Doors, more: dict[str, Any]) -> None:
    await doors.post(f"{_PARTICIPANT}/start", _ANN)
    assert (await doors.post(f"{_PARTICIPANT}/stop", _ANN | more)).text == '"participant recording ended successfully."'
    stop = doors.house.recorder.asked[-1]
    assert isinstance(stop, StopParticipantRecording)
    assert stop.discarded_by is None


@pytest.mark.parametrize("said", ["true", 1, [], {}])
async def test_nothing_but_true_throws_a_recording_away(doors: Doors, said: Any) -> None:
    for path, body in ((_PARTICIPANT, _ANN), (_TRACK, _AUDIO)):
        assert refusal(await doors.post(f"{path}/stop", {**body, "discard": said})) == (400, "invalid_request")
    assert doors.house.recorder.asked == []


async def test_who_may_not_stop_may_not_throw_away(doors: Doors) -> None:
    await doors.post(f"{_PARTICIPANT}/start", _ANN)
    anothers = token(permissions=["allow_join", "allow_mod"], roles=["crawler"], participant_id="bob")
    for discard in (False, True):
        answer = await doors.post(f"{_PARTICIPANT}/stop", {**_ANN, "discard": discard}, anothers)
        assert refusal(answer) == (403, "forbidden")
    assert not any(isinstance(each, StopParticipantRecording) for each in doors.house.recorder.asked)


# --- bodies


async def test_null_is_absent_and_what_is_not_known_is_ignored(doors: Doors) -> None:
    nothing = dict.fromkeys(("fileFormat", "webhookUrl", "bucketDirPath", "metadata", "consentAttestation"))
    body = {**_ANN, **nothing, "kind": "screen_video", "anything": [1]}
    assert (await doors.post(f"{_PARTICIPANT}/start", body)).status_code == 200
    asked = doors.house.started()
    assert (asked.kind, asked.webhook_url, asked.storage_prefix) == ("audio_video", None, "team")
    assert await doors.house.written(ConsentAttested) == []
    assert (await doors.post(f"{_PARTICIPANT}/stop", {**_ANN, "kind": "audio"})).status_code == 200
    assert isinstance(doors.house.recorder.asked[-1], StopParticipantRecording)


async def test_what_is_asked_reaches_the_recorder(doors: Doors) -> None:
    body = {
        **_ANN,
        "fileFormat": "webm",
        "webhookUrl": "https://target.example/hook?a=1",
        "bucketDirPath": "calls/today",
        "metadata": {"10": 1e-7},
        "consentAttestation": {"reference": "contract 7", "more": 1},
    }
    assert (await doors.post(f"{_PARTICIPANT}/start", body)).status_code == 200
    asked = doors.house.started()
    assert (asked.webhook_url, asked.storage_prefix) == ("https://target.example/hook?a=1", "team/calls/today")


async def test_what_is_empty_is_absent(doors: Doors) -> None:
    empty = dict.fromkeys(("webhookUrl", "bucketDirPath", "fileFormat"), "")
    assert (await doors.post(f"{_PARTICIPANT}/start", {**_ANN, **empty})).status_code == 200
    assert (doors.house.started().webhook_url, doors.house.started().storage_prefix) == (None, "team")


@pytest.mark.parametrize(
    ("said", "folder"),
    [("recordings/", "team/recordings"), ("/s3path", "team/s3path"), ("//a/b//", "team/a/b"), ("/", "team")],
)
async def test_slashes_around_a_folder_mean_nothing(doors: Doors, said: str, folder: str) -> None:
    assert (await doors.post(f"{_PARTICIPANT}/start", {**_ANN, "bucketDirPath": said})).status_code == 200
    assert doors.house.started().storage_prefix == folder


@pytest.mark.parametrize("target", ["Your Webhook URL", "webhook", "x" * 512])
async def test_a_target_that_is_no_url_does_not_keep_anybody_from_being_recorded(doors: Doors, target: str) -> None:
    assert (await doors.post(f"{_PARTICIPANT}/start", {**_ANN, "webhookUrl": target})).status_code == 200
    assert doors.house.started().webhook_url == target


@pytest.mark.parametrize("action", ["start", "stop", "pause", "resume"])
@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"roomId": "r"},
        {"participantId": "ann"},
        {"roomId": "r", "participantId": ""},
        {"roomId": "", "participantId": "ann"},
        {"roomId": "r", "participantId": None},
        {"roomId": "r", "participantId": 7},
        {"roomId": "r", "participantId": "a b"},
        {"roomId": "r", "participantId": "../ann"},
        {"roomId": "r", "participantId": "x" * 129},
        {"roomId": "r", "participantId": "\ud800"},
        {"room_id": "r", "participant_id": "ann"},
    ],
)
async def test_whom_it_is_about_has_to_be_said(doors: Doors, action: str, body: Any) -> None:
    assert refusal(await doors.post(f"{_PARTICIPANT}/{action}", body)) == (400, "invalid_request")
    track = {**body, "kind": "audio"} if isinstance(body, dict) else body
    assert refusal(await doors.post(f"{_TRACK}/{action}", track)) == (400, "invalid_request")
    assert doors.house.recorder.asked == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"fileFormat": "mp4"}, "unsupported_file_format"),
        ({"fileFormat": "m3u8"}, "unsupported_file_format"),
        ({"fileFormat": "WebM "}, "unsupported_file_format"),
        ({"fileFormat": ["webm"]}, "invalid_request"),
        ({"webhookUrl": 5}, "invalid_request"),
        ({"webhookUrl": "x" * 513}, "invalid_request"),
        ({"webhookUrl": "https://a\x1b[2J"}, "invalid_request"),
        ({"webhookUrl": "https://a\u202e"}, "invalid_request"),
        ({"webhookUrl": "https://a\nb"}, "invalid_request"),
        ({"consentAttestation": True}, "invalid_request"),
        ({"consentAttestation": {"reference": ""}}, "invalid_request"),
        ({"consentAttestation": {"reference": "a\x00"}}, "invalid_request"),
        ({"bucketDirPath": "/../etc"}, "invalid_request"),
        ({"bucketDirPath": "my folder"}, "invalid_request"),
        ({"bucketDirPath": "/.hidden/"}, "invalid_request"),
        ({"bucketDirPath": " /a"}, "invalid_request"),
        ({"bucketDirPath": ".."}, "invalid_request"),
        ({"bucketDirPath": "a/../b"}, "invalid_request"),
        ({"bucketDirPath": "a\\b"}, "invalid_request"),
        ({"bucketDirPath": "a//b"}, "invalid_request"),
        ({"bucketDirPath": "a\n"}, "invalid_request"),
        ({"bucketDirPath": "a\x00b"}, "invalid_request"),
        ({"bucketDirPath": "%2e%2e/a"}, "invalid_request"),
        ({"bucketDirPath": "x" * 257}, "invalid_request"),
        ({"bucketDirPath": "x" * 252}, "invalid_request"),
    ],
)
async def test_what_cannot_be_done_is_refused(doors: Doors, more: dict[str, Any], code: str) -> None:
    for path, body in ((_PARTICIPANT, _ANN), (_TRACK, _AUDIO)):
        assert refusal(await doors.post(f"{path}/start", {**body, **more})) == (400, code)
    assert doors.house.recorder.asked == []


@pytest.mark.parametrize("action", ["start", "stop", "pause", "resume"])
@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("screen_audio", "unsupported_kind"),
        ("screen_video", "unsupported_kind"),
        ("audio_video", "invalid_request"),
        ("", "invalid_request"),
        (None, "invalid_request"),
    ],
)
async def test_tracks_are_of_sound_or_picture(doors: Doors, action: str, kind: Any, code: str) -> None:
    assert refusal(await doors.post(f"{_TRACK}/{action}", {**_ANN, "kind": kind})) == (400, code)
    assert doors.house.recorder.asked == []


_WORDS = st.text(alphabet=st.sampled_from([*"ab./\\%~:\x00\n\u2025 "]), max_size=12) | st.text(max_size=20)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(folder=_WORDS, participant=_WORDS)
async def test_whatever_is_sent_files_stay_below_the_rooms_folder(doors: Doors, folder: str, participant: str) -> None:
    """The key, as the recorder makes it, is a plain path: no step of it leads up, and none is hidden."""
    doors.house.recorder.asked.clear()
    body = {"roomId": "r", "participantId": participant, "bucketDirPath": folder}
    answer = await doors.post(f"{_PARTICIPANT}/start", body)
    if answer.status_code == 400:
        assert refusal(answer) == (400, "invalid_request")
        assert doors.house.recorder.asked == []
        return
    asked = doors.house.started()
    key = f"{asked.storage_prefix}/{asked.session_id}/{asked.participant_id}/participant_recording_1.webm"
    assert key.startswith("team/")
    assert all(step and not step.startswith(".") and step.isprintable() and "\\" not in step for step in key.split("/"))


# --- refusals


async def test_refusals_have_the_status_that_clients_know(doors: Doors) -> None:
    assert refusal(await doors.post(f"{_PARTICIPANT}/stop", _ANN)) == (404, "not_recording")
    assert refusal(await doors.post(f"{_PARTICIPANT}/pause", _ANN)) == (404, "not_recording")
    assert (await doors.post(f"{_PARTICIPANT}/start", _ANN)).status_code == 200
    assert refusal(await doors.post(f"{_PARTICIPANT}/start", _ANN)) == (409, "already_recording")
    bob = {"roomId": "r", "participantId": "bob"}
    assert refusal(await doors.post(f"{_PARTICIPANT}/start", bob)) == (403, "consent_required")
    unknown = {"roomId": "nowhere", "participantId": "ann"}
    answer = await doors.post(f"{_PARTICIPANT}/start", unknown)
    assert refusal(answer) == (400, "room_not_found")
    assert answer.json()["message"].startswith("Room not found")
    await doors.house.happens(SessionEnded(at=at(9), room_id="r", session_id="s"))
    for action in ("start", "stop", "pause", "resume"):
        assert refusal(await doors.post(f"{_PARTICIPANT}/{action}", _ANN)) == (404, "session_not_found")


# --- who may


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"roles": ["crawler"]}, 200),
        ({"permissions": ["allow_mod"]}, 200),
        ({"permissions": ["allow_mod"], "room_id": "r"}, 200),
        ({"roles": ["crawler"], "room_id": "r", "participant_id": "ann"}, 200),
        ({"permissions": ["allow_join"]}, 403),
        ({"permissions": ["allow_mod"], "roles": ["rtc"]}, 403),
        ({"roles": ["crawler"], "room_id": "q"}, 403),
        ({"roles": ["crawler"], "participant_id": "bob"}, 403),
    ],
)
@pytest.mark.parametrize("action", ["start", "stop", "pause", "resume"])
async def test_moderators_and_servers_may_of_their_room_and_participant(
    doors: Doors, action: str, claims: dict[str, Any], status: int
) -> None:
    doors.house.recorder.running["s", "ann", "audio"] = doors.house.recorder.running["s", "ann", "audio_video"] = "one"
    if action == "start":
        doors.house.recorder.running.clear()
    for path, body in ((_PARTICIPANT, _ANN), (_TRACK, _AUDIO)):
        answer = await doors.post(f"{path}/{action}", body, token(**claims))
        assert answer.status_code == status
        assert status == 200 or refusal(answer) == (403, "forbidden")
    assert bool(doors.house.recorder.asked) is (status == 200)


async def test_without_a_token_nothing_is_done(doors: Doors) -> None:
    for path, body in ((_PARTICIPANT, _ANN), (_TRACK, _AUDIO)):
        for action in ("start", "stop", "pause", "resume"):
            assert refusal(await doors.post(f"{path}/{action}", body, "nonsense")) == (401, "unauthorized")
    assert doors.house.recorder.asked == []


async def test_the_log_names_who_asked(doors: Doors) -> None:
    await doors.post(f"{_PARTICIPANT}/start", _ANN)
    await doors.post(f"{_PARTICIPANT}/stop", _ANN, token(permissions=["allow_mod"], participant_id="ann"))
    assert doors.house.recorder.actors == ["server:key", "participant:ann"]
