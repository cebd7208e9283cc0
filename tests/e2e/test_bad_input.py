"""Bad input has a defined answer and disturbs nobody else."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from services.demo.media import Clip
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.system import System, system
from shared.contracts.participant_recording import ParticipantRecordingStarted, ParticipantRecordingStopped
from tests.support import postgres
from tests.support.meeting import Meeting, room_of, until_happened
from tests.support.rabbitmq import VirtualHosts
from tests.support.servers import Server
from tests.support.webm import read_packets

#: One system for all of them: each has a room of its own.
pytestmark = pytest.mark.asyncio(loop_scope="module")

_PROTOCOL = "opentalk-signaling-json-v1.0"

Happened = TypeVar("Happened", ParticipantRecordingStarted, ParticipantRecordingStopped)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(
    postgres_server: Server, virtual_hosts: VirtualHosts, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    url = await postgres.create_database(postgres_server.url)
    folder = tmp_path_factory.mktemp("bad-input")
    try:
        with virtual_hosts.lend() as amqp_url:
            async with system(database_url=url, amqp_url=amqp_url, data_dir=folder, http_port=0) as all_of_it:
                yield all_of_it
    finally:
        await postgres.drop_database(postgres_server.url, url)


@pytest_asyncio.fixture(loop_scope="module")
async def room(running: System) -> AsyncIterator[Meeting]:
    """A room with its moderator, mona."""
    async with room_of(running) as in_room:
        yield in_room


@asynccontextmanager
async def raw_client(room: Meeting, name: str, *, moderates: bool = False) -> AsyncIterator[ClientConnection]:
    """A WebSocket that has not joined, by which a test sends what it likes."""
    async with open_socket(room, [_PROTOCOL, f"ticket#{await ticket(room, name, moderates=moderates)}"]) as websocket:
        yield websocket


@asynccontextmanager
async def open_socket(room: Meeting, protocols: list[str]) -> AsyncIterator[ClientConnection]:
    url = room.base_url.replace("http", "ws", 1) + "/signaling"
    async with connect(url, subprotocols=[Subprotocol(name) for name in protocols]) as websocket:
        yield websocket


async def ticket(room: Meeting, name: str, *, moderates: bool = False) -> str:
    answer = await room.post(f"/v1/rooms/{room.room_id}/start", {}, room.token(name, moderates=moderates))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["ticket"])


async def said(websocket: ClientConnection, message: str | bytes) -> dict[str, Any]:
    """Send a message and return the next that comes, as namespace and payload."""
    await websocket.send(message)
    return await heard(websocket)


async def heard(websocket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(10):
        envelope = json.loads(await websocket.recv())
    assert datetime.fromisoformat(envelope.pop("timestamp")).tzinfo is not None
    return dict(envelope)


def message(namespace: str, **payload: Any) -> str:
    return json.dumps({"namespace": namespace, "payload": payload})


def error(namespace: str, code: str) -> dict[str, Any]:
    return {"namespace": namespace, "payload": {"message": "error", "error": code}}


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("{", error("control", "invalid_json")),
        (b"\xff\xfe", error("control", "invalid_json")),
        ("[]", error("control", "invalid_json")),
        ('"text"', error("control", "invalid_json")),
        ("{}", error("control", "invalid_json")),
        (message("polls", action="start"), error("control", "invalid_namespace")),
        (message("recording", action="explode"), error("recording", "invalid_json")),
        (message("recording", action="stop"), error("recording", "insufficient_permissions")),
        (message("recording", action="set_consent", consent="perhaps"), error("recording", "invalid_json")),
        (message("control", action="join", display_name="Again"), error("control", "already_joined")),
        (message("recording", action="start"), error("recording", "insufficient_permissions")),
        (
            message("recording", action="stop", recording_id="00000000-0000-0000-0000-000000000000"),
            error("recording", "insufficient_permissions"),
        ),
        (
            message("echo", action="ping"),
            {"namespace": "echo", "payload": {"action": "ping"}},
        ),
    ],
)
async def test_what_makes_no_sense_or_is_not_allowed_is_answered_to_the_sender_alone(
    room: Meeting, sent: str | bytes, answer: dict[str, Any]
) -> None:
    async with raw_client(room, "eve") as eve:
        assert (await said(eve, message("control", action="join", display_name="Eve")))["payload"]["role"] == "user"
        await room.clients["mona"].wait_for("control", "joined")
        told_before = list(room.clients["mona"].received)
        assert await said(eve, sent) == answer
        await room.clients["mona"].send("echo", action="ping")
        await room.clients["mona"].wait_until(lambda received: ("echo", {"action": "ping"}) in received)
    assert [told for told in room.clients["mona"].received if told not in told_before][:1] == [
        ("echo", {"action": "ping"})
    ]


async def test_before_they_join_people_can_do_nothing_but_join(room: Meeting) -> None:
    async with raw_client(room, "eve") as eve:
        for namespace, action in (("recording", "start"), ("polls", "start"), ("control", "raise_hand")):
            assert await said(eve, message(namespace, action=action)) == error("control", "not_yet_joined")
        assert await said(eve, message("control", action="join", display_name=" \n ")) == error(
            "control", "invalid_username"
        )
        assert (await said(eve, message("control", action="join", display_name="Eve")))["payload"][
            "message"
        ] == "join_success"


async def test_a_second_start_and_a_wrong_stop_are_refused_and_the_recording_goes_on(
    running: System, room: Meeting, clip: Clip
) -> None:
    await room.join("alice")
    await room.consent("alice", consent=True, seen_by="mona")
    recording_id = await room.start("mona")
    mona = room.clients["mona"]
    await mona.send("recording", action="start")
    await mona.wait_for("recording", "error", where=lambda told: told["error"] == "already_recording")
    for wrong in ("00000000-0000-0000-0000-000000000000", "../../etc/passwd", ""):
        await _refused_to_stop(room, wrong)
    sender = await room.sender("alice", clip)
    await _happened(running, room, ParticipantRecordingStarted)
    await sender.run(video_frames=30, audio_packets=50)
    await room.stop("mona", recording_id)
    stopped = await _happened(running, room, ParticipantRecordingStopped)
    packets = await asyncio.to_thread(read_packets, running.storage_root / stopped.file.path)
    sounds = [packet.data for packet in packets if packet.kind == "audio" and packet.data != OPUS_SILENCE]
    assert sounds == [sent.data for sent in sender.sent_audio]
    await _refused_to_stop(room, recording_id)


async def test_datagrams_that_are_no_rtp_harm_neither_their_own_recording_nor_others(
    running: System, room: Meeting, clip: Clip
) -> None:
    await room.join("alice")
    await room.consent("alice", consent=True, seen_by="mona")
    offer = {"audio": {"codec": "opus", "payloadType": 111}, "video": {"codec": "vp8", "payloadType": 96}}
    sender = await room.sender("alice", clip)
    again = (await room.post(f"/v1/rooms/{room.room_id}/participants/alice/rtp", offer, room.server_token())).json()
    recording_id = await room.start("mona")
    await _happened(running, room, ParticipantRecordingStarted)
    sending = asyncio.create_task(sender.run(video_frames=60, audio_packets=100))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
        for garbage in (b"", b"\x00", b"GET / HTTP/1.1\r\n", b"\x80" * 3, b"\xff" * 1500, bytes(12)):
            for kind in ("audio", "video"):
                noise.sendto(garbage, (again["host"], again[kind]["port"]))
                noise.sendto(garbage, (again["host"], again[kind]["rtcpPort"]))
    await sending
    await room.stop("mona", recording_id)
    stopped = await _happened(running, room, ParticipantRecordingStopped)
    packets = await asyncio.to_thread(read_packets, running.storage_root / stopped.file.path)
    sounds = [packet.data for packet in packets if packet.kind == "audio" and packet.data != OPUS_SILENCE]
    assert sounds == [sent.data for sent in sender.sent_audio]


@pytest.mark.parametrize(
    ("protocols", "status", "code"),
    [
        (["ticket#" + "a" * 64], 400, "missing_protocol"),
        ([_PROTOCOL], 401, "missing_ticket"),
        ([_PROTOCOL, "ticket#short"], 401, "invalid_ticket"),
        ([_PROTOCOL, "ticket#" + "a" * 64], 401, "invalid_ticket"),
    ],
)
async def test_a_connection_without_a_good_ticket_is_refused_before_it_opens(
    room: Meeting, protocols: list[str], status: int, code: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(room, protocols):
            pass
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body or b"")["code"] == code


async def test_a_ticket_is_good_once(room: Meeting) -> None:
    protocols = [f"ticket#{await ticket(room, 'eve')}", "k3k-signaling-json-v1.0"]
    async with open_socket(room, protocols) as eve:
        assert eve.subprotocol == "k3k-signaling-json-v1.0"
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(room, protocols):
            pass
    assert refused.value.response.status_code == 401


async def test_tokens_that_are_expired_foreign_or_for_something_else_are_refused(room: Meeting) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=2)
    path = f"/v1/rooms/{room.room_id}/start"
    expired = await room.post(path, {}, room.tokens.issue(long_ago))
    assert (expired.status_code, "expired" in expired.json()["message"]) == (401, True)
    assert (await room.post(path, {}, "no.token.atall")).status_code == 401
    server_only = room.tokens.issue(datetime.now(UTC), roles=["crawler"])
    assert (await room.post(path, {}, server_only)).status_code == 403
    elsewhere = room.tokens.issue(datetime.now(UTC), room_id="another-room")
    assert (await room.post(path, {}, elsewhere)).status_code == 403
    async with httpx.AsyncClient(base_url=room.base_url) as http:
        assert (await http.post(path)).status_code == 401


async def test_rest_requests_that_cannot_be_met_say_why(room: Meeting) -> None:
    rtp, server = f"/v1/rooms/{room.room_id}/participants/mona/rtp", room.server_token()
    video = {"codec": "H264", "payloadType": 96}
    refused = await room.post(rtp, {"video": video}, server)
    assert refused.status_code == 400
    assert refused.json()["code"] == "unsupported_codec"
    assert "VP8" in refused.json()["message"]
    assert (await room.post(rtp, {}, server)).json()["code"] == "no_tracks"
    assert (await room.post(rtp, {"audio": {"codec": "opus", "payloadType": 300}}, server)).status_code == 400
    nobody = await room.post(f"/v1/rooms/{room.room_id}/participants/nobody/rtp", {"video": video}, server)
    assert (nobody.status_code, nobody.json()["code"]) == (404, "participant_not_found")
    assert (await room.post("/v1/rooms/no-such-room/start", {})).status_code == 404
    assert (await room.post("/v2/rooms", {"webhook": {"endPoint": "not a url"}})).status_code == 400


async def _happened(running: System, room: Meeting, kind: type[Happened]) -> Happened:
    """Wait until it has happened in this room."""
    return await until_happened(running.infrastructure.store, kind, lambda event: event.room_id == room.room_id)


async def _refused_to_stop(room: Meeting, recording_id: str) -> None:
    mona = room.clients["mona"]
    before = _count(mona.received, "invalid_recording_id")
    await mona.send("recording", action="stop", recording_id=recording_id)
    await mona.wait_until(lambda received: _count(received, "invalid_recording_id") == before + 1)


def _count(received: list[tuple[str, dict[str, Any]]], code: str) -> int:
    return sum(payload.get("error") == code for _, payload in received)
