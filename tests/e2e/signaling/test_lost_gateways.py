"""What the others see when a gateway stops, and when it is killed."""

from __future__ import annotations

from functools import partial

import pytest

from tests.e2e.signaling.conftest import Processes
from tests.e2e.signaling.room import Room, consent, peer, start, stop
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

_SECOND = 1


async def test_a_gateway_that_stops_says_so_and_its_people_leave(room: Room, processes: Processes) -> None:
    mona = await room.enter("mona", "moderator")
    alice = await room.enter("alice", at=_SECOND)
    await room.quiet()
    try:
        await processes.gateways[_SECOND].stop()
        assert await alice.closed() == 1012
        await mona.expect("control", "left", id="alice")
    finally:
        await processes.gateways[_SECOND].start()
    back = await room.enter("alice", at=_SECOND)
    assert [each["id"] for each in back.welcome["participants"]] == ["mona"]


async def test_the_people_of_a_killed_gateway_leave(room: Room, processes: Processes) -> None:
    # Given a recording in a room whose people are at two gateways
    mona, bob = await room.enter("mona", "moderator"), await room.enter("bob")
    alice = await room.enter("alice", at=_SECOND)
    await consent(alice, seen_by=[mona, bob])
    recording_id = await start(mona)
    await bob.expect("recording", "stream_updated", status="active")
    await room.quiet()
    try:
        # When one of them is killed
        await processes.gateways[_SECOND].kill()

        # Then the others are told that its people have left, and the recording goes on
        for other in (mona, bob):
            await eventually(partial(bool, other.heard), within=30)
            left = await other.expect("control", "left", id="alice")
            assert left["reason"] == "timeout"
        await room.settle()
        assert [len(each.take()) for each in (mona, bob)] == [1, 1]
        late = await room.enter("late")
        assert late.welcome["recording"]["recording_id"] == recording_id
        assert peer(late.welcome, "alice")["control"]["left_at"] is not None
    finally:
        await processes.gateways[_SECOND].start()
    # And they may come back by the gateway that is there again, and have to consent anew
    back = await room.enter("alice", at=_SECOND)
    assert back.welcome["recording"]["recording_id"] == recording_id
    assert peer((await room.enter("later")).welcome, "alice")["recording"] == {"consents_recording": False}
    await mona.expect("control", "joined", id="alice")
    await stop(mona, recording_id)
