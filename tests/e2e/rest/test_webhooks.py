"""Webhooks: each type comes with the documented fields, in order, signed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.e2e.rest.calls import ATTESTED, Call, Calls
from tests.e2e.rest.server import Server
from tests.e2e.rest.signatures import is_signed
from tests.e2e.signaling.room import consent, start, stop
from tests.e2e.videosdk.receiver import Posted, Receiver
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ABOUT = {"meetingId", "sessionId", "roomId"}
_WHOM = _ABOUT | {"participantId"}
_RECORDING, _MERGE = _WHOM | {"recordingId"}, _ABOUT | {"id"}
#: What VideoSDK documents of each type, and what is ours: roomId, recordingId.
_FIELDS: Mapping[str, set[str]] = {
    "session-started": _ABOUT | {"start"},
    "session-ended": _ABOUT | {"start", "end"},
    "participant-joined": _WHOM | {"participantName"},
    "participant-left": _WHOM | {"participantName"},
    "participant-recording-starting": _RECORDING | {"fileFormat"},
    "participant-recording-started": _RECORDING | {"fileFormat"},
    "participant-recording-stopping": _RECORDING | {"fileFormat"},
    "participant-recording-stopped": _RECORDING | {"fileDetails"},
    "participant-recording-failed": _RECORDING,
    "participant-recording-deleted": _RECORDING | {"reason"},
    "participant-track-recording-starting": _RECORDING | {"fileFormat", "kind"},
    "participant-track-recording-started": _RECORDING | {"fileFormat", "kind"},
    "participant-track-recording-stopping": _RECORDING | {"fileFormat", "kind"},
    "participant-track-recording-stopped": _RECORDING | {"fileDetails", "kind"},
    "participant-track-recording-failed": _RECORDING | {"kind"},
    "participant-track-recording-deleted": _RECORDING | {"kind", "reason"},
    "merge-recording-completed": _MERGE,
    "merge-recording-failed": _MERGE | {"message"},
    "composite-merge-started": _MERGE,
    "composite-merge-completed": _MERGE,
    "composite-merge-failed": _MERGE | {"message"},
    "composite-merge-cancelled": _MERGE,
    "recording-starting": _ABOUT | {"recordingId"},
    "recording-started": _ABOUT | {"recordingId"},
    "recording-stopped": _ABOUT | {"recordingId", "filePath", "fileUrl"},
}
_RECORDINGS = "/v2/recordings/participant"
_TRACKS, _MERGES = f"{_RECORDINGS}/track", f"{_RECORDINGS}/merge"


async def test_each_type_comes_with_the_documented_fields(server: Server, calls: Calls, target: Receiver) -> None:
    call = await calls.attested("alice", "bob", webhook={"endPoint": target.url, "events": ["*"]})
    whole = await _whole_life(call)
    track = await _track_life(call)
    await _what_fails(call)
    await _what_is_thrown_away(call)
    session_id = await call.session_id()
    await server.post("/v2/sessions/end", {"roomId": call.room_id})
    expected = {name for name in _FIELDS if not name.startswith("recording-")}
    await eventually(lambda: expected <= set(target.types()), within=40)

    key = (await server.get("/v2/public/rsa-public-key"))["publicKey"]
    for posted in target.posted:
        _require_webhook(posted, key, call.room_id, session_id)
    (stopped,) = _of(target, "participant-recording-stopped", whole["id"])
    assert stopped["fileDetails"] == [{"filePath": whole["files"][0]["filePath"], "fileUrl": None}]
    (track_stopped,) = _of(target, "participant-track-recording-stopped", track["id"])
    assert [each["filePath"] for each in track_stopped["fileDetails"]] == [each["filePath"] for each in track["files"]]
    assert track_stopped["kind"] == "audio"
    await _require_summary(server, target, "participant-recording", f"{_RECORDINGS}/{whole['id']}")
    await _require_summary(server, target, "participant-track-recording", f"{_TRACKS}/{track['id']}")


async def _require_summary(server: Server, target: Receiver, kind: str, path: str) -> None:
    """Its whole life was told, in order, and the recording shows that it was."""
    life = [f"{kind}-{step}" for step in ("starting", "started", "stopping", "stopped")]
    recording_id = path.rpartition("/")[2]
    assert [each.type for each in target.posted if each.data.get("recordingId") == recording_id] == life
    got = await server.until(path, lambda got: got["webhook"]["totalCount"] == len(life))
    delivered = [{"type": each, "success": True} for each in life]
    assert got["webhook"] == {"totalCount": len(life), "successCount": len(life), "data": delivered}


async def _whole_life(call: Call) -> dict[str, Any]:
    """Have alice and bob recorded, and both merged in each way; return alice's recording."""
    alice, bob = [await call.recorded(name, 0.3) for name in ("alice", "bob")]
    channels = {f"channel{index}": [{"participantId": name}] for index, name in ((1, "alice"), (2, "bob"))}
    await call.server.post(_MERGES, {"sessionId": alice["sessionId"], **channels})
    await call.server.post("/v2/transcodings/merge", {"recordingIds": [alice["id"]]})
    job = await call.server.post("/v2/transcodings/merge", {"recordingIds": [alice["id"], bob["id"]]})
    cancelled = await call.server.post(f"/v2/transcodings/{job['id']}/cancel")
    assert cancelled["status"] == "cancelled"
    return alice


