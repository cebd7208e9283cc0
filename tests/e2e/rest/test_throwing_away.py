"""Recordings that are thrown away: a server discards one, a moderator a room's, and a participant withdraws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rest.calls import ATTESTED, Call, Calls
from tests.e2e.rest.server import Server
from tests.e2e.signaling.room import consent, start
from tests.e2e.videosdk.receiver import Receiver
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

_RECORDINGS = "/v2/recordings/participant"
_TRACKS, _MERGES = f"{_RECORDINGS}/track", f"{_RECORDINGS}/merge"
_GONE = (404, "recording_not_found")


def _stored(server: Server, session_id: str) -> list[Path]:
    return [path for path in (server.storage / session_id).rglob("*") if path.is_file()]


def _told(target: Receiver, recording_id: str) -> list[str]:
    return [each.type for each in target.posted if recording_id in {each.data.get("recordingId"), each.data.get("id")}]


async def _history(server: Server, path: str) -> list[dict[str, Any]]:
    """Wait until its files are gone, and return all that happened."""
    told = await server.until(f"{path}/events", lambda got: "erased" in got["data"][-1]["type"])
    events: list[dict[str, Any]] = told["data"]
    return events


def _steps(events: list[dict[str, Any]]) -> list[str]:
    """Return what happened, but for the coming and going of media, which is told when that is."""
    steps = [each["type"].split(".")[1] for each in events]
    return [step for step in steps if not step.startswith("flow-")]


def _deleted(events: list[dict[str, Any]]) -> dict[str, Any]:
    return next(each for each in events if each["type"].split(".")[1] == "deleted")


@pytest.mark.parametrize(("below", "more"), [(_RECORDINGS, {}), (_TRACKS, {"kind": "audio"})])
async def test_a_server_throws_away_what_it_stops(
    server: Server, calls: Calls, target: Receiver, below: str, more: dict[str, str]
) -> None:
    call = await calls.begin(**ATTESTED, webhook={"endPoint": target.url})
    alice, body = await call.bring("alice"), call.about("alice", **more)
    session_id = await call.session_id()
    recording_id = (await server.ask("POST", f"{below}/start", body)).headers["Recording-Id"]
    path = f"{below}/{recording_id}"
    await call.started(recording_id, below)
    await alice.sends(1)

    for _ in range(2):
        answer = await server.ask("POST", f"{below}/stop", {**body, "discard": True})
        assert answer.status_code == 200, answer.text
        assert answer.json().endswith("discarded successfully.")
        assert answer.headers["Recording-Id"] == recording_id

    events = await _history(server, path)
    assert _steps(events) == ["requested", "started", "deleted", "erased"], "asked again it writes nothing"
    discarded = _deleted(events)
    assert (discarded["actor"], discarded["data"]["reason"]) == (f"server:{server.api_key}", "discarded")
    assert discarded["data"]["deleted_by"] == f"server:{server.api_key}"
    assert _stored(server, session_id) == []
    for method, each in (("GET", path), ("GET", f"{path}/file"), ("DELETE", path)):
        assert await server.refused(method, each) == _GONE
    assert (await server.get(below, roomId=call.room_id))["data"] == []
    await eventually(lambda: len(_told(target, recording_id)) == 3, within=20)
    assert [each.rpartition("-")[2] for each in _told(target, recording_id)] == ["starting", "started", "deleted"]
    (deleted,) = [each for each in target.posted if each.type.endswith("-deleted")]
    assert deleted.data["reason"] == "discarded"


async def test_a_moderator_throws_away_a_rooms_recording(server: Server, calls: Calls, target: Receiver) -> None:
    call = await calls.begin(webhook={"endPoint": target.url})
    mona, alice = await call.enter("mona", "moderator"), await call.enter("alice")
    await call.bring("alice")
    session_id = await call.session_id()
    await consent(alice, seen_by=[mona])
    recording_id = await start(mona)
    await eventually(lambda: "participant-recording-started" in target.types(), within=20)
    alices = next(each.data["recordingId"] for each in target.posted if each.type == "participant-recording-started")
    await call.senders["alice"].sends(1)

    await alice.send("recording", action="stop", recording_id=recording_id, discard=True)
    await alice.expect("recording", "error", error="insufficient_permissions")
    await mona.send("recording", action="stop", recording_id=recording_id, discard=True)
    for each in (mona, alice):
        await each.expect("recording", "stopped", recording_id=recording_id, discarded=True)

    events = await _history(server, f"{_RECORDINGS}/{alices}")
    assert _steps(events) == ["requested", "started", "deleted", "erased"]
    assert _deleted(events)["data"]["deleted_by"] == "participant:mona"
    assert _stored(server, session_id) == []
    await eventually(lambda: len(_told(target, alices)) == len(_told(target, recording_id)) == 3, within=20)
    assert _told(target, alices)[-1] == "participant-recording-deleted"
    assert _told(target, recording_id) == ["recording-starting", "recording-started", "recording-deleted"]


async def test_a_withdrawal_erases_all_that_was_recorded_of_them_where_the_room_says_so(
    server: Server, calls: Calls, target: Receiver
) -> None:
    call = await calls.begin(withdrawalPolicy="erase", consentPolicy="keep", webhook={"endPoint": target.url})
    assert call.made["withdrawalPolicy"] == "erase"
    mona, alice, bob = [await call.enter(*who) for who in (("mona", "moderator"), ("alice",), ("bob",))]
    assert alice.welcome["recording"]["withdrawal_policy"] == "erase", "told before anybody is asked"
    for each in (alice, bob):
        await call.bring(each.name)
        await consent(each, seen_by=[mona])
    alices, bobs, merge_id = await _recorded_and_merged(call)
    running = await call.start("alice")
    await call.started(running)
    await call.senders["alice"].sends(0.5)

    await consent(alice, seen_by=[mona], consents=False)

    for one, steps in ((alices, ["stop-requested", "stopped"]), (running, [])):
        events = await _history(server, f"{_RECORDINGS}/{one}")
        assert _steps(events) == ["requested", "started", *steps, "deleted", "erased"]
        deleted = _deleted(events)["data"]
        assert (deleted["reason"], deleted["deleted_by"]) == ("withdrawn", "participant:alice")
        assert await server.refused("GET", f"{_RECORDINGS}/{one}") == _GONE
    merge = await server.until(f"{_MERGES}/{merge_id}", lambda got: got["status"] == "deleted")
    assert "file" not in merge
    assert await server.refused("GET", f"{_MERGES}/{merge_id}/file") == (404, "file_not_found")
    kept = await server.get(f"{_RECORDINGS}/{bobs}")
    session_id = kept["sessionId"]
    file = server.storage / kept["files"][0]["filePath"]
    await eventually(lambda: len(_stored(server, session_id)) == 2)
    assert set(_stored(server, session_id)) == {file, file.with_suffix(".timeline.json")}
    gone = {running: "participant-recording-deleted", merge_id: "merge-recording-deleted"}
    for one, told in gone.items():
        await eventually(lambda one=one, told=told: _told(target, one)[-1:] == [told], within=20)  # type: ignore[misc]


async def test_whoever_agrees_again_is_recorded_again(server: Server, calls: Calls) -> None:
    call = await calls.begin(withdrawalPolicy="erase")
    mona, alice = await call.enter("mona", "moderator"), await call.enter("alice")
    await call.bring("alice")
    await consent(alice, seen_by=[mona])
    await start(mona)
    (first,) = await _shown(server, call, 1)
    await call.started(first)

    await consent(alice, seen_by=[mona], consents=False)
    await _history(server, f"{_RECORDINGS}/{first}")
    assert await _shown(server, call, 0) == []
    await consent(alice, seen_by=[mona])

    (second,) = await _shown(server, call, 1)
    assert second != first
    await call.started(second)
    await call.senders["alice"].sends(0.5)
    await server.post("/v2/sessions/end", {"roomId": call.room_id})
    await call.finished(second)


async def _shown(server: Server, call: Call, number: int) -> list[str]:
    got = await server.until(f"{_RECORDINGS}?roomId={call.room_id}", lambda got: len(got["data"]) == number)
    return [each["id"] for each in got["data"]]


async def _recorded_and_merged(call: Call) -> tuple[str, str, str]:
    """Record alice and bob, and merge both; return the ids of all three."""
    alice, bob = [await call.recorded(name) for name in ("alice", "bob")]
    channels = {f"channel{index}": [{"participantId": name}] for index, name in ((1, "alice"), (2, "bob"))}
    asked = await call.server.post(_MERGES, {"sessionId": alice["sessionId"], **channels})
    merge_id = asked["recording"]["id"]
    await call.server.until(f"{_MERGES}/{merge_id}", lambda got: got["status"] == "completed")
    return alice["id"], bob["id"], merge_id
