"""A connection from its join to its end: who is in the log by it, and how both sides hear of its end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from services.gateway.signaling import connection as module
from shared.contracts.consent import ConsentSaid
from shared.contracts.room import ParticipantJoined, ParticipantLeft, SessionEnded
from shared.eventsourcing import insisting
from tests.support.eventually import eventually
from tests.unit.gateway.signaling.house import Gateway, House

# --- coming in


async def test_who_joins_is_in_the_log_by_this_connection_and_gateway(house: House, gateway: Gateway) -> None:
    ann = await gateway.joined("ann", "guest")
    (joined,) = await house.written(ParticipantJoined)
    assert (joined.participant_id, joined.display_name, joined.role) == ("ann", "Ann", "guest")
    assert (joined.gateway_id, joined.connection_id) == ("gateway", ann.connection.connection_id)


async def test_who_joins_is_told_of_the_others_and_they_of_them(gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    bob = await gateway.joined("bob")
    assert [each["id"] for each in (await bob.hears("join_success"))["participants"]] == ["ann"]
    assert (await ann.hears("joined"))["id"] == "bob"
    assert bob.messages == ["join_success"]


async def test_who_has_no_name_is_unnamed(gateway: Gateway) -> None:
    client = gateway.client()
    client.says("control", action="join")
    assert (await client.hears("join_success"))["display_name"] == "Unnamed"


async def test_a_name_that_is_none_may_be_tried_again(house: House, gateway: Gateway) -> None:
    client = gateway.client()
    client.says("control", action="join", display_name=" ")
    client.says("control", action="join", display_name="\ud800")
    await client.hears("control invalid_username", 2)
    assert await house.written(ParticipantJoined) == []
    await client.joins()


async def test_a_join_waits_until_it_is_seen_in_the_log(house: House, gateway: Gateway) -> None:
    house.log.is_published = False
    client = gateway.client()
    client.says("control", action="join")
    await house.until_written(ParticipantJoined)
    assert client.told == []
    house.log.is_published = True
    await house.log.publish()
    await client.hears("join_success")


async def test_a_join_that_is_not_seen_in_time_fails_and_may_be_tried_again(
    house: House, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_JOIN_SECONDS", 0.01)
    house.log.is_published = False
    client = gateway.client()
    client.says("control", action="join")
    await client.hears("control internal")
    house.log.is_published = True
    await house.log.publish()
    await eventually(lambda: gateway.hub.roster.session("r"))
    await client.joins()
    assert len(await house.written(ParticipantJoined)) == 1


@pytest.mark.parametrize("writes", [True, False])
async def test_a_join_that_the_log_did_not_take_may_be_tried_again(
    house: House, gateway: Gateway, *, writes: bool
) -> None:
    house.log.refusals, house.log.writes_before_it_refuses = 1, writes
    client = gateway.client()
    client.says("control", action="join")
    await client.hears("control internal")
    await client.joins()
    assert len(await house.written(ParticipantJoined)) == 1


async def test_who_joins_a_room_that_is_not_there_is_told_so_and_leaves_nothing_behind() -> None:
    async with House().opened() as house:
        client = (await house.gateway()).client()
        client.says("control", action="join")
        await client.hears("control room_not_found")
        client.hangs_up()
        await client.is_over()
        assert await house.written(ParticipantLeft) == []


# --- leaving


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        *((code, "quit") for code in (1000, 1001, 1005)),
        *((code, "timeout") for code in (1006, 1002, 1007, 1009, 1011, 1012, 4999)),
    ],
)
async def test_why_somebody_left_is_told_by_how_their_connection_ended(
    house: House, gateway: Gateway, code: int, reason: str
) -> None:
    ann, bob = await gateway.joined("ann"), await gateway.joined("bob")
    ann.hangs_up(code)
    await ann.is_over()
    (left,) = await house.written(ParticipantLeft)
    assert (left.participant_id, left.reason) == ("ann", reason)
    assert await bob.hears("left") == {"message": "left", "id": "ann", "reason": reason}
    assert ann.close_code is None, "it is closed already"


async def test_who_is_gone_is_heard_to_the_end_of_what_they_said(house: House, gateway: Gateway) -> None:
    """Their last word may be a withdrawal, and what they are told cannot be sent any more."""
    ann = await gateway.joined("ann")
    ann.goes()
    await gateway.joined("bob")
    await gateway.joined("cy")
    ann.says("recording", action="set_consent", consent=False)
    ann.hangs_up(1006)
    await ann.is_over()
    assert len(await house.written(ConsentSaid)) == 1
    (left,) = await house.written(ParticipantLeft)
    assert left.reason == "timeout"


async def test_the_last_to_leave_ends_the_session(house: House, gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    ann.hangs_up()
    await ann.is_over()
    assert len(await house.written(SessionEnded)) == 1


async def test_who_never_joined_leaves_nothing_behind(house: House, gateway: Gateway) -> None:
    client = gateway.client()
    await client.is_heard()
    client.hangs_up()
    await client.is_over()
    assert await house.written(ParticipantLeft) == []
    assert list(gateway.hub.clients()) == []


@pytest.mark.parametrize("writes", [True, False])
async def test_a_leave_waits_for_the_database(
    house: House, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, *, writes: bool
) -> None:
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.01)
    ann = await gateway.joined("ann")
    house.log.refusals, house.log.writes_before_it_refuses = 5, writes
    ann.hangs_up()
    await ann.is_over()
    assert house.log.refusals == (4 if writes else 0)
    assert len(await house.written(ParticipantLeft)) == 1


async def test_a_leave_keeps_its_moment_while_it_waits_and_holds_the_horizon(
    house: House, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.01)
    ann = await gateway.joined("ann")
    house.log.refusals = 1000
    ann.hangs_up()
    await eventually(lambda: house.log.refusals < 999)
    held = gateway.horizon.known_until()
    await eventually(lambda: house.log.refusals < 995)
    assert gateway.horizon.known_until() == held
    house.log.refusals = 0
    await ann.is_over()
    (left,) = await house.written(ParticipantLeft)
    assert held < left.at < gateway.horizon.known_until()
    assert left.at - held <= timedelta(microseconds=1)


async def test_who_left_is_told_nothing_more(gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    ann.hangs_up()
    await ann.is_over()
    assert list(gateway.hub.clients()) == []


# --- cut off


async def test_a_join_that_is_cut_off_half_way_leaves_nobody_in_the_room(house: House, gateway: Gateway) -> None:
    house.log.writable.clear()
    client = gateway.client()
    client.says("control", action="join")
    await eventually(lambda: house.log.waiting)
    client.serving.cancel()
    await asyncio.sleep(0)
    house.log.writable.set()
    await house.until_written(ParticipantLeft)
    assert len(await house.written(ParticipantJoined)) == len(await house.written(ParticipantLeft)) == 1
    assert list(gateway.hub.clients()) == [], "nobody tells it anything"


async def test_a_join_that_is_cut_off_before_it_is_seen_leaves_nobody_in_the_room(
    house: House, gateway: Gateway
) -> None:
    house.log.is_published = False
    client = gateway.client()
    client.says("control", action="join")
    await house.until_written(ParticipantJoined)
    client.serving.cancel()
    await asyncio.sleep(0)
    house.log.is_published = True
    await house.log.publish()
    assert len(await house.until_written(ParticipantLeft)) == 1
    assert list(gateway.hub.clients()) == []


async def test_who_hangs_up_while_they_join_leaves_as_they_meant_to(house: House, gateway: Gateway) -> None:
    house.log.writable.clear()
    client = gateway.client()
    client.says("control", action="join")
    client.hangs_up(1001)
    await eventually(lambda: house.log.waiting)
    house.log.writable.set()
    await client.is_over()
    (left,) = await house.written(ParticipantLeft)
    assert left.reason == "quit"
    assert list(gateway.hub.clients()) == []
