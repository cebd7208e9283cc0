"""Track recordings, by the official SDK, of real media."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.recorder.media.probe import decode_errors
from tests.e2e.videosdk.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("kind", ["audio", "video"])
async def test_one_track_alone_is_recorded_beside_the_participant(server: Server, ffmpeg: Path, kind: str) -> None:
    room = await server.attested_room("alice")
    asked = {"participantId": "alice", "kind": kind}
    whole = await server.start(room, "alice")

    told = await server.sdk.call("recordings.track.start", room.room_id, asked)
    assert told == "track recording started successfully."
    again = await server.sdk.refused("recordings.track.start", room.room_id, asked)
    assert again == ("ResourceConflictError", 409, "already_recording")
    (listed,) = (await server.sdk.walk("recordings.track.list", roomId=room.room_id)).items
    track_id = listed["id"]
    await server.started(track_id)
    await server.sent(room, "alice", seconds=2)
    assert await server.sdk.call("recordings.track.stop", room.room_id, "alice", kind) == (
        "track recording ended successfully."
    )
    got = await server.finished(track_id, "recordings.track")

    assert (got["kind"], got["mode"]) == (kind, "track")
    (file,) = got["files"]
    name = rf"{got['sessionId']}/alice/{kind}/track_recording_alice_{kind}_\d+\.webm"
    assert re.fullmatch(name, file["filePath"])
    assert file["type"] == kind
    assert await decode_errors(ffmpeg, server.place.stored(file["filePath"])) == ""
    assert (await server.sdk.walk("recordings.participant.list", roomId=room.room_id)).ids() == [whole]
    assert await server.sdk.call("recordings.track.delete", track_id) == "Track Recording deleted successfully."
    assert (await server.sdk.walk("recordings.track.list", roomId=room.room_id)).ids() == []
    await server.stop(room, "alice")
    await server.finished(whole)
