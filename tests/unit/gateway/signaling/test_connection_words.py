"""What becomes of a client's other words, and in which namespace it is told so."""

from __future__ import annotations

import json

import pytest

from services.gateway.projections.roster import target_id
from services.gateway.signaling import connection as module
from services.gateway.signaling.rate_limit import BURST, TOLERATED
from shared.contracts.room import HandRaised, ParticipantLeft, RoleChanged
from tests.unit.gateway.signaling.house import Gateway, House

TARGETS = [target_id("r")]


# --- before `join`


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ('{"namespace":"recording","payload":{"action":"start"}}', "control not_yet_joined"),
        ('{"namespace":"recording","payload":{"action":"nothing"}}', "control not_yet_joined"),
        ('{"namespace":"nothing","payload":{}}', "control not_yet_joined"),
        ('{"namespace":"control","payload":{"action":"raise_hand"}}', "control not_yet_joined"),
        ('{"namespace":"control","payload":{"action":"enter_room"}}', "control not_yet_joined"),
        ('{"namespace":"control","payload":{"action":"nothing"}}', "control invalid_json"),
        ('{"namespace":"echo","payload":{"action":"ping"}}', "echo ping"),
        ("nothing", "control invalid_json"),
        ("", "control invalid_json"),
    ],
)
async def test_before_join_only_join_and_echo_are_done(gateway: Gateway, said: str, answer: str) -> None:
    client = gateway.client(role="moderator")
    client.says_text(said)
    await client.hears(answer)
    await client.joins()
    assert client.messages == [answer, "join_success"]


# --- after it


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ('{"namespace":"control","payload":{"action":"join"}}', "control already_joined"),
        ('{"namespace":"control","payload":{"action":"enter_room"}}', "control not_accepted_or_not_in_waiting_room"),
        ('{"namespace":"control","payload":{"action":"nothing"}}', "control invalid_json"),
        ('{"namespace":"control","payload":{"action":"grant_moderator_role"}}', "control invalid_json"),
        ('{"namespace":"chat","payload":{"action":"send"}}', "control invalid_namespace"),
        ('{"namespace":"recording","payload":{"action":"nothing"}}', "recording invalid_json"),
        ('{"namespace":"recording","payload":{"action":"set_consent"}}', "recording invalid_json"),
        ('{"namespace":"echo","payload":{"action":"pong"}}', "control invalid_json"),
        ("[", "control invalid_json"),
    ],
)
async def test_what_cannot_be_done_is_answered_in_its_namespace(gateway: Gateway, said: str, answer: str) -> None:
    client = await gateway.joined("mona", "moderator")
    client.says_text(said)
    await client.hears(answer)


async def test_bytes_are_heard_like_text(gateway: Gateway) -> None:
    client = await gateway.joined()
    client.says_bytes(json.dumps({"namespace": "echo", "payload": {"action": "ping"}}).encode())
    await client.hears("echo ping")


async def test_an_echo_is_what_was_sent(gateway: Gateway) -> None:
    client = gateway.client()
    client.says("echo", action="ping", number=7, list=[1, {"deep": None}])
    assert await client.hears("echo ping") == {"action": "ping", "number": 7, "list": [1, {"deep": None}]}


async def test_what_cannot_be_said_in_return_does_not_end_the_connection(gateway: Gateway) -> None:
    client = await gateway.joined()
    client.says("echo", action="ping", text="\ud800")
    await client.hears("control invalid_json")
    await client.is_heard()


# --- hands and roles


async def test_a_hand_is_shown_to_the_others_and_nothing_said_to_its_owner(house: House, gateway: Gateway) -> None:
    ann, bob = await gateway.joined("ann"), await gateway.joined("bob")
    ann.says("control", action="raise_hand")
    ann.says("control", action="raise_hand")
    ann.says("control", action="lower_hand")
    assert not (await bob.hears("update", 2))["control"]["hand_is_up"]
    await ann.is_heard()
    assert ann.messages == ["join_success", "joined", "echo ping"]
    assert bob.messages.count("update") == 2
    assert len(await house.written(HandRaised)) == 1


async def test_a_moderator_makes_one_and_takes_it_back(gateway: Gateway) -> None:
    mona, ann, bob = await gateway.joined("mona", "moderator"), await gateway.joined(), await gateway.joined("bob")
    mona.says("control", action="grant_moderator_role", target="ann")
    assert (await ann.hears("role_updated"))["new_role"] == "moderator"
    for other in (mona, bob):
        assert (await other.hears("update"))["control"]["role"] == "moderator"
    ann.says("recording", action="start")
    mona.says("control", action="revoke_moderator_role", target="ann")
    assert (await ann.hears("role_updated", 2))["new_role"] == "user"
    ann.says("recording", action="start")
    await ann.hears("recording insufficient_permissions")


@pytest.mark.parametrize(
    ("who", "target", "answer"),
    [
        ("ann", "mona", "control insufficient_permissions"),
        ("mona", "olga", "control target_is_room_owner"),
        ("mona", "ann", "control nothing_to_do"),
        ("mona", "nobody", "control nothing_to_do"),
    ],
)
async def test_a_role_that_is_not_changed_is_answered_in_control(
    house: House, gateway: Gateway, who: str, target: str, answer: str
) -> None:
    clients = {name: await gateway.joined(name, "moderator") for name in ("mona", "olga")}
    clients["ann"] = await gateway.joined("ann")
    clients[who].says("control", action="revoke_moderator_role", target=target)
    await clients[who].hears(answer)
    assert await house.written(RoleChanged) == []


# --- too much


async def test_what_is_over_the_limit_is_not_done_and_told_so_once_a_second(
    house: House, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COMPLAINT_SECONDS", 3600)
    ann = await gateway.joined()
    for _ in range(3 * BURST):
        ann.says("echo", action="ping")
    await ann.hears("rate_limit_exceeded")
    ann.hangs_up()
    await ann.is_over()
    assert ann.messages.count("rate_limit_exceeded") == 1
    assert ann.messages.count("echo ping") < 2 * BURST


async def test_a_flood_that_does_not_stop_closes_the_connection(house: House, gateway: Gateway) -> None:
    ann, bob = await gateway.joined("ann"), await gateway.joined("bob")
    for _ in range(TOLERATED + 10 * BURST):
        ann.says("echo", action="ping")
    await ann.is_over()
    assert ann.close_code == 1008
    assert await bob.hears("left") == {"message": "left", "id": "ann", "reason": "timeout"}
    assert len(await house.written(ParticipantLeft)) == 1


async def test_who_floods_before_they_joined_is_closed_as_well(gateway: Gateway) -> None:
    client = gateway.client()
    for _ in range(TOLERATED + 10 * BURST):
        client.says_text("nothing")
    await client.is_over()
    assert client.close_code == 1008


async def test_who_says_much_may_say_little_of_it(gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    for _ in range(2):
        ann.says("echo", action="ping", filling="x" * 2**20)
    await ann.hears("rate_limit_exceeded")
    assert ann.messages.count("echo ping") == 1
