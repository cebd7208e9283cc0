"""A participant's media by WHIP, from a client that connects, encrypts and sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiortc import RTCPeerConnection

from services.recorder.media.frame import TimedFrame
from services.recorder.media.sources.offer import OfferRefusedError
from services.recorder.media.sources.ports import NoPortsLeftError
from services.recorder.media.sources.reading import SocketReader
from services.recorder.media.sources.whip import WhipSource
from shared.contracts.whip_session import OpenWhipSession, PatchWhipSession
from tests.support.addresses import loopback
from tests.support.eventually import eventually
from tests.support.moments import at
from tests.support.sdp import text, usual
from tests.support.whip_client import publishing

PORTS = range(23_000, 23_100)


class Door:
    """Opens sources and runs them, as a worker does."""

    def __init__(self) -> None:
        self.sources: list[WhipSource] = []
        self.running: list[asyncio.Task[None]] = []

    async def post(self, offer: str, ports: range = PORTS) -> str:
        asked = OpenWhipSession(at=at(), room_id="r", session_id="s", participant_id="ann", offer=offer)
        source = await WhipSource.open(asked, loopback(ports), SocketReader(), None)
        self.sources.append(source)
        self.running.append(asyncio.create_task(source.run()))
        return source.answer

    async def close(self) -> None:
        for source in self.sources:
            source.close()
        await asyncio.wait_for(asyncio.gather(*self.running), 10)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    yield door
    await door.close()


@pytest.fixture
async def client(door: Door) -> AsyncIterator[RTCPeerConnection]:
    async with publishing(door.post) as connection:
        yield connection


def patch(fragment: str, ice: str | None) -> PatchWhipSession:
    about = {"room_id": "r", "participant_id": "ann", "worker_id": "w", "whip_session_id": "x"}
    return PatchWhipSession(at=at(), **about, fragment=fragment, ice=ice)


def credentials(ufrag: str) -> str:
    return text([f"a=ice-ufrag:{ufrag}", "a=ice-pwd:clientclientclientclient"])


async def moved_on(source: WhipSource, condition: Callable[[], bool], *, wants_keyframe: bool = False) -> None:
    def holds() -> bool:
        source.tick(wants_keyframe=wants_keyframe)
        return condition()

    await eventually(holds, within=15)


async def taken(source: WhipSource, frames: list[TimedFrame]) -> None:
    """Wait until there is more of sound and of picture than there was."""
    before = len(frames)
    await moved_on(source, lambda: {timed.frame.kind for timed in frames[before:]} == {"audio", "video"})


# --- media


async def test_whole_frames_of_a_client_s_sound_and_picture_come_in_their_order(
    door: Door, client: RTCPeerConnection
) -> None:
    frames: list[TimedFrame] = []
    door.sources[0].attach(frames.extend)
    await taken(door.sources[0], frames)
    video = [timed for timed in frames if timed.frame.kind == "video"]
    assert video[0].frame.keyframe
    assert [timed.time_ns for timed in video] == sorted(timed.time_ns for timed in video)


async def test_a_client_is_asked_for_keyframes_by_encrypted_rtcp(door: Door, client: RTCPeerConnection) -> None:
    frames: list[TimedFrame] = []
    door.sources[0].attach(frames.extend)

    def keyframes() -> int:
        return sum(timed.frame.keyframe for timed in frames if timed.frame.kind == "video")

    # The client makes no second one by itself within that time.
    await moved_on(door.sources[0], lambda: keyframes() > 1, wants_keyframe=True)


async def test_what_is_not_by_the_client_s_keys_is_not_taken(door: Door, client: RTCPeerConnection) -> None:
    source = door.sources[0]
    frames: list[TimedFrame] = []
    source.attach(frames.extend)
    await taken(source, frames)
    port = int(source.answer.split("a=candidate:")[1].split()[5])
    packet = bytes([0x80, 97, 0, 1, *bytes(8)]) + b"forged"
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=("127.0.0.1", port)
    )
    transport.sendto(packet)
    await eventually(lambda: source.undecipherable > 0)
    transport.close()
    await taken(source, frames)


# --- the end


async def test_a_session_ends_when_its_client_does(door: Door) -> None:
    async with publishing(door.post) as client:
        await eventually(lambda: client.connectionState == "connected", within=15)
    await asyncio.wait_for(asyncio.shield(door.running[0]), 10)


async def test_a_client_hears_that_its_session_was_ended(door: Door, client: RTCPeerConnection) -> None:
    frames: list[TimedFrame] = []
    door.sources[0].attach(frames.extend)
    await taken(door.sources[0], frames)
    await door.close()
    await eventually(lambda: client.connectionState == "closed", within=15)


async def test_a_client_that_does_not_come_leaves_no_port_taken(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.recorder.media.sources.whip._CONNECT_SECONDS", 0.1)
    one = range(23_200, 23_201)
    await door.post(usual(), one)
    with pytest.raises(NoPortsLeftError):
        await door.post(usual(), one)
    await asyncio.wait_for(asyncio.shield(door.running[0]), 10)
    await door.post(usual(), one)


# --- what a client says later


async def test_candidates_of_the_client_are_taken_note_of(door: Door) -> None:
    await door.post(usual())
    source = door.sources[0]
    for ice in (source.ice, None):
        patched = await source.patch(patch(credentials("clnt"), ice))
        assert (patched.fragment, patched.ice) == (None, source.ice)


async def test_new_credentials_are_answered_with_a_new_ice_session(door: Door) -> None:
    await door.post(usual())
    source, before = door.sources[0], door.sources[0].ice
    patched = await source.patch(patch(credentials("anew"), None))
    assert patched.ice == source.ice != before
    assert patched.fragment is not None
    assert f"a=ice-ufrag:{source.ice}\r\n" in patched.fragment


@pytest.mark.parametrize("ufrag", ["clnt", "anew"])
async def test_what_is_said_of_an_ice_session_that_is_over_is_refused(door: Door, ufrag: str) -> None:
    await door.post(usual())
    with pytest.raises(OfferRefusedError, match="restart ICE"):
        await door.sources[0].patch(patch(credentials(ufrag), "another"))


async def test_new_credentials_for_the_ice_session_that_there_is_are_refused(door: Door) -> None:
    await door.post(usual())
    with pytest.raises(OfferRefusedError, match="restart ICE"):
        await door.sources[0].patch(patch(credentials("anew"), door.sources[0].ice))
