"""Merges of sound, and transcodings: several participants' recordings in one file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rest.calls import Call, Calls
from tests.e2e.rest.picture import RATE, heard, seen
from tests.e2e.rest.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

_MERGES, _TRANSCODINGS = "/v2/recordings/participant/merge", "/v2/transcodings"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_MERGED_SECONDS = 40
_FILE = {"id", "type", "size", "meta", "ratio", "filePath", "fileUrl", "userStorage", "createdAt", "updatedAt"}
_JOB = {
    "id", "recordingIds", "roomId", "sessionId", "status", "progress", "task", "startedAt", "stoppedAt", "file",
    "webhook",
}  # fmt: skip


async def _both(call: Call) -> dict[str, str]:
    """Record alice and bob, and stop, without waiting for their files."""
    ids = {name: await call.start(name) for name in ("alice", "bob")}
    for recording_id in ids.values():
        await call.started(recording_id)
    await call.senders["alice"].sends(1.5)
    for name in ids:
        await call.stop(name)
    return ids


async def test_what_was_just_stopped_is_merged_left_and_right(server: Server, calls: Calls, ffmpeg: Path) -> None:
    call = await calls.attested("alice")
    await call.bring("bob", "audio")
    session_id = await call.session_id()
    ids = await _both(call)
    # As VideoSDK's agents ask for it: at once, with a room and without recordings' ids.
    asked: dict[str, Any] = {
        "roomId": call.room_id,
        "sessionId": session_id,
        "channel1": [{"participantId": "alice"}],
        "channel2": [{"participantId": "bob", "type": "participant"}],
        "webhookUrl": None,
    }
    answer = await server.post(_MERGES, asked)
    assert answer.keys() == {"message", "recording"}
    assert answer["message"] == "Merge recording job started successfully."
    merge = answer["recording"]
    assert _UUID.fullmatch(merge["id"])
    assert _MOMENT.fullmatch(merge["start"])
    assert merge == {
        "id": merge["id"],
        "channel1": [{"recordingId": ids["alice"], "participantId": "alice"}],
        "channel2": [{"recordingId": ids["bob"], "participantId": "bob"}],
        "start": merge["start"],
        "status": "running",
        "progress": 0,
        "meetingId": call.room_id,
        "sessionId": session_id,
    }
    assert await server.refused("POST", _MERGES, asked) == (409, "already_merging")

    path = f"{_MERGES}/{merge['id']}"
    done = await server.until(path, lambda got: got["status"] != "running", within=_MERGED_SECONDS)

    assert {**merge, "status": "completed", "progress": 100, "end": done["end"], "file": done["file"]} == done
    assert merge["start"] < done["end"]
    file = done["file"]
    assert file.keys() == _FILE
    assert (file["type"], file["meta"]["format"], file["userStorage"]) == ("audio", "mp3", None)
    assert file["meta"].keys() == {"format", "duration"}
    assert file["ratio"].keys() == {"audio"}
    assert file["filePath"] == f"{session_id}/merge_recording_{merge['id']}.mp3"
    stored = server.storage / file["filePath"]
    loaded = await server.ask("GET", file["fileUrl"])
    assert (loaded.status_code, loaded.headers["content-type"]) == (200, "audio/mpeg")
    assert loaded.content == stored.read_bytes()
    assert len(loaded.content) == file["size"]
    assert any(await heard(ffmpeg, stored, channel=0)), "alice is to the left"
    assert not any(await heard(ffmpeg, stored, channel=1)), "bob, who is muted, to the right"
    await _require_listed(server, call, done)


async def _require_listed(server: Server, call: Call, merge: dict[str, Any]) -> None:
    for query, expected in (
        ({"roomId": call.room_id}, [merge]),
        ({"sessionId": merge["sessionId"], "status": "completed"}, [merge]),
        ({"id": merge["id"]}, [merge]),
        ({"roomId": call.room_id, "status": "failed"}, []),
    ):
        listed = await server.get(_MERGES, **query)
        assert listed["recordings"] == expected, query
        assert listed["pageInfo"] == {"currentPage": 1, "perPage": 20, "lastPage": 1, "total": len(expected)}
    assert merge in (await server.get(_MERGES))["recordings"], "without any filter"
    assert await server.refused("GET", f"{_TRANSCODINGS}/{merge['id']}") == (404, "merge_not_found")


async def test_tracks_are_merged_where_the_type_says_so(server: Server, calls: Calls) -> None:
    call = await calls.attested("alice", "bob")
    tracks = {}
    for name in ("alice", "bob"):
        body = call.about(name, kind="audio")
        answer = await server.ask("POST", "/v2/recordings/participant/track/start", body)
        tracks[name] = answer.headers["Recording-Id"]
        await call.started(tracks[name], "/v2/recordings/participant/track")
        await call.senders[name].sends(0.5)
        await server.post("/v2/recordings/participant/track/stop", body)
    merge = await server.post(
        _MERGES,
        {
            "sessionId": await call.session_id(),
            "type": "track",
            "channel1": [{"participantId": "alice"}],
            "channel2": [{"participantId": "bob", "recordingId": tracks["bob"]}],
            "dirPath": "merged/calls",
        },
    )
    assert [each["recordingId"] for each in merge["recording"]["channel1"]] == [tracks["alice"]]
    path = f"{_MERGES}/{merge['recording']['id']}"
    done = await server.until(path, lambda got: got["status"] != "running", within=_MERGED_SECONDS)
    assert done["status"] == "completed"
    assert done["file"]["filePath"].startswith("merged/calls/")


async def test_a_grid_is_made_of_what_was_just_stopped(server: Server, calls: Calls, ffmpeg: Path) -> None:
    call = await calls.attested("alice", "bob")
    ids = list((await _both(call)).values())
    job = await server.post(f"{_TRANSCODINGS}/merge", {"recordingIds": ids, "webhookUrl": None, "watermark": None})
    assert job.keys() == _JOB
    assert _UUID.fullmatch(job["id"])
    session_id = await call.session_id()
    told = {"recordingIds": ids, "roomId": call.room_id, "sessionId": session_id, "task": "composite-merge"}
    assert {name: job[name] for name in told} == told
    assert job["status"] in {"pending", "processing"}
    assert (job["stoppedAt"], job["file"]) == (None, None)
    again = await server.refused("POST", f"{_TRANSCODINGS}/merge", {"recordingIds": ids[::-1]})
    assert again == (409, "already_merging")

    over = {"completed", "failed", "cancelled"}
    path = f"{_TRANSCODINGS}/{job['id']}"
    done = await server.until(path, lambda got: got["status"] in over, within=_MERGED_SECONDS)

    assert (done["status"], done.keys()) == ("completed", _JOB)
    assert done["startedAt"] <= done["stoppedAt"]
    file = done["file"]
    assert file.keys() == _FILE
    assert (file["type"], file["meta"]["format"]) == ("video", "mp4")
    assert file["meta"].keys() == {"resolution", "format", "duration"}
    assert file["filePath"] == f"{session_id}/composite_recording_{job['id']}.mp4"
    stored = server.storage / file["filePath"]
    loaded = await server.ask("GET", file["fileUrl"])
    assert (loaded.status_code, loaded.headers["content-type"]) == (200, "video/mp4")
    assert loaded.content == stored.read_bytes()
    assert sum(await seen(ffmpeg, stored)) > RATE / 2
    assert (await server.get(_TRANSCODINGS, roomId=call.room_id, status="completed"))["data"] == [done]
    assert (await server.get(_TRANSCODINGS, sessionId=session_id, status="failed"))["data"] == []
    assert await server.refused("POST", f"{path}/cancel") == (409, "merge_not_running")
    assert await server.refused("GET", f"{_MERGES}/{job['id']}") == (404, "merge_not_found")


async def test_a_job_is_cancelled_without_a_body(server: Server, calls: Calls) -> None:
    call = await calls.attested("alice", "bob")
    ids = list((await _both(call)).values())
    job = await server.post(f"{_TRANSCODINGS}/merge", {"recordingIds": ids})
    answer = await server.ask("POST", f"{_TRANSCODINGS}/{job['id']}/cancel")
    assert "content-type" not in answer.request.headers
    assert (answer.status_code, answer.json()["status"], answer.json()["file"]) == (200, "cancelled", None)
    assert answer.json()["stoppedAt"] is not None
    assert (await server.get(f"{_TRANSCODINGS}/{job['id']}")) == answer.json()
    assert await server.refused("GET", f"{_TRANSCODINGS}/{job['id']}/file") == (404, "file_not_found")


async def test_what_cannot_be_merged_is_refused_with_its_reason(server: Server, calls: Calls) -> None:
    call, other = await calls.attested("alice"), await calls.attested("carol")
    running = await call.start("alice")
    await call.started(running)
    session_id = await call.session_id()
    alice, nobody = [{"participantId": "alice"}], [{"participantId": "nobody"}]

    async def stereo(**body: Any) -> tuple[int, str]:
        asked = {"sessionId": session_id, "channel1": alice, "channel2": alice}
        return await server.refused("POST", _MERGES, asked | body)

    assert await stereo() == (409, "recording_running")
    assert await stereo(channel2=nobody) in {(404, "recording_not_found"), (409, "recording_running")}
    assert await stereo(channel1=nobody, channel2=nobody) == (404, "recording_not_found")
    assert await stereo(channel2=[]) == (400, "invalid_request")
    assert await stereo(channel1=None) == (400, "invalid_request")
    assert await stereo(channel1=[{}]) == (400, "invalid_request")
    assert await stereo(type="mixed") == (400, "invalid_request")
    assert await stereo(dirPath="../up") == (400, "invalid_request")
    assert await stereo(sessionId="0" * 24) == (404, "session_not_found")
    assert await stereo(watermarks=[{}]) == (400, "not_supported")

    async def grid(*recording_ids: str, **body: Any) -> tuple[int, str]:
        return await server.refused("POST", f"{_TRANSCODINGS}/merge", {"recordingIds": recording_ids, **body})

    carols = (await other.recorded("carol", 0.1))["id"]
    assert await grid(running) == (409, "recording_running")
    assert await grid() == (400, "invalid_request")
    assert await grid(carols, carols) == (400, "invalid_request")
    assert await grid("0" * 24) == (404, "recording_not_found")
    assert (await grid(carols, running))[0] in {400, 409}
    assert await grid(carols, watermark={"x": 1}) == (400, "not_supported")
    await server.delete(f"/v2/recordings/participant/{carols}")
    assert await grid(carols) == (404, "recording_not_found")
