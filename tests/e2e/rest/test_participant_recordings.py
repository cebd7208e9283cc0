"""Recordings of participants, by real media: their objects, lists, files and histories."""

from __future__ import annotations

import json
import re
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rest.calls import Call, Calls
from tests.e2e.rest.picture import seen
from tests.e2e.rest.server import Server
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

_RECORDINGS = "/v2/recordings/participant"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_HEX = re.compile(r"[0-9a-f]{24}")
_FIELDS = [
    "sessionId", "participantId", "kind", "fileFormat", "start", "end", "mode", "region", "files", "roomId", "webhook",
    "id",
]  # fmt: skip
_FILE_FIELDS = ["meta", "_id", "userId", "filePath", "fileUrl", "type", "size", "ratio", "__v"]


async def test_a_recording_is_shown_with_the_documented_fields(calls: Calls) -> None:
    call = await calls.attested("alice")
    recording_id = await call.start("alice")
    running = await call.started(recording_id)
    assert (running["end"], running["files"]) == (None, [])
    await call.senders["alice"].sends(1)
    await call.stop("alice")
    got = await call.finished(recording_id)

    assert [name for name in got if name != "participantName"] == _FIELDS
    assert got == {
        **got,
        "sessionId": await call.session_id(),
        "participantId": "alice",
        "participantName": "alice",
        "kind": "audio_video",
        "fileFormat": "webm",
        "mode": "participant",
        "roomId": call.room_id,
        "webhook": {"totalCount": 0, "successCount": 0, "data": []},
        "id": recording_id,
    }
    assert _HEX.fullmatch(recording_id)
    assert _MOMENT.fullmatch(got["start"])
    assert _MOMENT.fullmatch(got["end"])
    assert running["start"] == got["start"] < got["end"]
    (file,) = got["files"]
    _require_file(call, file, recording_id, got["sessionId"])


def _steps(history: list[dict[str, Any]]) -> list[str]:
    """Return what happened, but for whether packets flowed, which takes its time."""
    steps = [each["type"].removeprefix("participant-recording.").removesuffix(".v1") for each in history]
    return [step for step in steps if not step.startswith("flow-")]


def _require_file(call: Call, file: dict[str, Any], recording_id: str, session_id: str) -> None:
    assert list(file) == _FILE_FIELDS
    assert file["meta"].keys() == {"resolution", "format", "duration"}
    assert (file["meta"]["resolution"], file["meta"]["format"]) == ({"width": 640, "height": 360}, "webm")
    assert 0.9 < file["meta"]["duration"] < 60
    assert (file["type"], file["__v"]) == ("video", 0)
    assert _HEX.fullmatch(file["_id"])
    assert _HEX.fullmatch(file["userId"])
    assert re.fullmatch(rf"{session_id}/alice/participant_recording_alice_\d{{13}}\.webm", file["filePath"])
    assert file["fileUrl"] == str(call.server.http.base_url.join(f"{_RECORDINGS}/{recording_id}/file"))
    stored = (call.server.storage / file["filePath"]).stat()
    assert (stored.st_size, stat.S_IMODE(stored.st_mode)) == (file["size"], 0o600)
    assert file["ratio"].keys() == {"360"}
    assert file["ratio"]["360"] == pytest.approx(file["size"] / file["meta"]["duration"], rel=0.01)
    numbers = json.dumps([file["meta"], file["size"], file["ratio"]])
    assert not re.search(r"\d\.0\b|\de-\d", numbers), "numbers are as JavaScript writes them"


async def test_the_name_of_a_file_tells_when_it_begins(calls: Calls) -> None:
    call = await calls.attested("alice")
    got = await call.recorded("alice")
    stamp = int(re.findall(r"_(\d{13})\.webm", got["files"][0]["filePath"])[0])
    assert stamp == round(datetime.fromisoformat(got["start"]).timestamp() * 1000)


