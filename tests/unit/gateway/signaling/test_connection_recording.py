"""What moderators ask of the recorder, and what they and others are told of it."""

from __future__ import annotations

import pytest

from services.gateway.projections.roster import target_id
from shared.contracts.message import Command
from shared.contracts.recording import (
    PauseRecording,
    RecordingFailed,
    RecordingRequested,
    RecordingStarted,
    RecordingStopped,
    ResumeRecording,
    StartRecording,
    StopRecording,
)
from shared.contracts.room import HandRaised
from tests.support.eventually import eventually
from tests.support.moments import at
from tests.unit.gateway.signaling.house import Gateway, House

TARGETS = [target_id("r")]


async def test_a_moderator_starts_and_stops(house: House, gateway: Gateway) -> None:
    mona = await gateway.joined("mona", "moderator")
    mona.says("recording", action="start")
    mona.says("recording", action="stop", recording_id="rec")
    await eventually(lambda: len(house.recorder.asked) == 2)
    start, stop = house.recorder.asked
    assert isinstance(start, StartRecording)
    assert isinstance(stop, StopRecording)
    assert (start.requested_by, stop.requested_by) == ("mona", "mona")
    assert stop.recording_id == "rec"
    await mona.is_heard()
    assert mona.messages == ["join_success", "echo ping"], "nothing is said until a worker is ready"


@pytest.mark.parametrize(
    "said",
    [
        {"action": "start"},
        {"action": "stop", "recording_id": "rec"},
        {"action": "stop", "recording_id": 7},
        {"action": "stop"},
        *(
            {"action": action, "target_ids": targets}
            for action in ("start_stream", "pause_stream", "stop_stream")
            for targets in (TARGETS, [], ["other"], 7)
        ),
    ],
)
async def test_who_may_not_record_is_told_so_whatever_else_is_wrong(
    house: House, gateway: Gateway, said: dict[str, object]
) -> None:
    ann = await gateway.joined()
    ann.says("recording", **said)
    await ann.hears("recording insufficient_permissions")
    assert house.recorder.asked == []


@pytest.mark.parametrize("wrong", [{}, {"recording_id": None}, {"recording_id": 7}, {"recording_id": "a b"}])
async def test_what_is_no_recording_id_is_answered_as_one_that_is_not_running(
    house: House, gateway: Gateway, wrong: dict[str, object]
) -> None:
    mona = await gateway.joined("mona", "moderator")
    mona.says("recording", action="stop", **wrong)
    await mona.hears("recording invalid_recording_id")
    assert house.recorder.asked == []


@pytest.mark.parametrize("action", ["start_stream", "pause_stream", "stop_stream"])
@pytest.mark.parametrize("targets", [["other"], [*TARGETS, "other"], 7, "x", [7], ["\ud800"]])
async def test_what_is_no_target_is_refused_with_the_whole_command(
    house: House, gateway: Gateway, action: str, targets: object
) -> None:
    mona = await gateway.joined("mona", "moderator")
    mona.says("recording", action=action, target_ids=targets)
    await mona.hears("recording invalid_streaming_id")
    assert house.recorder.asked == []


@pytest.mark.parametrize("action", ["start_stream", "pause_stream", "stop_stream"])
@pytest.mark.parametrize("no_targets", [{}, {"target_ids": []}, {"target_ids": None}])
async def test_no_target_at_all_is_nothing_to_do(
    house: House, gateway: Gateway, action: str, no_targets: dict[str, object]
) -> None:
    mona = await gateway.joined("mona", "moderator")
    mona.says("recording", action=action, **no_targets)
    mona.says("recording", action="stop")  # done after it
    await mona.hears("recording invalid_recording_id")
    assert house.recorder.asked == []
    assert mona.messages == ["join_success", "recording invalid_recording_id"]


@pytest.mark.parametrize("code", ["already_recording", "invalid_recording_id", "recorder_not_started"])
async def test_what_the_recorder_refuses_is_told_to_who_asked(house: House, gateway: Gateway, code: str) -> None:
    mona, olga = await gateway.joined("mona", "moderator"), await gateway.joined("olga", "moderator")
    house.recorder.refuses[StartRecording] = code
    mona.says("recording", action="start")
    await mona.hears(f"recording {code}")
    await olga.is_heard()
    assert olga.messages == ["join_success", "echo ping"]


async def test_a_recorder_that_does_not_answer_is_told_as_internal(
    gateway: Gateway, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.owners, "_timeout", 0.05)
    mona = await gateway.joined("mona", "moderator")
    house.recorder.answers.clear()
    mona.says("recording", action="start")
    await mona.hears("recording internal")
    house.recorder.answers.set()


async def test_a_recorder_that_does_not_answer_is_told_to_who_asked_for_a_stream_as_no_worker(
    gateway: Gateway, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.owners, "_timeout", 0.05)
    mona = await gateway.joined("mona", "moderator")
    house.recorder.answers.clear()
    mona.says("recording", action="start_stream", target_ids=TARGETS)
    await mona.hears("recorder_error")
    house.recorder.answers.set()


