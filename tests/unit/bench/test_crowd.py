"""What a crowd does, and how it counts what it was told."""

from __future__ import annotations

import itertools
from random import Random
from typing import Any, cast

import pytest

from services.bench.signaling.client import Client
from services.bench.signaling.crowd import PING_SECONDS, Crowd, Word, script
from services.bench.signaling.member import Member, Notes


class SilentClient:
    """A connection on which nothing is ever said."""

    is_connected = True

    async def send(self, namespace: str, **payload: Any) -> None:
        """Send it nowhere."""


@pytest.fixture
def crowd() -> Crowd:
    """Two in one room and one in another, who are connected to nothing."""
    notes = Notes()
    rooms = [[Member("one", name, notes) for name in ("alice", "bob")], [Member("two", "carol", notes)]]
    crowd = Crowd(rooms, notes)
    for member in crowd.members:
        member._client = cast("Client", SilentClient())
    return crowd


def peer(name: str, *, consents: bool = False) -> dict[str, Any]:
    return {"id": name, "recording": {"consents_recording": consents}}


def introduce(crowd: Crowd) -> None:
    """Have bob be told of alice by the list, and alice of bob when he comes."""
    alice, bob, carol = crowd.members
    carol.hear(0, "control", {"message": "join_success", "participants": []})
    alice.hear(0, "control", {"message": "join_success", "participants": []})
    bob.hear(0, "control", {"message": "join_success", "participants": [peer("alice")]})
    alice.hear(0, "control", {"message": "joined", **peer("bob")})


def test_those_of_a_room_who_were_neither_listed_nor_came_are_missing(crowd: Crowd) -> None:
    alice, bob, _ = crowd.members
    bob.hear(0, "control", {"message": "join_success", "participants": [peer("alice")]})
    assert crowd.missing() == 1
    alice.hear(0, "control", {"message": "joined", **peer("bob")})
    assert crowd.missing() == 0


async def test_a_word_is_missing_until_each_of_the_others_in_the_room_has_heard_it(crowd: Crowd) -> None:
    introduce(crowd)
    alice, bob, _ = crowd.members
    await alice.say(consent=True)
    await alice.say(consent=False)
    bob.hear(0, "control", {"message": "update", **peer("alice", consents=True)})
    assert crowd.missing() == 1
    bob.hear(0, "control", {"message": "update", **peer("alice", consents=False)})
    assert crowd.missing() == 0


async def test_the_time_of_a_word_is_from_saying_to_hearing(crowd: Crowd) -> None:
    alice, bob, _ = crowd.members
    await alice.say(consent=True)
    bob.hear(crowd.notes.said["alice", True] + 0.25, "control", {"message": "update", **peer("alice", consents=True)})
    assert crowd.notes.updates == [pytest.approx(0.25)]


async def test_a_ping_is_missing_until_it_is_answered(crowd: Crowd) -> None:
    introduce(crowd)
    carol = crowd.members[2]
    await carol.ping()
    assert crowd.missing() == 1
    carol.hear(0, "echo", {"action": "ping"})
    assert crowd.missing() == 0


async def test_what_comes_again_is_counted(crowd: Crowd) -> None:
    introduce(crowd)
    alice, bob, _ = crowd.members
    await bob.say(consent=True)
    for _ in range(3):
        alice.hear(0, "control", {"message": "update", **peer("bob", consents=True)})
    alice.hear(0, "control", {"message": "joined", **peer("bob")})
    assert crowd.repeated() == 3


def test_everybody_says_yes_and_then_no_within_the_time_and_pings_as_browsers_do(crowd: Crowd) -> None:
    words = script(crowd.members, 60, Random(1))
    assert [due for due, _, _ in words] == sorted(due for due, _, _ in words)
    assert all(0 <= due < 60 for due, _, _ in words)
    for member in crowd.members:
        assert [word for _, who, word in words if who is member and word is not None] == [True, False]
        pings = [due for due, who, word in words if who is member and word is None]
        assert len(pings) == 60 // PING_SECONDS
        assert all(later - due == pytest.approx(PING_SECONDS) for due, later in itertools.pairwise(pings))


def test_everybody_pings_at_least_once_in_a_short_stay(crowd: Crowd) -> None:
    pings = [who for _, who, word in script(crowd.members, 1, Random(1)) if word is None]
    assert len(pings) == len(crowd.members)


def test_the_same_seed_gives_the_same_words(crowd: Crowd) -> None:
    def said(seed: int) -> list[Word]:
        return script(crowd.members, 60, Random(seed))

    assert said(1) == said(1)
    assert said(1) != said(2)
