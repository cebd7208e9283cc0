"""Participant recordings, by the official SDK, of real media."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from services.recorder.media.probe import decode_errors, probe
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingRefused,
    ParticipantRecordingStarted,
)
from tests.e2e.videosdk.place import Place
from tests.e2e.videosdk.sdk import Sdk
from tests.e2e.videosdk.server import ATTESTED, STARTED, Server
from tests.support.eventually import eventually
from tests.support.meeting import until_happened

pytestmark = pytest.mark.asyncio(loop_scope="session")

Clients = Callable[..., AbstractAsyncContextManager[Sdk]]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_ID = re.compile(r"[0-9a-f]{24}")


async def test_nobody_is_recorded_who_has_not_agreed_and_everybody_who_has_is(server: Server, ffmpeg: Path) -> None:
    room = await server.room()
    await room.join("mona", moderates=True)
    await room.join("alice")
    await server.sends(room, "alice")

    before = await server.sdk.refused("recordings.participant.start", room.room_id, {"participantId": "alice"})
    assert before == ("PermissionError", 403, "consent_required")
    refused = await until_happened(
        server.place.store, ParticipantRecordingRefused, lambda it: it.room_id == room.room_id
    )
    assert (refused.participant_id, refused.code) == ("alice", "consent_required")

    await room.consent("alice", consent=True, seen_by="mona")
    got = await server.recorded(room, "alice", seconds=2)

    _require_recording(got, room.room_id, await server.session_id(room), "alice")
    path = server.place.stored(got["files"][0]["filePath"])
    assert await decode_errors(ffmpeg, path) == ""
    assert path.stat().st_size == got["files"][0]["size"]
    assert (await probe(ffmpeg, path)).duration_ms > 1500


def _require_recording(got: dict[str, Any], room_id: str, session_id: str, participant_id: str) -> None:
    told = {key: got[key] for key in ("roomId", "sessionId", "participantId", "kind", "fileFormat", "mode")}
    assert told == {
        "roomId": room_id,
        "sessionId": session_id,
        "participantId": participant_id,
        "kind": "audio_video",
        "fileFormat": "webm",
        "mode": "participant",
    }
    assert _ID.fullmatch(got["id"])
    assert _MOMENT.fullmatch(got["start"])
    assert _MOMENT.fullmatch(got["end"])
    assert got["start"] < got["end"]
    (file,) = got["files"]
    assert (file["type"], file["meta"]["format"]) == ("video", "webm")
    assert file["meta"]["duration"] > 0
    name = rf"{session_id}/{participant_id}/participant_recording_{participant_id}_\d+\.webm"
    assert re.fullmatch(name, file["filePath"])
    assert file["fileUrl"].endswith(f"/v2/recordings/participant/{got['id']}/file")


async def test_what_is_said_no_to_in_person_is_not_overruled_by_the_server(server: Server) -> None:
    room = await server.room(consentAttestation={"reference": "contract 17"})
    await room.join("mona", moderates=True)
    await room.join("alice")
    await room.consent("alice", consent=True, seen_by="mona")
    await room.consent("alice", consent=False, seen_by="mona")

    refused = await server.sdk.refused("recordings.participant.start", room.room_id, {"participantId": "alice"})

    assert refused == ("PermissionError", 403, "consent_required")


async def test_the_call_may_bring_the_attestation(server: Server) -> None:
    room = await server.room(media={"type": "rtp"})
    await server.sends(room, "alice")
    asked = {"participantId": "alice", "consentAttestation": {"reference": "signed on paper"}, "metadata": {"10": 1.0}}

    assert await server.sdk.call("recordings.participant.start", room.room_id, asked) == STARTED

    await _started(server, room.room_id, "alice")


async def test_a_recording_runs_once_and_what_does_not_run_is_not_stopped(server: Server) -> None:
    room = await server.attested_room("alice")
    call = "recordings.participant"
    assert (await server.sdk.refused(f"{call}.stop", room.room_id, "alice")) == (
        "RoomNotFoundError",
        404,
        "not_recording",
    )
    recording_id = await server.start(room, "alice")
    again = await server.sdk.refused(f"{call}.start", room.room_id, {"participantId": "alice"})
    assert again == ("ResourceConflictError", 409, "already_recording")
    assert (await server.sdk.refused(f"{call}.delete", recording_id))[1:] == (409, "recording_running")
    running = await server.sdk.call(f"{call}.get", recording_id)
    assert (running["end"], running["files"]) == (None, [])
    await _started(server, room.room_id, "alice")
    await server.stop(room, "alice")
    await server.finished(recording_id)


async def test_recordings_are_listed_over_pages_newest_first_each_once(server: Server) -> None:
    room = await server.attested_room("alice", "bob")
    session_id = await server.session_id(room)
    made = [
        (await server.recorded(room, name, seconds=0.2))["id"] for name in ("alice", "bob", "alice", "bob", "alice")
    ]

    call = "recordings.participant.list"
    listed = await server.sdk.walk(call, roomId=room.room_id, perPage=2)
    assert (listed.first, listed.total) == (2, 5)
    assert listed.ids() == made[::-1]
    assert (await server.sdk.walk(call, sessionId=session_id)).ids() == made[::-1]
    assert (await server.sdk.walk(call, roomId=room.room_id, participantId="bob")).ids() == [made[3], made[1]]
    assert (await server.sdk.walk(call, roomId=room.room_id, participantId="nobody")).ids() == []
    for each in made:
        assert (await server.sdk.call("recordings.participant.get", each))["id"] == each


async def test_what_the_sdk_does_not_know_is_asked_by_its_way_around(server: Server) -> None:
    room = await server.attested_room("alice")
    recording_id = await server.start(room, "alice")
    await server.started(recording_id)
    alice = {"body": {"roomId": room.room_id, "participantId": "alice"}}
    for step in ("pause", "resume"):
        assert isinstance(await server.sdk.call("api.post", f"/v2/recordings/participant/{step}", alice), str)
    await server.stop(room, "alice")
    await server.finished(recording_id)

    told = await server.sdk.call("api.get", f"/v2/recordings/participant/{recording_id}/events")

    steps = ("requested", "started", "paused", "resumed", "stop-requested", "stopped")
    assert [each["type"] for each in told["data"]] == [f"participant-recording.{step}.v1" for step in steps]
    assert told["data"][0]["actor"] == f"server:{server.place.api_key}"


async def test_what_was_deleted_is_gone_and_so_are_its_files(server: Server) -> None:
    room = await server.attested_room("alice")
    kept, deleted = [await server.recorded(room, "alice", seconds=0.2) for _ in range(2)]
    path = server.place.stored(deleted["files"][0]["filePath"])
    assert path.exists()

    told = await server.sdk.call("recordings.participant.delete", deleted["id"])

    assert told == "Participant Recording deleted successfully."
    gone = ("RoomNotFoundError", 404, "recording_not_found")
    assert await server.sdk.refused("recordings.participant.get", deleted["id"]) == gone
    assert await server.sdk.refused("recordings.participant.delete", deleted["id"]) == gone
    assert (await server.sdk.walk("recordings.participant.list", roomId=room.room_id)).ids() == [kept["id"]]
    await eventually(lambda: not path.exists(), within=15)
    assert server.place.stored(kept["files"][0]["filePath"]).exists()
    for kind in (ParticipantRecordingDeleted, ParticipantRecordingErased):
        await until_happened(server.place.store, kind, lambda event: event.participant_recording_id == deleted["id"])


async def test_somebody_who_is_not_there_yet_is_waited_for(server: Server) -> None:
    room = await server.attested_room("alice")
    recording_id = await server.start(room, "bob")

    await server.sends(room, "bob")

    await _started(server, room.room_id, "bob")
    await server.stop(room, "bob")
    assert (await server.finished(recording_id))["participantId"] == "bob"


async def test_files_go_where_the_server_says(server: Server) -> None:
    room = await server.attested_room("alice", storagePrefix="acme")
    recording_id = await server.start(room, "alice", dirPath="weekly/standup")
    await _started(server, room.room_id, "alice")
    await server.stop(room, "alice")

    got = await server.finished(recording_id)

    assert got["files"][0]["filePath"].startswith(f"acme/weekly/standup/{got['sessionId']}/alice/")
    assert server.place.stored(got["files"][0]["filePath"]).exists()


async def test_the_end_of_the_session_ends_what_is_recorded(server: Server) -> None:
    room = await server.attested_room("alice")
    recording_id = await server.start(room, "alice")
    await _started(server, room.room_id, "alice")

    await server.sdk.call("sessions.end", {"roomId": room.room_id})

    got = await server.finished(recording_id)
    assert got["end"]


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"participantId": "alice", "fileFormat": "mp4"}, 400, "unsupported_file_format"),
        ({"participantId": ""}, 400, None),
        ({"participantId": "alice", "dirPath": "../elsewhere"}, 400, None),
        ({"participantId": None}, 400, None),
    ],
    ids=["another format", "nobody", "a folder outside", "null"],
)
async def test_what_cannot_be_recorded_is_refused_with_its_reason(
    server: Server, asked: dict[str, Any], status: int, code: str | None
) -> None:
    room = await server.attested_room("alice")

    refused = await server.sdk.refused("recordings.participant.start", room.room_id, asked)

    assert refused[:2] == ("ValidationError", status)
    assert code in {None, refused[2]}


async def test_refusals_name_what_is_not_there(server: Server, place: Place, client: Clients) -> None:
    empty, call = await server.room(**ATTESTED), "recordings.participant"
    alice = {"participantId": "alice"}
    assert (await server.sdk.refused(f"{call}.start", "no-such-room", alice))[1:] == (400, "room_not_found")
    assert (await server.sdk.refused(f"{call}.start", empty.room_id, alice))[1:] == (404, "session_not_found")
    assert (await server.sdk.refused(f"{call}.get", "0" * 24))[1:] == (404, "recording_not_found")
    screen = {**alice, "kind": "screen_video"}
    assert (await server.sdk.refused("recordings.track.start", empty.room_id, screen))[1:] == (400, "unsupported_kind")
    joins_only = await server.sdk.call("generateToken", {"roles": ["rtc"]})
    reads_only = await server.sdk.call("generateToken", {"roles": [], "permissions": ["allow_join"]})
    for token in (joins_only, reads_only):
        async with client(place, token=token) as weaker:
            kind, status, _ = await weaker.refused(f"{call}.start", empty.room_id, alice)
            assert (kind, status) == ("PermissionError", 403)


async def _started(server: Server, room_id: str, participant_id: str) -> ParticipantRecordingStarted:
    return await until_happened(
        server.place.store,
        ParticipantRecordingStarted,
        lambda event: (event.room_id, event.participant_id, event.kind) == (room_id, participant_id, "audio_video"),
    )
