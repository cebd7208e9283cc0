"""Who is gone has left at that moment: whatever else waits, and whoever is cut off."""

from __future__ import annotations

import asyncio

import pytest
from starlette.websockets import WebSocketState

from services.gateway.projections.roster import target_id
from services.gateway.signaling import lives
from shared.concurrency.clock import utc_now
from shared.contracts.consent import ConsentGiven, ConsentSaid, ConsentWithdrawn
from shared.contracts.recording import RecordingStarted, RecordingStopped
from shared.contracts.room import ParticipantJoined, ParticipantLeft
from shared.eventsourcing import insisting
from tests.support.eventually import eventually
from tests.unit.gateway.signaling.house import Gateway, House


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.01)


async def test_who_hangs_up_while_their_word_waits_has_left_at_once(house: House, gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    house.log.hold("consent-")
    ann.says("recording", action="set_consent", consent=True)
    ann.hangs_up()
    (left,) = await house.until_written(ParticipantLeft)
    left_by = utc_now()
    assert await house.written(ConsentSaid) == []
    house.log.writable.set()
    (given,) = await house.until_written(ConsentGiven)
    assert given.at < left.at < left_by
    await ann.is_over()


async def test_who_hangs_up_while_their_no_waits_left_when_they_said_it(house: House, gateway: Gateway) -> None:
    """Should this gateway die, nobody holds the watermark for their no any more; it holds for their leave."""
    ann = await gateway.joined("ann")
    house.log.hold("consent-")
    ann.says("recording", action="set_consent", consent=False)
    await eventually(lambda: house.log.waiting)
    said_by = utc_now()
    ann.hangs_up()
    (left,) = await house.until_written(ParticipantLeft)
    assert left.at < said_by
    house.log.writable.set()
    (refused,) = await house.until_written(ConsentSaid)
    assert left.at == refused.at
    await ann.is_over()


async def test_who_stops_a_recording_and_hangs_up_has_stopped_it(house: House, gateway: Gateway) -> None:
    await house.recorder_begins()
    mona = await gateway.joined("mona", "moderator")
    mona.says("recording", action="start")
    (started,) = await house.until_written(RecordingStarted)
    house.log.hold("recording-")
    mona.says("recording", action="pause_stream", target_ids=[target_id("r")])
    await eventually(lambda: house.log.waiting)
    mona.says("recording", action="stop", recording_id=started.recording_id)
    mona.hangs_up()
    await eventually(lambda: mona.websocket.client_state is WebSocketState.DISCONNECTED)
    await eventually(lambda: not list(gateway.hub.clients()))
    await (await gateway.joined("late")).is_heard()
    house.log.writable.set()
    await mona.is_over()
    assert len(await house.written(RecordingStopped)) == len(await house.written(ParticipantLeft)) == 1


async def test_the_moment_of_leaving_is_that_of_hanging_up_however_often_it_is_tried(
    house: House, gateway: Gateway
) -> None:
    ann = await gateway.joined("ann")
    house.log.refusals = 1_000_000
    refused = house.log.refusals - 3
    ann.hangs_up()
    await eventually(lambda: house.log.refusals < refused)
    tried_thrice = utc_now()
    held = gateway.horizon.known_until()
    house.log.refusals = 0
    (left,) = await house.until_written(ParticipantLeft)
    assert held < left.at < tried_thrice
    await ann.is_over()
    await eventually(lambda: gateway.horizon.known_until() > left.at)


async def test_who_hangs_up_before_they_were_seen_to_join_does_not_wait_for_that(
    house: House, gateway: Gateway
) -> None:
    house.log.is_published = False
    client = gateway.client()
    client.says("control", action="join")
    await house.until_written(ParticipantJoined)
    client.hangs_up()
    await client.is_over()
    assert len(await house.written(ParticipantLeft)) == 1


# --- the gateway ends


async def test_who_is_cut_off_leaves_all_the_same_and_is_waited_for(house: House, gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    house.log.writable.clear()
    ann.says("recording", action="set_consent", consent=False)
    await eventually(lambda: house.log.waiting)
    ann.serving.cancel()
    async with gateway.signaling.lives.awaited():
        await asyncio.wait({ann.serving})
        asyncio.get_running_loop().call_later(0.05, house.log.writable.set)
    assert len(await house.written(ConsentSaid)) == len(await house.written(ParticipantLeft)) == 1
    assert not gateway.horizon.holds_words


async def test_the_last_words_are_not_waited_for_for_ever_and_hold_the_horizon(
    house: House, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lives, "_LAST_SECONDS", 0.1)
    ann = await gateway.joined("ann")
    house.log.hold("consent-")
    before = utc_now()
    ann.says("recording", action="set_consent", consent=False)
    await eventually(lambda: house.log.waiting)
    async with gateway.signaling.lives.awaited():
        ann.hangs_up()
    assert len(await house.written(ParticipantLeft)) == 1
    assert gateway.horizon.holds_words
    assert gateway.horizon.known_until() < utc_now()
    assert before < gateway.horizon.known_until()


# --- a gateway that is fenced


async def test_a_fenced_gateway_takes_no_yes_and_no_join(house: House, gateway: Gateway) -> None:
    ann, late = await gateway.joined("ann"), gateway.client("late")
    gateway.horizon.fence()
    ann.says("recording", action="set_consent", consent=True)
    await ann.hears("recording internal")
    late.says("control", action="join")
    await late.hears("control internal")
    assert (await house.written(ConsentSaid), len(await house.written(ParticipantJoined))) == ([], 1)


async def test_a_fenced_gateway_takes_a_no_and_that_somebody_is_gone(house: House, gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    ann.says("recording", action="set_consent", consent=True)
    await house.until_written(ConsentGiven)
    gateway.horizon.fence()
    ann.says("recording", action="set_consent", consent=False)
    await house.until_written(ConsentWithdrawn)
    gateway.hub.send_away()
    await ann.is_over()
    assert ann.close_code == 1012
    assert len(await house.written(ParticipantLeft)) == 1
