"""What moderators say about recordings, what the log has of it, and what they and others are told."""

from __future__ import annotations

import pytest

from shared.contracts.recording import (
    RecordingEvent,
    RecordingPaused,
    RecordingRequested,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
)
from shared.contracts.room import HandRaised
from tests.support.eventually import eventually
from tests.unit.gateway.signaling.house import Gateway, House
from tests.unit.gateway.signaling.recordings import TARGETS, is_done, recording


async def test_a_moderator_starts_and_stops(house: House, gateway: Gateway) -> None:
    mona = await gateway.joined("mona", "moderator")
    await house.recorder_begins()
    mona.says("recording", action="start")
    recording_id = (await mona.hears("started"))["recording_id"]
    mona.says("recording", action="stop", recording_id=recording_id)
    assert (await mona.hears("stopped"))["recording_id"] == recording_id
    requested, started, stopped = await house.written(RecordingEvent)
    assert isinstance(requested, RecordingRequested)
    assert isinstance(started, RecordingStarted)
    assert isinstance(stopped, RecordingStopped)
    assert (requested.requested_by, stopped.requested_by, stopped.reason) == ("mona", "mona", "requested")
    assert requested.recording_id == started.recording_id == stopped.recording_id == recording_id


@pytest.mark.parametrize("by_stream", [False, True], ids=["stop", "stop_stream"])
async def test_a_moderator_may_throw_away_what_they_stop_and_everybody_is_told(
    house: House, gateway: Gateway, *, by_stream: bool
) -> None:
    mona, ann = await gateway.joined("mona", "moderator"), await gateway.joined()
    await recording(house, mona, "active")
    (started,) = await house.written(RecordingStarted)
    if by_stream:
        mona.says("recording", action="stop_stream", target_ids=TARGETS, discard=True)
    else:
        mona.says("recording", action="stop", recording_id=started.recording_id, discard=True)
    for one in (mona, ann):
        assert (await one.hears("stopped"))["discarded"] is True
    (stopped,) = await house.written(RecordingStopped)
    assert (stopped.requested_by, stopped.discarded) == ("mona", True)


