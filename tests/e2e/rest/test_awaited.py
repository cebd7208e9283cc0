"""Somebody who is not there yet: they are waited for, and not for ever."""

from __future__ import annotations

import pytest

from tests.e2e.rest.calls import Calls
from tests.e2e.rest.server import Server
from tests.e2e.videosdk.receiver import Receiver
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

_RECORDINGS = "/v2/recordings/participant"


async def test_somebody_who_comes_is_recorded_from_then_on(server: Server, calls: Calls, target: Receiver) -> None:
    call = await calls.attested("alice")
    recording_id = await call.start("bob", webhookUrl=target.url)
    waiting = await server.get(f"{_RECORDINGS}/{recording_id}")
    assert (waiting["start"], waiting["end"], waiting["files"]) == (None, None, [])
    again = await server.refused("POST", f"{_RECORDINGS}/start", call.about("bob"))
    assert again == (409, "already_recording")

    bob = await call.bring("bob")

    await call.started(recording_id)
    await bob.sends(0.5)
    await call.stop("bob")
    got = await call.finished(recording_id)
    assert (got["id"], got["participantId"], len(got["files"])) == (recording_id, "bob", 1)
    happened = (await server.get(f"{_RECORDINGS}/{recording_id}/events"))["data"]
    steps = [step for each in happened if not (step := each["type"].split(".")[1]).startswith("flow-")]
    assert steps == ["awaited", "requested", "started", "stop-requested", "stopped"]
    life = [f"participant-recording-{step}" for step in ("starting", "started", "stopping", "stopped")]
    await eventually(lambda: target.types() == life)


@pytest.mark.parametrize("path", ["", "/track"])
async def test_somebody_who_never_comes_is_given_up(server: Server, calls: Calls, target: Receiver, path: str) -> None:
    call = await calls.attested("alice")
    body = call.about("bob", kind="video", webhookUrl=target.url)
    started = await server.ask("POST", f"{_RECORDINGS}{path}/start", body)
    recording = f"{_RECORDINGS}{path}/{started.headers['Recording-Id']}"

    history = await server.until(f"{recording}/events", lambda got: len(got["data"]) > 1, within=60)

    awaited, failed = history["data"]
    assert (awaited["type"], failed["type"]) == ("participant-recording.awaited.v1", "participant-recording.failed.v1")
    assert failed["data"]["reason"] == "participant did not come"
    got = await server.get(recording)
    assert (got["start"], got["files"]) == (None, [])
    assert got["end"] is not None
    assert await server.refused("POST", f"{_RECORDINGS}{path}/stop", body) == (404, "not_recording")
    kind = "participant-track-recording" if path else "participant-recording"
    await eventually(lambda: target.types() == [f"{kind}-starting", f"{kind}-failed"])


async def test_a_stop_ends_the_waiting(server: Server, calls: Calls) -> None:
    call = await calls.attested("alice")
    recording_id = await call.start("bob")
    await call.stop("bob")
    got = await server.get(f"{_RECORDINGS}/{recording_id}")
    assert (got["start"], got["files"]) == (None, [])
    assert got["end"] is not None
