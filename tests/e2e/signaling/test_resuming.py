"""Coming back as the same one, and being replaced by oneself."""

from __future__ import annotations

import pytest

from tests.e2e.signaling.client import Client, Site, told
from tests.e2e.signaling.room import Room, consent, peer, start, stop

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_resumption_gives_the_same_id_at_any_gateway(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    first, resumption = await _anonymous(room)
    await _leaves(first, mona)

    back, second = await _anonymous(room, resumption, at=1)

    assert back.id == first.id
    assert second != resumption
    await mona.expect("control", "joined", id=first.id)
    await _leaves(back, mona)
    again, _ = await _anonymous(room, second, at=0)
    assert again.id == first.id


async def test_a_resumption_is_good_once(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    first, resumption = await _anonymous(room)
    await _leaves(first, mona)
    back, _ = await _anonymous(room, resumption)
    await _leaves(back, mona)

    another, _ = await _anonymous(room, resumption, at=1)

    assert back.id == first.id
    assert another.id != first.id


@pytest.mark.parametrize("resumption", ["", "nonsense", "a" * 64])
async def test_an_unknown_resumption_gives_a_new_id(room: Room, resumption: str) -> None:
    client, _ = await _anonymous(room, resumption)
    assert len(client.id) == 36


async def test_a_resumption_is_for_its_room_alone(site: Site, room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    first, resumption = await _anonymous(room)
    await _leaves(first, mona)
    another = await room.another()
    elsewhere, _ = await _anonymous(another, resumption)
    assert elsewhere.id != first.id


async def test_a_resumption_while_its_session_runs_is_refused(room: Room) -> None:
    first, resumption = await _anonymous(room)
    for at in (0, 1):
        body = {"resumption": resumption}
        answer = await room.site.post(f"/v1/rooms/{room.room_id}/start", body, room.site.token(), at)
        assert (answer.status_code, answer.json()["code"]) == (400, "session_running")
    await first.echo()  # they have not noticed

    mona = await room.enter("mona", "moderator", at=1)
    await _leaves(first, mona)
    back, _ = await _anonymous(room, resumption)
    assert back.id == first.id


async def test_a_guest_comes_back_as_the_same_guest(site: Site, room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    invited = await site.post(f"/v1/rooms/{room.room_id}/invites", {}, site.server_token())
    path, body = f"/v1/rooms/{room.room_id}/start_invited", {"invite_code": invited.json()["invite_code"]}
    bought = (await site.post(path, body)).json()
    gus = await room.admit(bought["ticket"])
    await gus.join("Gus")
    await _leaves(gus, mona)
    again = (await site.post(path, {**body, "resumption": bought["resumption"]}, at=1)).json()
    back = await room.admit(again["ticket"], at=1)
    assert (await back.join("Gus"))["id"] == gus.id
    assert back.welcome["role"] == "guest"


async def test_who_comes_a_second_time_replaces_themselves_at_the_other_gateway(room: Room) -> None:
    mona, bob = await room.enter("mona", "moderator"), await room.enter("bob", at=1)
    first = await room.enter("alice", at=0)
    await room.quiet()

    second = await room.enter("alice", at=1)

    assert await first.closed() == 1000
    for other in (mona, bob):
        await other.expect("control", "left")
        await other.expect("control", "joined")
    await room.settle()
    for other in (mona, bob):
        left, joined = other.take()
        assert left == told("left", "control", id="alice", reason="replaced")
        assert (joined.payload["message"], joined.payload["id"]) == ("joined", "alice")
    assert first.take() == second.take() == []
    assert {each["id"] for each in second.welcome["participants"]} == {"mona", "bob"}
    third = await room.enter("carol")
    assert sorted(each["id"] for each in third.welcome["participants"]) == ["alice", "bob", "mona"]


async def test_who_is_replaced_at_the_same_gateway_is_closed_too(room: Room) -> None:
    mona = await room.enter("mona", "moderator", at=1)
    first = await room.enter("alice")
    second = await room.enter("alice")
    assert await first.closed() == 1000
    await mona.expect("control", "left", id="alice", reason="replaced")
    await second.echo()
    await room.settle()
    assert second.take() == []


async def test_the_end_of_a_replaced_connection_is_no_leave(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    recording_id = await start(mona)
    back = await room.enter("mona", "moderator", at=1)
    assert await mona.closed() == 1000
    assert back.welcome["recording"]["recording_id"] == recording_id
    await room.settle()
    assert back.take() == []
    await stop(back, recording_id)


async def test_a_consent_ends_with_the_connection_that_gave_it(room: Room) -> None:
    mona, alice = await room.enter("mona", "moderator"), await room.enter("alice")
    await consent(alice, seen_by=[mona])
    await room.enter("alice", at=1)
    await alice.closed()
    late = await room.enter("late")
    assert peer(late.welcome, "alice")["recording"] == {"consents_recording": False}


async def _anonymous(room: Room, resumption: str | None = None, at: int = 0) -> tuple[Client, str]:
    """Let somebody in whose token does not say who they are; return them and their resumption."""
    body = {} if resumption is None else {"resumption": resumption}
    bought = await room.site.ticket(room.room_id, room.site.token(), at, **body)
    client = await room.admit(bought["ticket"], at)
    await client.join("Somebody")
    return client, bought["resumption"]


async def _leaves(client: Client, watcher: Client) -> None:
    await client.hang_up()
    await watcher.expect("control", "left", id=client.id)