@pytest.mark.parametrize("status", ["inactive", "active"])
@pytest.mark.parametrize(
    "said",
    [
        {"action": "start"},
        {"action": "stop", "recording_id": "rec"},
        {"action": "stop", "recording_id": "rec", "discard": True},
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
    house: House, gateway: Gateway, said: dict[str, object], status: str
) -> None:
    mona, ann = await gateway.joined("mona", "moderator"), await gateway.joined()
    await recording(house, mona, status)
    before = await house.written(RecordingEvent)
    ann.says("recording", **said)
    await ann.hears("recording insufficient_permissions")
    assert await house.written(RecordingEvent) == before


@pytest.mark.parametrize("status", ["inactive", "active"])
@pytest.mark.parametrize("wrong", [{}, {"recording_id": None}, {"recording_id": 7}, {"recording_id": "a b"}])
async def test_what_is_no_recording_id_is_answered_as_one_that_is_not_running(
    house: House, gateway: Gateway, wrong: dict[str, object], status: str
) -> None:
    mona = await gateway.joined("mona", "moderator")
    await recording(house, mona, status)
    mona.says("recording", action="stop", **wrong)
    await mona.hears("recording invalid_recording_id")
    assert await house.written(RecordingStopped) == []


@pytest.mark.parametrize("action", ["start_stream", "pause_stream", "stop_stream"])
@pytest.mark.parametrize("targets", [["other"], [*TARGETS, "other"], 7, "x", [7], ["\ud800"]])
async def test_what_is_no_target_is_refused_with_the_whole_command(
    house: House, gateway: Gateway, action: str, targets: object
) -> None:
    mona = await gateway.joined("mona", "moderator")
    mona.says("recording", action=action, target_ids=targets)
    await mona.hears("recording invalid_streaming_id")
    assert await house.written(RecordingEvent) == []


@pytest.mark.parametrize("action", ["start_stream", "pause_stream", "stop_stream"])
@pytest.mark.parametrize("no_targets", [{}, {"target_ids": []}, {"target_ids": None}])
async def test_no_target_at_all_is_nothing_to_do(
    house: House, gateway: Gateway, action: str, no_targets: dict[str, object]
) -> None:
    mona = await gateway.joined("mona", "moderator")
    mona.says("recording", action=action, **no_targets)
    await is_done(mona)
    assert await house.written(RecordingEvent) == []
    assert mona.messages == ["join_success", "recording invalid_recording_id"]


# --- what it leads to


@pytest.mark.parametrize(
    ("status", "action", "leads_to", "refusal"),
    [
        ("inactive", "start_stream", [RecordingRequested], None),
        ("inactive", "pause_stream", [], "recorder_not_started"),
        ("inactive", "stop_stream", [], "recorder_not_started"),
        ("starting", "start_stream", [], None),
        ("starting", "pause_stream", [], "recorder_not_started"),
        ("starting", "stop_stream", [RecordingStopped], None),
        ("active", "start_stream", [], None),
        ("active", "pause_stream", [RecordingPaused], None),
        ("active", "stop_stream", [RecordingStopped], None),
        ("paused", "start_stream", [RecordingResumed], None),
        ("paused", "pause_stream", [], None),
        ("paused", "stop_stream", [RecordingStopped], None),
    ],
)
async def test_what_a_word_about_the_stream_leads_to(
    house: House,
    gateway: Gateway,
    status: str,
    action: str,
    leads_to: list[type[RecordingEvent]],
    refusal: str | None,
) -> None:
    mona = await gateway.joined("mona", "moderator")
    await recording(house, mona, status)
    before, told = await house.written(RecordingEvent), len(mona.messages)
    mona.says("recording", action=action, target_ids=TARGETS)
    await is_done(mona)
    assert [type(event) for event in (await house.written(RecordingEvent))[len(before) :]] == leads_to
    errors = [name for name in mona.messages[told:] if name.startswith("recording ")]
    assert errors == [*([f"recording {refusal}"] if refusal else []), "recording invalid_recording_id"]


async def test_what_is_refused_is_told_to_who_asked_alone(house: House, gateway: Gateway) -> None:
    mona, olga = await gateway.joined("mona", "moderator"), await gateway.joined("olga", "moderator")
    await recording(house, mona, "active")
    mona.says("recording", action="start")
    await mona.hears("recording already_recording")
    await olga.hears("stream_updated")
    await olga.is_heard()
    assert olga.messages == ["join_success", "started", "stream_updated", "echo ping"]


@pytest.mark.parametrize("said", [{"action": "start"}, {"action": "start_stream", "target_ids": TARGETS}])
async def test_what_the_log_did_not_take_is_told_as_internal_and_may_be_said_again(
    house: House, gateway: Gateway, said: dict[str, object]
) -> None:
    mona = await gateway.joined("mona", "moderator")
    house.log.refusals = 1
    mona.says("recording", **said)
    await mona.hears("recording internal")
    assert await house.written(RecordingEvent) == []
    mona.says("recording", **said)
    assert len(await house.until_written(RecordingRequested)) == 1


async def test_everybody_is_told_how_a_recording_goes_on(house: House, gateway: Gateway) -> None:
    mona, ann = await gateway.joined("mona", "moderator"), await gateway.joined()
    await recording(house, mona, "paused")
    mona.says("recording", action="start_stream", target_ids=TARGETS)
    await mona.hears("stream_updated", 3)
    mona.says("recording", action="stop_stream", target_ids=TARGETS)
    for client in (mona, ann):
        await client.hears("stream_updated", 4)
        told = [name for name in client.messages if name not in {"join_success", "joined"}]
        assert told == ["started", *["stream_updated"] * 3, "stopped", "stream_updated"]
        statuses = [each["status"] for each in client.payloads if each["message"] == "stream_updated"]
        assert statuses == ["active", "paused", "active", "inactive"]


# --- one after the other


async def test_what_one_moderator_says_about_recordings_is_done_in_its_order(house: House, gateway: Gateway) -> None:
    mona = await gateway.joined("mona", "moderator")
    house.log.hold("recording-")
    for action in ("start_stream", "stop_stream", "start_stream"):
        mona.says("recording", action=action, target_ids=TARGETS)
    mona.says("recording", action="stop")
    await eventually(lambda: house.log.waiting)
    await mona.is_heard()
    assert mona.messages == ["join_success", "echo ping"], "what is refused waits as well for what was said before it"
    house.log.writable.set()
    await mona.hears("recording invalid_recording_id")
    assert [type(event) for event in await house.written(RecordingEvent)] == [
        RecordingRequested,
        RecordingStopped,
        RecordingRequested,
    ]


async def test_a_hand_does_not_wait_for_a_start_that_is_not_in_the_log_yet(house: House, gateway: Gateway) -> None:
    mona = await gateway.joined("mona", "moderator")
    house.log.hold("recording-")
    mona.says("recording", action="start")
    mona.says("control", action="raise_hand")
    await house.until_written(HandRaised)
    assert await house.written(RecordingRequested) == []
    house.log.writable.set()


@pytest.mark.parametrize("said", [{"action": "stop"}, {"action": "pause_stream", "target_ids": TARGETS}])
async def test_a_stop_and_a_pause_that_the_log_did_not_answer_to_may_be_in_it_so_the_horizon_stays(
    house: House, gateway: Gateway, said: dict[str, object]
) -> None:
    mona = await gateway.joined("mona", "moderator")
    await house.recorder_begins()
    mona.says("recording", action="start")
    recording_id = (await mona.hears("started"))["recording_id"]
    assert not gateway.horizon.holds_words
    house.log.refusals, house.log.writes_before_it_refuses = 1, True
    mona.says("recording", **said, recording_id=recording_id)
    await mona.hears("recording internal")
    assert gateway.horizon.known_until() < (await house.written(RecordingEvent))[-1].at
