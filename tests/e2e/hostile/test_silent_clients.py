"""Clients that do not read, and clients that are not there any more."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from services.gateway.signaling import outbox
from services.gateway.signaling.connection import Connection
from services.system import System, system
from shared.runtime import http, websockets
from tests.e2e.hostile.bystanders import undisturbed
from tests.e2e.hostile.raw import CLOSE, PING, RawConnection, frame, raw_connection
from tests.e2e.signaling.client import Client, Site
from tests.e2e.signaling.room import Room
from tests.support.eventually import eventually

#: What a client may leave unread here, how long it is waited for, and how often it is asked whether it is there.
_LIMIT, _FAREWELL, _PING, _PONG = 200, 2.0, 1.0, 10.0
_WORDY = "\U0001f600" * 100
#: What each says in a row: far less than a client may have under way.
_MOVES = ("raise_hand", "lower_hand") * 5


@pytest.fixture
def pong() -> float:
    """How long it is waited for an answer to a ping."""
    return _PONG


@pytest.fixture
async def running(
    monkeypatch: pytest.MonkeyPatch, database_url: str, amqp_url: str, tmp_path: Path, pong: float
) -> AsyncIterator[System]:
    """The system in this process, and less patient than it is."""
    monkeypatch.setattr(outbox, "_LIMIT", _LIMIT)
    monkeypatch.setattr(websockets, "_FAREWELL_SECONDS", _FAREWELL)
    monkeypatch.setattr(http, "_PING_SECONDS", _PING)
    monkeypatch.setattr(http, "_PONG_SECONDS", pong)
    async with system(database_url=database_url, amqp_url=amqp_url, data_dir=tmp_path, http_port=0) as all_of_it:
        yield all_of_it


@pytest.fixture
async def room(running: System) -> AsyncIterator[Room]:
    """The room that is attacked. In it and in another one people go on all the while, and must not notice."""
    credentials = running.infrastructure.credentials
    site = Site((f"http://127.0.0.1:{running.http_port}",), credentials.api_key, credentials.api_secret)
    async with AsyncExitStack() as stack:
        attacked, elsewhere = [Room(site, await site.create_room(), stack) for _ in range(2)]
        async with undisturbed(attacked, elsewhere):
            yield attacked


async def ticket(room: Room, name: str = "eve") -> str:
    return str((await room.site.ticket(room.room_id, room.site.token(name)))["ticket"])


@pytest.mark.parametrize("pong", [150.0], ids=["before it is missed"])
async def test_a_client_that_does_not_read_is_sent_away_and_told_why_if_it_reads_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websockets, "_FAREWELL_SECONDS", 60)
    mona = await room.enter("mona", "moderator")
    async with raw_connection(room.site.signaling(), await ticket(room), reads_slowly=True) as eve:
        await eve.join("Eve")
        await mona.expect("control", "joined", id="eve")

        await _until_it_is_sent_away(room, mona)

        frames, code = await eve.everything()
    assert code == 1013
    assert len(frames) > 10
    await _nothing_is_kept()


async def test_one_that_never_reads_nor_closes_is_cut_off(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    async with raw_connection(room.site.signaling(), await ticket(room), reads_slowly=True) as eve:
        await eve.join("Eve")
        await mona.expect("control", "joined", id="eve")

        await _until_it_is_sent_away(room, mona)

        await eventually(partial(_is_cut_off, eve), within=_FAREWELL + 20)
        await _nothing_is_kept()


@pytest.mark.parametrize("ended_by", [frame(CLOSE, b"\x03\xe8"), frame(0x3, b"?")], ids=["a close", "a breach"])
async def test_one_that_never_reads_and_ends_its_connection_by_a_frame_is_cut_off(room: Room, ended_by: bytes) -> None:
    mona = await room.enter("mona", "moderator")
    async with raw_connection(room.site.signaling(), await ticket(room), reads_slowly=True) as eve:
        await eve.join("Eve")
        await eve.pour(frame(PING, b"x" * 125) * 900)
        await eve.pour(ended_by)
        await mona.expect("control", "left", id="eve")
        await eventually(partial(_is_cut_off, eve), within=_FAREWELL + 20)
    await _nothing_is_kept()


async def test_one_that_never_reads_is_replaced_by_its_next_connection(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    async with raw_connection(room.site.signaling(), await ticket(room), reads_slowly=True) as eve:
        await eve.join("Eve")
        await mona.expect("control", "joined", id="eve")
        again = await room.enter("eve")
        await mona.expect("control", "left", id="eve", reason="replaced")
        await eventually(partial(_is_cut_off, eve), within=_PING + _PONG + 20)
        await again.echo()


async def test_a_connection_that_answers_no_ping_is_gone_for_the_others_as_well(room: Room) -> None:
    mona = await room.enter("mona", "moderator")
    async with raw_connection(room.site.signaling(), await ticket(room)) as eve:
        await eve.join("Eve")
        await mona.expect("control", "joined", id="eve")
        await eventually(lambda: _left(mona), within=_PING + _PONG + 20)
        assert _left(mona) == "timeout"
        await eventually(partial(_is_cut_off, eve), within=20)


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, "quit"), (1001, "quit"), (None, "quit"), (4000, "timeout"), ("reset", "timeout")]
)
async def test_how_a_connection_ended_is_the_reason_that_the_others_are_told(
    room: Room, code: int | str | None, reason: str
) -> None:
    mona = await room.enter("mona", "moderator")
    async with raw_connection(room.site.signaling(), await ticket(room)) as eve:
        await eve.join("Eve")
        await mona.expect("control", "joined", id="eve")
        if code == "reset":
            eve.abort()
        else:
            await eve.write(frame(CLOSE, int(code).to_bytes(2) if code else b""))
        assert (await mona.expect("control", "left", id="eve"))["reason"] == reason


# ------------------------------------------------------------------------------------------------------------- tools


async def _until_it_is_sent_away(room: Room, mona: Client) -> None:
    """Have the room say so much that nobody can keep it all for a client, and wait until the client is gone."""
    people = [await room.connect(room.site.token(f"p{number}"), name=f"p{number}") for number in range(8)]
    await asyncio.gather(*(each.join(_WORDY) for each in people))
    said = 0
    async with asyncio.timeout(120):
        while not _left(mona):
            for each in people:
                for action in _MOVES:
                    await each.send("control", action=action)
            said += len(people) * len(_MOVES)
            # They are no flood: what was not done yet would count against what they say next, and echoes be dropped.
            await eventually(partial(_sees_moves, mona, said), within=40)
            await asyncio.gather(*(each.echo() for each in people))
            await asyncio.sleep(0.3)
    assert _left(mona) == "timeout"
    for each in people:
        await each.hang_up()


def _sees_moves(watcher: Client, count: int) -> bool:
    """Tell whether somebody saw hands of wordy people move so many times, or saw who does not read leave."""
    updates = [each.payload for each in watcher.heard if each.payload.get("message") == "update"]
    return sum(each["control"]["display_name"] == _WORDY for each in updates) >= count or bool(_left(watcher))


def _left(watcher: Client, name: str = "eve") -> str | None:
    """Return with which reason somebody left, or None."""
    left = (each for each in watcher.heard if each.payload.get("message") == "left" and each.payload["id"] == name)
    return next((str(each.payload["reason"]) for each in left), None)


def _is_cut_off(connection: RawConnection) -> bool:
    """Tell whether the gateway has let go of the connection; the kernel may still try to send what is on its way."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    held = [each for each in sockets if each[2].endswith(f":{connection.port:04X}") and each[9] != "0"]
    return not held


async def _nothing_is_kept() -> None:
    """Wait until the gateway has nothing more of the connection."""

    def kept() -> bool:
        gc.collect()
        there = [each for each in gc.get_objects() if isinstance(each, Connection)]
        return all(each.participant_id != "eve" for each in there)

    await eventually(kept, within=_FAREWELL + 20)
