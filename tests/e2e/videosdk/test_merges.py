"""Merges of what was recorded, by the official SDK: stereo sound, and a grid of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest

from services.recorder.media.probe import decode_errors
from tests.e2e.videosdk.receiver import Receiver
from tests.e2e.videosdk.server import Server
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_two_recordings_become_one_of_two_channels(server: Server, ffmpeg: Path, target: Receiver) -> None:
    room = await server.attested_room("alice", "bob")
    session_id = await server.session_id(room)
    inputs = {"alice": (await server.recorded(room, "alice", seconds=1))["id"], "bob": await server.start(room, "bob")}
    await server.started(inputs["bob"])
    await server.sent(room, "bob", seconds=1)
    await server.stop(room, "bob")  # and merged at once: that file is not finished yet
    asked: dict[str, Any] = {
        "sessionId": session_id,
        "channel1": [{"participantId": "alice"}],
        "channel2": [{"participantId": "bob", "recordingId": inputs["bob"], "type": "participant"}],
        "webhookUrl": target.url,
        "dirPath": "merged",
    }

    told = await server.sdk.call("recordings.merge.create", asked)

    assert told["message"] == "Merge recording job started successfully."
    begun = told["recording"]
    assert (begun["status"], begun["meetingId"], begun["sessionId"]) == ("running", room.room_id, session_id)
    assert begun["channel1"] == [{"recordingId": inputs["alice"], "participantId": "alice"}]
    done = await server.until("recordings.merge.get", begun["id"], lambda got: got["status"] != "running", within=60)
    assert done["status"] == "completed"
    assert done["end"]
    file = done["file"]
    assert (file["type"], file["meta"]["format"]) == ("audio", "mp3")
    assert file["filePath"] == f"merged/{session_id}/merge_recording_{begun['id']}.mp3"
    path = server.place.stored(file["filePath"])
    assert await decode_errors(ffmpeg, path) == ""
    with av.open(path) as opened:
        (sound,) = opened.streams.audio
        assert len(opened.streams) == 1
        assert (sound.codec_context.name, sound.codec_context.layout.nb_channels) == ("mp3float", 2)
    for filters in ({"roomId": room.room_id}, {"sessionId": session_id}, {"id": begun["id"]}):
        assert (await server.sdk.walk("recordings.merge.list", status="completed", **filters)).ids() == [begun["id"]]
    await eventually(lambda: target.types() == ["merge-recording-completed"], within=20)
    (posted,) = target.first().values()
    assert {key: posted.data[key] for key in ("id", "meetingId", "sessionId")} == {
        "id": begun["id"],
        "meetingId": room.room_id,
        "sessionId": session_id,
    }


async def test_many_recordings_become_one_grid(server: Server, ffmpeg: Path, target: Receiver) -> None:
    room = await server.attested_room("alice", "bob", "carol")
    ids = [(await server.recorded(room, name, seconds=1))["id"] for name in ("alice", "bob", "carol")]

    job = await server.sdk.call("transcodings.merge", {"recordingIds": ids, "webhookUrl": target.url})

    assert job["status"] in {"pending", "processing"}
    assert sorted(job["recordingIds"]) == sorted(ids)
    again = await server.sdk.refused("transcodings.merge", {"recordingIds": ids[::-1]})
    assert again == ("ResourceConflictError", 409, "already_merging")
    ended = {"completed", "failed", "cancelled"}
    done = await server.until("transcodings.get", job["id"], lambda got: got["status"] in ended, within=90)
    assert done["status"] == "completed"
    assert done["stoppedAt"]
    path = server.place.stored(done["file"]["filePath"])
    assert await decode_errors(ffmpeg, path) == ""
    with av.open(path) as opened:
        assert sorted(each.codec_context.name for each in opened.streams) == ["aac", "h264"]
    listed = await server.sdk.walk("transcodings.list", roomId=room.room_id, status="completed")
    assert listed.ids() == [job["id"]]
    kinds = ["composite-merge-started", "composite-merge-completed"]
    await eventually(lambda: target.types() == kinds, within=20)


async def test_a_job_that_is_cancelled_makes_no_file(server: Server, target: Receiver) -> None:
    room = await server.attested_room("alice", "bob")
    ids = [(await server.recorded(room, name, seconds=0.2))["id"] for name in ("alice", "bob")]
    job = await server.sdk.call("transcodings.merge", {"recordingIds": ids, "webhookUrl": target.url})

    cancelled = await server.sdk.call("transcodings.cancel", job["id"])

    # It may have been done before: then it stays so.
    assert cancelled["id"] == job["id"]
    assert cancelled["status"] in {"cancelled", "completed"}
    if cancelled["status"] == "cancelled":
        await eventually(lambda: "composite-merge-cancelled" in target.types(), within=20)


async def test_what_cannot_be_merged_is_refused(server: Server) -> None:
    room = await server.attested_room("alice")
    session_id = await server.session_id(room)
    alice, nobody = [{"participantId": "alice"}], [{"participantId": "nobody"}]

    async def refused(**asked: Any) -> tuple[str, int | None, str | None]:
        return await server.sdk.refused("recordings.merge.create", {"sessionId": session_id, **asked})

    assert (await refused(channel1=alice, channel2=[]))[:2] == ("ValidationError", 400)
    assert (await refused(channel1=alice, channel2=nobody))[1] in {400, 404}
    assert (await server.sdk.refused("recordings.merge.get", "no-such-merge"))[1:] == (404, "merge_not_found")
    assert (await server.sdk.refused("transcodings.get", "no-such-job"))[1:] == (404, "merge_not_found")
    assert (await server.sdk.refused("transcodings.merge", {"recordingIds": []}))[:2] == ("ValidationError", 400)
    unknown = await server.sdk.refused("transcodings.merge", {"recordingIds": ["0" * 24]})
    assert unknown[1:] == (404, "recording_not_found")