async def test_recordings_are_listed_by_each_filter_newest_first_over_pages(server: Server, calls: Calls) -> None:
    call = await calls.attested("alice", "bob")
    session_id = await call.session_id()
    made = [await call.recorded(name, 0.1) for name in ("alice", "bob", "alice")]
    for query, expected in (
        ({"roomId": call.room_id}, made[::-1]),
        ({"sessionId": session_id}, made[::-1]),
        ({"roomId": call.room_id, "participantId": "bob"}, made[1:2]),
        ({"roomId": call.room_id, "sessionId": session_id, "participantId": "alice"}, made[::-2]),
        ({"sessionId": session_id, "participantId": "nobody"}, []),
    ):
        assert (await server.get(_RECORDINGS, **query))["data"] == expected, query
    pages = [await server.get(_RECORDINGS, roomId=call.room_id, perPage=2, page=page) for page in (1, 2)]
    assert [page["pageInfo"] for page in pages] == [
        {"currentPage": page, "perPage": 2, "lastPage": 2, "total": 3} for page in (1, 2)
    ]
    assert [each for page in pages for each in page["data"]] == made[::-1]
    assert (await server.get(f"{_RECORDINGS}/track", roomId=call.room_id))["data"] == []
    # No filter at all is fine.
    newest = (await server.get(_RECORDINGS))["data"]
    assert made[2]["id"] in {each["id"] for each in newest}


async def test_a_recording_runs_once_and_only_what_runs_is_stopped(calls: Calls) -> None:
    call = await calls.attested("alice")
    about = call.about("alice")
    server = call.server
    for step in ("stop", "pause", "resume"):
        assert await server.refused("POST", f"{_RECORDINGS}/{step}", about) == (404, "not_recording"), step
    recording_id = await call.start("alice")
    assert await server.refused("POST", f"{_RECORDINGS}/start", about) == (409, "already_recording")
    assert await server.refused("DELETE", f"{_RECORDINGS}/{recording_id}") == (409, "recording_running")
    assert await server.refused("GET", f"{_RECORDINGS}/{recording_id}/file") == (404, "file_not_found")
    await call.started(recording_id)
    await call.stop("alice")
    await call.finished(recording_id)
    assert await server.refused("POST", f"{_RECORDINGS}/stop", about) == (404, "not_recording")
    assert await call.start("alice") != recording_id


async def test_without_a_live_session_nothing_is_started_or_stopped(calls: Calls) -> None:
    call = await calls.attested()
    for step in ("start", "stop", "pause", "resume", "track/start", "track/stop"):
        body = call.about("alice", kind="audio")
        assert await call.server.refused("POST", f"{_RECORDINGS}/{step}", body) == (404, "session_not_found"), step


async def test_the_end_of_the_session_ends_the_recording(server: Server, calls: Calls) -> None:
    call = await calls.attested("alice")
    recording_id = await call.start("alice")
    await call.started(recording_id)
    ended = await server.post("/v2/sessions/end", {"roomId": call.room_id})
    assert (await call.finished(recording_id))["end"] >= ended["end"][:17]


async def test_a_file_is_sent_whole_and_in_ranges(server: Server, calls: Calls) -> None:
    call = await calls.attested("alice")
    got = await call.recorded("alice")
    (file,) = got["files"]
    stored = (server.storage / file["filePath"]).read_bytes()

    whole = await server.ask("GET", file["fileUrl"])
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/webm")
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.content == stored
    head = await server.ask("HEAD", file["fileUrl"])
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(stored)), b"")
    for asked, expected in (
        ("bytes=0-0", stored[:1]),
        ("bytes=100-1099", stored[100:1100]),
        ("bytes=1000-", stored[1000:]),
        ("bytes=-7", stored[-7:]),
        (f"bytes=5-{len(stored) * 2}", stored[5:]),
    ):
        part = await server.ask("GET", file["fileUrl"], Range=asked)
        assert (part.status_code, part.content) == (206, expected), asked
        assert part.headers["content-range"].endswith(f"/{len(stored)}")
    beyond = await server.ask("GET", file["fileUrl"], Range=f"bytes={len(stored)}-")
    assert beyond.status_code == 416
    assert await server.refused("GET", f"{file['fileUrl']}?index=1") == (404, "file_not_found")
    assert await server.refused("GET", file["fileUrl"], token=None) == (401, "unauthorized")


