"""Recordings of one track: a file for each stretch of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rest.calls import Call, Calls
from tests.e2e.rest.picture import heard
from tests.e2e.rest.server import Server
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

_TRACKS = "/v2/recordings/participant/track"
_KINDS = ("audio", "video")


async def _start(call: Call, kind: str) -> str:
    answer = await call.server.ask("POST", f"{_TRACKS}/start", call.about("alice", kind=kind))
    assert (answer.status_code, answer.text) == (200, '"track recording started successfully."')
    return answer.headers["Recording-Id"]


async def _until_files(call: Call, recording: str, count: int) -> None:
    await call.server.until(recording, lambda got: len(got["files"]) == count)


async def _stop(call: Call, kind: str) -> None:
    answer = await call.server.ask("POST", f"{_TRACKS}/stop", call.about("alice", kind=kind))
    assert (answer.status_code, answer.text) == (200, '"track recording ended successfully."')


async def test_each_unmuting_begins_a_file_and_each_can_be_loaded(server: Server, calls: Calls, ffmpeg: Path) -> None:
    call = await calls.attested("alice")
    alice = call.senders["alice"]
    recordings = {kind: f"{_TRACKS}/{await _start(call, kind)}" for kind in _KINDS}
    for recording in recordings.values():
        await server.until(recording, lambda got: got["start"] is not None)
    for mute in (1, 2):
        await alice.sends(0.7)
        alice.muted.update(_KINDS)
        for recording in recordings.values():
            await _until_files(call, recording, mute)
        alice.muted.clear()
    await alice.sends(1.2)
    for kind, recording in recordings.items():
        await _stop(call, kind)
        got = await server.until(recording, lambda got: got["end"] is not None and len(got["files"]) == 3)
        assert (got["kind"], got["mode"]) == (kind, "track")
        assert len({each["filePath"] for each in got["files"]}) == 3
        for index, file in enumerate(got["files"]):
            await _require_file(server, file, kind, f"{recording}/file?index={index}")
        assert await server.refused("GET", f"{recording}/file?index=3") == (404, "file_not_found")
    everything = (await server.get(_TRACKS, roomId=call.room_id))["data"]
    assert [each["kind"] for each in everything] == ["video", "audio"]
    for file in everything[1]["files"]:
        assert any(await heard(ffmpeg, server.storage / file["filePath"]))
    for recording in recordings.values():
        await _require_deletion(server, recording)


async def _require_file(server: Server, file: dict[str, Any], kind: str, url: str) -> None:
    name = rf"[0-9a-f]{{24}}/alice/{kind}/track_recording_alice_{kind}_\d{{13}}\.webm"
    assert re.fullmatch(name, file["filePath"])
    assert file["type"] == kind
    assert file["ratio"].keys() == ({"audio"} if kind == "audio" else {"360"})
    assert ("resolution" in file["meta"]) is (kind == "video")
    assert file["fileUrl"].endswith(url)
    loaded = await server.ask("GET", file["fileUrl"])
    assert (loaded.status_code, loaded.headers["content-type"]) == (200, f"{kind}/webm")
    assert len(loaded.content) == file["size"]
    assert loaded.content == (server.storage / file["filePath"]).read_bytes()
    part = await server.ask("GET", file["fileUrl"], Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, loaded.content[10:20])


async def _require_deletion(server: Server, recording: str) -> None:
    """Delete it: its files are gone, and its history says who did it."""
    files = [server.storage / each["filePath"] for each in (await server.get(recording))["files"]]
    assert await server.delete(recording) == "Track Recording deleted successfully."
    await eventually(lambda: not any(file.exists() for file in files))
    assert await server.refused("GET", recording) == (404, "recording_not_found")
    told = (await server.get(f"{recording}/events"))["data"]
    (deleted,) = [each for each in told if each["type"] == "participant-recording.deleted.v1"]
    assert deleted["actor"] == f"server:{server.api_key}"


async def test_tracks_and_the_participant_are_recorded_beside_each_other(server: Server, calls: Calls) -> None:
    call = await calls.attested("alice")
    whole = await call.start("alice")
    tracks = {kind: await _start(call, kind) for kind in _KINDS}
    for kind in tracks:
        again = await server.refused("POST", f"{_TRACKS}/start", call.about("alice", kind=kind))
        assert again == (409, "already_recording")
    for kind, recording_id in tracks.items():
        await call.started(recording_id, _TRACKS)
        await call.senders["alice"].sends(0.2)
        await _stop(call, kind)
        await call.finished(recording_id, _TRACKS)
        stopped = await server.refused("POST", f"{_TRACKS}/stop", call.about("alice", kind=kind))
        assert stopped == (404, "not_recording")
        # What is a track is no participant's, and the other way round.
        assert await server.refused("GET", f"/v2/recordings/participant/{recording_id}") == (404, "recording_not_found")
    assert await server.refused("GET", f"{_TRACKS}/{whole}") == (404, "recording_not_found")
    assert await server.refused("DELETE", f"{_TRACKS}/{whole}") == (404, "recording_not_found")
    assert (await server.get(f"/v2/recordings/participant/{whole}"))["end"] is None
    await call.stop("alice")


async def test_a_pause_ends_a_file_and_a_resumption_begins_one(server: Server, calls: Calls) -> None:
    call = await calls.attested("alice")
    recording_id = await _start(call, "audio")
    recording = f"{_TRACKS}/{recording_id}"
    await call.started(recording_id, _TRACKS)
    await call.senders["alice"].sends(0.5)
    paused = await server.post(f"{_TRACKS}/pause", call.about("alice", kind="audio"))
    assert paused == "track recording paused successfully."
    await _until_files(call, recording, 1)
    resumed = await server.post(f"{_TRACKS}/resume", call.about("alice", kind="audio"))
    assert resumed == "track recording resumed successfully."
    await call.senders["alice"].sends(0.5)
    await _stop(call, "audio")
    await _until_files(call, recording, 2)
