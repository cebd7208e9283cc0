"""A receiver that fails in every way, and a notifier that is killed: every webhook comes, in order, none is lost."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest

from services.demo.media import Clip
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingRequested,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    ParticipantRecordingStopRequested,
)
from shared.contracts.room import ParticipantJoined, ParticipantLeft, SessionEnded, SessionStarted
from tests.e2e.videosdk.place import PUBLIC_URL, Place
from tests.e2e.videosdk.receiver import Fault, Posted, Receiver, receiver
from tests.e2e.videosdk.sdk import Sdk, verdicts
from tests.e2e.videosdk.server import ATTESTED, Server
from tests.e2e.videosdk.standard_webhooks import is_signed
from tests.support.eventually import eventually
from tests.support.meeting import Meeting, events_of

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

_PEOPLE, _ROUNDS = ("alice", "bob", "carol"), 2
#: A hanging receiver costs the sender all of its patience, so it hangs this often only.
_HANGS, _KILLS, _OUTAGES = 2, 4, 2

#: What the reference says is told of what the log holds.
_TOLD: dict[type[Event], str] = {
    SessionStarted: "session-started",
    SessionEnded: "session-ended",
    ParticipantJoined: "participant-joined",
    ParticipantLeft: "participant-left",
    ParticipantRecordingRequested: "participant-recording-starting",
    ParticipantRecordingStarted: "participant-recording-started",
    ParticipantRecordingStopRequested: "participant-recording-stopping",
    ParticipantRecordingStopped: "participant-recording-stopped",
}


class Fate:
    """Says what becomes of each request. The same for the same seed and the same number of requests."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._hangs = _HANGS
        self.is_kind = False

    def __call__(self) -> Fault:
        if self.is_kind:
            return "200"
        kinds: Sequence[Fault] = ("200", "204", "500", "503", "cut", "cut early", "hang")
        (fault,) = self._random.choices(kinds, weights=(8, 4, 3, 1, 3, 2, 2))
        self._hangs -= fault == "hang"
        return "500" if fault == "hang" and self._hangs < 0 else fault


@pytest.mark.parametrize("seed", [20])
async def test_every_webhook_comes_in_order_and_none_is_lost(
    seed: int, own_place: Place, client: Callable[..., AbstractAsyncContextManager[Sdk]], clip: Clip
) -> None:
    fate = Fate(seed)
    async with AsyncExitStack() as stack:
        sdk = await stack.enter_async_context(client(own_place))
        target = await stack.enter_async_context(receiver(fate))
        server = Server(own_place, sdk, clip, stack)
        room = await server.room(**ATTESTED, webhook={"url": target.url, "events": ["*"]})
        trouble = asyncio.create_task(_make_trouble(random.Random(seed), own_place, target))
        await _meet(server, room)
        await trouble
        fate.is_kind = True
        told = await _to_be_told(own_place, room.room_id)
        count = sum(map(len, told.values()))
        await eventually(lambda: len({each.id for each in _accepted(target)}) >= count, within=60)

        assert _came(target.posted) == told
        assert _came(_accepted(target)) == told
        _require_same_bytes(target.posted)
        await _require_signatures(target.posted, own_place, await sdk.call("webhooks.getPublicKey"))
        assert {"500", "hang", "cut", "cut early"} <= target.faults.keys(), target.faults


async def _meet(server: Server, room: Meeting) -> None:
    """Have everybody recorded side by side, again and again, and end the session."""
    for name in _PEOPLE:
        await server.sends(room, name)
    for _ in range(_ROUNDS):
        await asyncio.gather(*(server.recorded(room, name, seconds=0.5) for name in _PEOPLE))
    await server.sdk.call("sessions.end", {"roomId": room.room_id})


async def _make_trouble(chance: random.Random, place: Place, target: Receiver) -> None:
    """Kill the notifier and take the receiver down, at random moments."""
    notifier = place.services["notifier"]
    deeds = ["kill"] * _KILLS + ["outage"] * _OUTAGES
    chance.shuffle(deeds)
    for deed in deeds:
        await asyncio.sleep(chance.uniform(0.2, 1.5))  # the random moment
        if deed == "kill":
            await notifier.kill()
            await notifier.start()
        else:
            await target.down()
            await asyncio.sleep(chance.uniform(0.5, 2))  # the outage
            await target.up()


#: What order is kept of: a recording, by its id, or the session.
Subject = str
#: What is told, and of whom.
Told = tuple[str, str]


async def _to_be_told(place: Place, room_id: str) -> dict[Subject, list[Told]]:
    """Return what the log says has to be told, in its order."""
    told: dict[Subject, list[Told]] = defaultdict(list)
    for event in await events_of(place.store):
        kind = _TOLD.get(type(event))
        if kind and getattr(event, "room_id", None) == room_id:
            subject = getattr(event, "participant_recording_id", "session")
            told[subject].append((kind, getattr(event, "participant_id", "")))
    assert sum(map(len, told.values())) == 2 + 2 * len(_PEOPLE) + 4 * len(_PEOPLE) * _ROUNDS
    return told


def _came(posted: Iterable[Posted]) -> dict[Subject, list[Told]]:
    """Return what came, as it first came."""
    first: dict[str, Posted] = {}
    for each in posted:
        first.setdefault(each.id, each)
    came: dict[Subject, list[Told]] = defaultdict(list)
    for each in first.values():
        came[each.data.get("recordingId", "session")].append((each.type, each.data.get("participantId", "")))
    return came


def _accepted(target: Receiver) -> list[Posted]:
    return [each for each in target.posted if each.accepted]


def _require_same_bytes(posted: list[Posted]) -> None:
    """Assert that what came again has the id and the bytes that it had at first, and no two have the same id."""
    bodies: dict[str, set[bytes]] = defaultdict(set)
    for each in posted:
        bodies[each.id].add(each.body)
    assert all(len(each) == 1 for each in bodies.values())
    assert len(posted) > len(bodies), "nothing was posted twice: the receiver was not hostile"
    files = [file for each in posted if each.type.endswith("-stopped") for file in each.data["fileDetails"]]
    assert files
    assert all(file["fileUrl"].startswith(PUBLIC_URL) for file in files)


async def _require_signatures(posted: list[Posted], place: Place, public_key: str) -> None:
    judged = await verdicts([each.signed(public_key) for each in posted])
    assert judged == [{"raw": True, "reserialised": True}] * len(posted)
    assert all(is_signed(secret, each.headers, each.body) for each in posted for secret in place.webhook_secrets)