async def test_what_was_deleted_is_gone_from_disk_and_its_history_tells_by_whom(server: Server, calls: Calls) -> None:
    call = await calls.attested("alice")
    kept, deleted = await call.recorded("alice", 0.1), await call.recorded("alice", 0.1)
    path = f"{_RECORDINGS}/{deleted['id']}"
    file = server.storage / deleted["files"][0]["filePath"]
    assert file.exists()
    assert file.with_suffix(".timeline.json").exists()

    assert await server.delete(path) == "Participant Recording deleted successfully."

    gone = (404, "recording_not_found")
    for method, each in (("GET", path), ("DELETE", path), ("GET", f"{path}/file"), ("GET", f"{path}/timeline")):
        assert await server.refused(method, each) == gone
    assert (await server.get(_RECORDINGS, roomId=call.room_id))["data"] == [kept]
    await eventually(lambda: not file.exists())
    assert not file.with_suffix(".timeline.json").exists()
    assert (server.storage / kept["files"][0]["filePath"]).exists()
    history = await server.until(f"{path}/events", lambda got: "erased" in got["data"][-1]["type"])
    assert _steps(history["data"]) == ["requested", "started", "stop-requested", "stopped", "deleted", "erased"]
    assert history["data"][-2]["actor"] == f"server:{server.api_key}"
    for each in history["data"]:
        assert each.keys() == {"type", "at", "actor", "position", "data"}
        assert _MOMENT.fullmatch(each["at"])
        assert each["data"]["participant_recording_id"] == deleted["id"]


async def test_files_go_where_room_and_call_say(server: Server, calls: Calls) -> None:
    call = await calls.attested("alice", storagePrefix="acme")
    got = await call.recorded("alice", 0.1, bucketDirPath="test/abc")
    (file,) = got["files"]
    assert file["filePath"].startswith(f"acme/test/abc/{got['sessionId']}/alice/participant_recording_alice_")
    assert (server.storage / file["filePath"]).stat().st_size == file["size"]


async def test_it_goes_on_in_the_same_file_over_a_pause_in_black(calls: Calls, ffmpeg: Path) -> None:
    call = await calls.attested("alice")
    alice = call.senders["alice"]
    recording_id = await call.start("alice")
    await call.started(recording_id)
    await alice.sends(1)
    for step, moved in (("pause", "paused"), ("pause", "paused"), ("resume", "resumed"), ("resume", "resumed")):
        answer = await call.server.ask("POST", f"{_RECORDINGS}/{step}", call.about("alice"))
        assert (answer.status_code, answer.json()) == (200, f"participant recording {moved} successfully.")
        assert answer.headers["Recording-Id"] == recording_id
        await alice.sends(0.6)
    await call.stop("alice")

    (file,) = (await call.finished(recording_id))["files"]

    picture = await seen(ffmpeg, call.server.storage / file["filePath"])
    runs = "".join("#" if each else "." for each in picture)
    assert re.fullmatch(r"\.*#{8,}\.{16,}#{8,}\.*", runs), runs
    history = (await call.server.get(f"{_RECORDINGS}/{recording_id}/events"))["data"]
    assert _steps(history) == ["requested", "started", "paused", "resumed", "stop-requested", "stopped"]


async def test_what_has_not_begun_is_not_paused(calls: Calls) -> None:
    call = await calls.attested("alice")
    await call.start("bob")
    for step in ("pause", "resume"):
        refused = await call.server.refused("POST", f"{_RECORDINGS}/{step}", call.about("bob"))
        assert refused == (409, "not_started")
    await call.stop("bob")
