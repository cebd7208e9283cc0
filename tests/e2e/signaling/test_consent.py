"""Everybody's own consent: who is told, what it counts for, and when it ends."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import Any

import pytest

from tests.e2e.signaling.conftest import Processes
from tests.e2e.signaling.room import Room, consent, peer, start, stop, three, updates
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_all_others_are_told_of_a_consent_and_its_sender_is_not(room: Room) -> None:
    mona, bob, alice = await three(room)

    await consent(alice, seen_by=[mona, bob])

    await room.settle()
    assert alice.take() == []
    for other in (mona, bob):
        [heard] = other.take()
        assert heard.namespace == "control"
        assert heard.payload.keys() == {"message", "id", "control", "recording"}
        assert (heard.payload["message"], heard.payload["id"]) == ("update", "alice")
        assert heard.payload["recording"] == {"consents_recording": True}
        assert heard.payload["control"]["display_name"] == "alice"


@pytest.mark.parametrize("role", ["moderator", "user", "guest"])
async def test_everybody_may_consent_before_during_and_after_a_recording(room: Room, role: str) -> None:
    mona = await room.enter("mona", "moderator")
    somebody = await room.enter("somebody", role, at=1)
    await consent(somebody, seen_by=[mona])
    recording_id = await start(mona)
    await consent(somebody, seen_by=[mona], consents=False)
    await consent(somebody, seen_by=[mona])
    await stop(mona, recording_id)
    await consent(somebody, seen_by=[mona], consents=False)
    await consent(somebody, seen_by=[mona])


async def test_a_consent_that_changes_nothing_is_told_as_well(room: Room) -> None:
    mona, _, alice = await three(room)
    for consents in (False, False, True, True, False):
        await consent(alice, seen_by=[mona], consents=consents)
    await room.settle()
    assert [each["recording"]["consents_recording"] for each in updates(mona.take())] == [
        False, False, True, True, False,
    ]  # fmt: skip
    assert alice.take() == []


async def test_words_in_quick_succession_are_told_in_their_order(room: Room) -> None:
    mona, bob, alice = await three(room)
    words = [turn % 2 == 0 for turn in range(21)]
    for consents in words:
        await alice.send("recording", action="set_consent", consent=consents)
    await alice.send("recording", action="set_consent", consent=False)
    for other in (mona, bob):
        while len(updates(other.heard)) < len(words) + 1:
            await other.expect("control", "update", id="alice")
        assert [each["recording"]["consents_recording"] for each in updates(other.heard)] == [*words, False]
    late = await room.enter("late", at=1)
    assert peer(late.welcome, "alice")["recording"] == {"consents_recording": False}


async def test_a_consent_is_told_within_its_room_alone(room: Room) -> None:
    another = await room.another()
    elsewhere = await another.enter("mona", "moderator")
    namesake = await another.enter("alice")
    await another.quiet()
    mona, _, alice = await three(room)
    await consent(alice, seen_by=[mona])
    await another.settle()
    assert elsewhere.take() == namesake.take() == []
    late = await another.enter("late")
    assert peer(late.welcome, "alice")["recording"] == {"consents_recording": False}


async def test_a_consent_survives_neither_leaving_nor_the_end_of_a_recording(room: Room) -> None:
    mona, bob, alice = await three(room)

    # By leaving
    await consent(alice, seen_by=[mona, bob])
    await alice.hang_up()
    await mona.expect("control", "left", id="alice")
    alice = await room.enter("alice", at=0)
    assert await _consents(room, "alice") is False
    await room.quiet()

    # By the end of a recording, of which `stopped` tells: nobody gets an update for it
    await consent(alice, seen_by=[mona, bob])
    recording_id = await start(mona)
    await room.settle()
    assert await _consents(room, "alice") is True
    await room.quiet()
    await stop(mona, recording_id)
    await bob.expect("recording", "stream_updated", status="inactive")
    assert await _consents(room, "alice") is False
    await room.settle()
    assert updates(mona.take()) == updates(bob.take()) == updates(alice.take()) == []

    # And they may say yes again
    await consent(alice, seen_by=[mona, bob])
    assert await _consents(room, "alice") is True


async def test_nobody_is_told_of_a_yes_that_has_ended_however_slow_the_consent_service_is(
    room: Room, processes: Processes
) -> None:
    mona, bob, alice = await three(room)
    await consent(alice, seen_by=[mona, bob])
    await consent(bob, seen_by=[mona, alice])
    recording_id = await start(mona)
    os.kill(processes.consent.pid, signal.SIGSTOP)
    try:
        # When Bob goes and comes back, nobody is told that he consents
        await bob.hang_up()
        await alice.expect("control", "left", id="bob")
        await room.enter("bob", at=1)
        joined = await alice.expect("control", "joined", id="bob")
        # … and when the recording has stopped, whoever comes is not told that Alice does
        await stop(mona, recording_id)
        late = await room.enter("late")
    finally:
        os.kill(processes.consent.pid, signal.SIGCONT)
    assert joined["recording"] == {"consents_recording": False}
    assert peer(late.welcome, "alice")["recording"] == {"consents_recording": False}


async def test_a_room_that_keeps_consents_keeps_them(room: Room) -> None:
    keeping = await room.another(consentPolicy="keep")
    mona, bob, alice = await three(keeping)
    await consent(alice, seen_by=[mona, bob])
    await consent(bob, seen_by=[mona, alice])
    recording_id = await start(mona)
    await stop(mona, recording_id)
    await bob.expect("recording", "stopped")
    await alice.hang_up()
    await mona.expect("control", "left", id="alice")
    back = await keeping.enter("alice", at=0)
    assert await _consents(keeping, "alice") is True
    assert await _consents(keeping, "bob") is True
    await consent(back, seen_by=[mona], consents=False)
    assert await _consents(keeping, "alice") is False


@pytest.mark.parametrize("policy", ["", "forget", 7])
async def test_a_policy_that_does_not_exist_is_refused(room: Room, policy: Any) -> None:
    answer = await room.site.post("/v2/rooms", {"consentPolicy": policy}, room.site.server_token())
    assert 400 <= answer.status_code < 500


async def test_the_log_tells_every_word_and_what_ended_a_yes(room: Room, processes: Processes) -> None:
    mona, bob, alice = await three(room)
    await consent(alice, seen_by=[mona], text_version="2026-11/de")
    recording_id = await start(mona)
    await consent(bob, seen_by=[mona], consents=False, text_version="2026-11/en")
    given = await _consent_states(room, processes)
    assert given["alice"]["answer"] == "given"
    assert given["bob"]["answer"] == "refused"
    assert given["alice"]["text_version"] == "2026-11/de"
    assert given["bob"]["text_version"] == "2026-11/en"

    await stop(mona, recording_id)
    await consent(bob, seen_by=[mona])  # comes after the clear of Alice's, as all words of the log have an order
    await room.settle()
    ended = await _consent_states(room, processes)
    assert ended["alice"]["answer"] == "cleared"
    assert ended["bob"]["answer"] == "given"


async def test_a_yes_from_before_a_recording_counts_for_it(room: Room, processes: Processes) -> None:
    mona, bob, alice = await three(room)
    await consent(alice, seen_by=[mona])
    await consent(bob, seen_by=[mona], consents=False)
    recording_id = await start(mona)
    await eventually(lambda: _recorded(room, processes))
    await consent(bob, seen_by=[mona], consents=False)  # whoever else is to be recorded would be by now
    assert await _recorded(room, processes) == ["alice"]
    await stop(mona, recording_id)


async def test_a_yes_counts_for_one_recording(room: Room, processes: Processes) -> None:
    mona, _, alice = await three(room)
    await consent(alice, seen_by=[mona])
    await stop(mona, await start(mona))
    second = await start(mona)
    await stop(mona, second)
    await room.settle()
    timeline = await processes.replay(f"--recording {second}")
    assert "alice" not in {
        stream.rpartition(":")[2] for stream, state in timeline.items() if second in str(state) and ":" in stream
    }


async def test_nobody_is_told_twice_of_one_word(room: Room) -> None:
    mona, bob, alice = await three(room)
    await consent(mona, seen_by=[bob, alice])
    await consent(bob, seen_by=[mona, alice])
    await room.settle()
    assert [Counter(each["id"] for each in updates(client.take())) for client in (mona, bob, alice)] == [
        Counter(["bob"]),
        Counter(["mona"]),
        Counter(["mona", "bob"]),
    ]


async def _consents(room: Room, name: str) -> bool:
    """Return whether who comes now is told that they consent, the same at both gateways."""
    told_at = []
    for at in (0, 1):
        visitor = await room.enter("visitor", at=at)
        told_at.append(bool(peer(visitor.welcome, name)["recording"]["consents_recording"]))
        await visitor.hang_up()
        room.people.remove(visitor)
        for each in room.people:
            if each.is_present:
                await each.expect("control", "left", id="visitor")
    assert told_at[0] == told_at[1]
    return told_at[0]


async def _recorded(room: Room, processes: Processes) -> list[str]:
    """Return the ids of those of whom the log has participant recordings."""
    states = await processes.replay(f"--room {room.room_id}")
    return [stream.rpartition(":")[2] for stream in states if stream.startswith("participant-recording-")]


async def _consent_states(room: Room, processes: Processes) -> dict[str, Any]:
    """Return what the log says of each participant's consent, by their id."""
    states = await processes.replay(f"--room {room.room_id}")
    return {stream.rpartition(":")[2]: state for stream, state in states.items() if stream.startswith("consent-")}