async def _track_life(call: Call) -> dict[str, Any]:
    body = call.about("alice", kind="audio")
    answer = await call.server.ask("POST", f"{_TRACKS}/start", body)
    await call.started(answer.headers["Recording-Id"], _TRACKS)
    await call.senders["alice"].sends(0.3)
    await call.server.post(f"{_TRACKS}/stop", body)
    return await call.finished(answer.headers["Recording-Id"], _TRACKS)


async def _what_fails(call: Call) -> None:
    """Stop what waits for somebody, which fails, and merge it, which fails too."""
    for path in (_TRACKS, _RECORDINGS):
        for step in ("start", "stop"):
            await call.server.post(f"{path}/{step}", call.about("nobody", kind="video"))
    (failed,) = (await call.server.get(_RECORDINGS, roomId=call.room_id, participantId="nobody"))["data"]
    channels = {"channel1": [{"participantId": "alice"}], "channel2": [{"participantId": "nobody"}]}
    merge = await call.server.post(_MERGES, {"sessionId": failed["sessionId"], **channels})
    job = await call.server.post("/v2/transcodings/merge", {"recordingIds": [failed["id"]]})
    for path in (f"{_MERGES}/{merge['recording']['id']}", f"/v2/transcodings/{job['id']}"):
        told = await call.server.until(path, lambda got: got["status"] == "failed")
        assert failed["id"] in told["message"]


async def _what_is_thrown_away(call: Call) -> None:
    body = call.about("bob", kind="audio")
    for path in (_TRACKS, _RECORDINGS):
        await call.server.post(f"{path}/start", body)
        await call.server.post(f"{path}/stop", {**body, "discard": True})


def _require_webhook(posted: Posted, key: str, room_id: str, session_id: str) -> None:
    assert posted.told.keys() == {"webhookType", "data"}
    assert posted.data.keys() == _FIELDS[posted.type], posted.type
    assert (posted.data["meetingId"], posted.data["roomId"]) == (room_id, room_id)
    assert posted.data["sessionId"] == session_id
    assert posted.data.get("fileFormat", "webm") == "webm"
    assert posted.headers["content-type"] == "application/json"
    assert is_signed(posted.body, posted.headers["videosdk-signature"], key)
    assert not is_signed(posted.body + b" ", posted.headers["videosdk-signature"], key)
    # What a receiver gets that parses and writes it anew before it verifies.
    assert json.dumps(posted.told, ensure_ascii=False, separators=(",", ":")).encode() == posted.body


def _of(target: Receiver, kind: str, recording_id: str) -> list[dict[str, Any]]:
    return [each.data for each in target.posted if each.type == kind and each.data["recordingId"] == recording_id]


async def test_recordings_of_a_room_are_told_too(server: Server, calls: Calls, target: Receiver) -> None:
    call = await calls.begin(webhook={"endPoint": target.url, "events": ["recording-*"]}, storagePrefix="acme")
    mona, alice = await call.enter("mona", "moderator"), await call.enter("alice")
    session_id = await call.session_id()
    await consent(alice, seen_by=[mona])
    recording_id = await start(mona)
    await mona.expect("recording", "stream_updated", status="active")
    await stop(mona, recording_id)
    life = [f"recording-{step}" for step in ("starting", "started", "stopped")]
    await eventually(lambda: target.types() == life, within=20)

    key = (await server.get("/v2/public/rsa-public-key"))["publicKey"]
    for posted in target.posted:
        _require_webhook(posted, key, call.room_id, session_id)
        assert posted.data["recordingId"] == recording_id
    stopped = target.posted[-1].data
    assert (stopped["filePath"], stopped["fileUrl"]) == (f"acme/{session_id}", None)


async def test_the_call_hears_of_its_own_once_and_the_room_of_what_it_named(calls: Calls, target: Receiver) -> None:
    call = await calls.begin(**ATTESTED, webhook={"endPoint": target.url, "events": ["session*"]})
    await call.bring("alice")
    await call.bring("bob")
    told = await call.recorded("alice", 0.1, webhookUrl=target.url)
    unheard = await call.recorded("bob", 0.1)
    await call.server.post("/v2/sessions/end", {"roomId": call.room_id})
    life = [f"participant-recording-{step}" for step in ("starting", "started", "stopping", "stopped")]
    await eventually(lambda: sorted(target.types()) == sorted([*life, "session-started", "session-ended"]))
    assert {each.data["recordingId"] for each in target.posted if "recordingId" in each.data} == {told["id"]}
    assert len(target.posted) == len(life) + 2
    assert unheard["webhook"]["totalCount"] == 0


async def test_the_public_key_is_anybodys_and_a_webhook_is_posted_again(
    server: Server, calls: Calls, target: Receiver
) -> None:
    for token in (None, "nonsense", server.token()):
        answer = await server.ask("GET", "/v2/public/rsa-public-key", token=token)
        assert (answer.status_code, answer.json().keys()) == (200, {"publicKey"})
        assert answer.json()["publicKey"].startswith("\n-----BEGIN RSA PUBLIC KEY-----\n")
    call = await calls.begin(webhook={"endPoint": target.url})
    await call.enter("alice")
    await eventually(lambda: target.types() == ["session-started", "participant-joined"])
    first = target.posted[0]

    assert await server.post(f"/v2/webhooks/{first.id}/resend") == "webhook is being sent again."

    await eventually(lambda: len(target.posted) == 3)
    again = target.posted[2]
    assert (again.id, again.body) == (first.id, first.body)
    assert again.headers["videosdk-signature"] == first.headers["videosdk-signature"]
