"""Connections that the gateway ends: replaced, taken for lost, not read, and how their clients hear of it."""

from __future__ import annotations

import pytest

from services.gateway.signaling import outbox
from shared.contracts.room import ParticipantJoined, ParticipantLeft
from tests.support.eventually import eventually
from tests.unit.gateway.signaling.house import Gateway, House

# --- replaced


@pytest.mark.parametrize("second_gateway", ["gateway", "another"])
async def test_a_second_connection_of_a_participant_closes_the_first(
    house: House, gateway: Gateway, second_gateway: str
) -> None:
    other = gateway if second_gateway == "gateway" else await house.gateway(second_gateway)
    first, bob = await gateway.joined("ann"), await gateway.joined("bob")
    second = await other.joined("ann")
    await first.is_over()
    assert first.close_code == 1000
    assert await bob.hears("left") == {"message": "left", "id": "ann", "reason": "replaced"}
    assert (await bob.hears("joined"))["id"] == "ann"
    assert not second.serving.done()
    assert [left.reason for left in await house.written(ParticipantLeft)] == ["replaced"]
    bob.says("control", action="raise_hand")
    assert (await second.hears("update"))["id"] == "bob"


async def test_who_is_replaced_is_sent_what_waited_and_then_closed(house: House, gateway: Gateway) -> None:
    ann, bob = await gateway.joined("ann"), await gateway.joined("bob")
    ann.stops_reading()
    bob.says("control", action="raise_hand")
    await bob.is_heard()
    await eventually(lambda: gateway.hub.roster.sessions["r"].present["bob"].hand_is_up)
    await gateway.joined("ann")
    assert ann.close_code is None
    ann.reads_on()
    await ann.is_over()
    assert ann.messages == ["join_success", "joined", "update"]
    assert ann.close_code == 1000


async def test_who_is_replaced_before_they_were_seen_to_join_is_closed(house: House, gateway: Gateway) -> None:
    bob = await gateway.joined("bob")
    house.log.is_published = False
    first = gateway.client("ann")
    first.says("control", action="join")
    await house.until_written(ParticipantJoined, 2)
    second = gateway.client("ann")
    second.says("control", action="join")
    await house.until_written(ParticipantJoined, 3)
    # Both at once: the first is not there any more when it learns that it was.
    await house.log.sequence(1_000_000)
    await gateway.follower.catch_up()
    house.log.is_published = True
    await house.log.publish()
    await second.hears("join_success")
    await first.is_over()
    assert first.close_code == 1000
    assert [left.reason for left in await house.written(ParticipantLeft)] == ["replaced"]
    assert {client.participant_id for client in gateway.hub.clients()} == {"ann", "bob"}
    bob.says("control", action="raise_hand")
    await second.hears("update")


async def test_who_was_taken_for_lost_is_closed_as_by_a_gateway_that_stops(house: House, gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    await gateway.rooms.lose("r", "gateway")
    await ann.is_over()
    assert ann.close_code == 1012
    assert [left.reason for left in await house.written(ParticipantLeft)] == ["timeout"]


async def test_who_is_removed_is_sent_away_and_does_not_come_back_by_themselves(house: House, gateway: Gateway) -> None:
    ann, bob = await gateway.joined("ann"), await gateway.joined("bob")
    await gateway.rooms.remove("server:key", "r", "ann")
    await ann.is_over()
    assert ann.close_code == 1000
    assert [left.reason for left in await house.written(ParticipantLeft)] == ["removed"]
    assert bob.close_code is None


async def test_when_the_session_is_ended_everybody_is_sent_away(house: House, gateway: Gateway) -> None:
    people = [await gateway.joined(who) for who in ("ann", "bob")]
    await gateway.rooms.end_session("server:key", "r")
    for each in people:
        await each.is_over()
        assert each.close_code == 1000
    assert [left.reason for left in await house.written(ParticipantLeft)] == ["session_ended"] * 2


# --- who does not read


async def test_who_does_not_read_what_they_are_told_is_closed(
    house: House, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_LIMIT", 20)
    ann, bob = await gateway.joined("ann"), await gateway.joined("bob")
    bob.stops_reading()
    for number in range(30):
        ann.says("recording", action="set_consent", consent=bool(number % 2))
    await bob.is_over()
    assert bob.close_code == 1013
    assert (await ann.hears("left")) == {"message": "left", "id": "bob", "reason": "timeout"}
    assert [left.participant_id for left in await house.written(ParticipantLeft)] == ["bob"]