@pytest.mark.parametrize(("action", "told"), [("start_stream", True), ("start", False)])
async def test_that_no_worker_was_there_is_told_to_who_asked_for_a_stream(
    house: House, gateway: Gateway, action: str, *, told: bool
) -> None:
    mona, olga = await gateway.joined("mona", "moderator"), await gateway.joined("olga", "moderator")
    mona.says("recording", action=action, **({"target_ids": TARGETS} if told else {}))
    await eventually(lambda: house.recorder.asked)
    about = {"room_id": "r", "session_id": gateway.hub.roster.sessions["r"].session_id, "recording_id": "rec"}
    await house.happens(RecordingRequested(at=at(), **about, requested_by="mona"))
    await house.happens(RecordingFailed(at=at(), **about, reason="no worker answered"))
    for client in (mona, olga):
        await gateway.is_told(client)
    assert ("recorder_error" in mona.messages) is told
    assert "recorder_error" not in olga.messages


@pytest.mark.parametrize(
    ("refuses", "asked", "told"),
    [
        ({}, [ResumeRecording], []),
        ({ResumeRecording: "recorder_not_started"}, [ResumeRecording, StartRecording], []),
        (
            {ResumeRecording: "recorder_not_started", StartRecording: "already_recording"},
            [ResumeRecording, StartRecording],
            [],
        ),
        ({ResumeRecording: "lapsed"}, [ResumeRecording], ["recording internal"]),
    ],
    ids=["paused or active", "inactive", "starting", "refused"],
)
async def test_a_stream_is_resumed_or_started_or_left_as_it_is(
    house: House, gateway: Gateway, refuses: dict[type[Command], str], asked: list[type[Command]], told: list[str]
) -> None:
    mona = await gateway.joined("mona", "moderator")
    house.recorder.refuses = refuses
    mona.says("recording", action="start_stream", target_ids=TARGETS)
    mona.says("recording", action="stop")  # done after it
    await mona.hears("recording invalid_recording_id")
    assert [type(each) for each in house.recorder.asked] == asked
    assert mona.messages == ["join_success", *told, "recording invalid_recording_id"]


@pytest.mark.parametrize(("action", "kind"), [("pause_stream", PauseRecording), ("stop_stream", StopRecording)])
async def test_a_stream_is_paused_or_stopped_whichever_recording_runs(
    house: House, gateway: Gateway, action: str, kind: type[Command]
) -> None:
    mona = await gateway.joined("mona", "moderator")
    mona.says("recording", action=action, target_ids=TARGETS)
    await eventually(lambda: house.recorder.asked)
    (asked,) = house.recorder.asked
    assert isinstance(asked, kind)
    assert isinstance(asked, PauseRecording | StopRecording)
    assert (asked.recording_id, asked.requested_by) == (None, "mona")
    house.recorder.refuses[kind] = "recorder_not_started"
    mona.says("recording", action=action, target_ids=TARGETS)
    await mona.hears("recording recorder_not_started")


async def test_everybody_is_told_how_a_recording_goes_on(house: House, gateway: Gateway) -> None:
    mona, ann = await gateway.joined("mona", "moderator"), await gateway.joined()
    session = gateway.hub.roster.sessions["r"].session_id
    about = {"room_id": "r", "session_id": session, "recording_id": "rec"}
    await house.happens(RecordingRequested(at=at(), **about, requested_by="mona"))
    await house.happens(RecordingStarted(at=at(), **about, worker_id="worker"))
    await house.happens(RecordingStopped(at=at(), **about, reason="requested"))
    for client in (mona, ann):
        await client.hears("stream_updated", 2)
        told = [name for name in client.messages if name not in {"join_success", "joined"}]
        assert told == ["started", "stream_updated", "stopped", "stream_updated"]


async def test_what_one_moderator_asks_of_the_recorder_is_asked_one_after_the_other(
    house: House, gateway: Gateway
) -> None:
    mona = await gateway.joined("mona", "moderator")
    house.recorder.answers.clear()
    mona.says("recording", action="start")
    mona.says("recording", action="stop", recording_id="rec")
    await mona.is_heard()
    assert [type(asked) for asked in house.recorder.asked] in ([], [StartRecording])
    house.recorder.answers.set()
    await eventually(lambda: len(house.recorder.asked) == 2)
    assert [type(asked) for asked in house.recorder.asked] == [StartRecording, StopRecording]


async def test_a_hand_does_not_wait_for_the_recorder(house: House, gateway: Gateway) -> None:
    mona = await gateway.joined("mona", "moderator")
    house.recorder.answers.clear()
    mona.says("recording", action="start")
    mona.says("control", action="raise_hand")
    await house.until_written(HandRaised)
    house.recorder.answers.set()
