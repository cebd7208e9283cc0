"""Webhooks as receivers verify them: by the official SDK, by both ways of code in Node, by Standard Webhooks."""

from __future__ import annotations

import httpx
import pytest

from tests.e2e.videosdk.receiver import Posted, Receiver
from tests.e2e.videosdk.sdk import verdicts
from tests.e2e.videosdk.server import ATTESTED, Server
from tests.e2e.videosdk.standard_webhooks import is_signed
from tests.support.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Whatever a JSON writer may escape: beyond ASCII and beyond 16 bits, combined marks, quotes, slashes.
_NAME = 'Zoë 🎥 "北京" </b>\\ e\u0301'

_LIFE = ["participant-recording-starting", "-started", "-stopping", "-stopped"]


async def test_every_webhook_of_a_meeting_verifies_in_every_way(server: Server, target: Receiver) -> None:
    room = await server.room(**ATTESTED, webhook={"url": target.url, "events": ["*"]})
    await room.join("mona", moderates=True)
    await room.clients["mona"].send("echo", action="ping")
    zoe = await room.post(f"/v1/rooms/{room.room_id}/participants/zoe/rtp", _announced(), room.token(moderates=True))
    assert zoe.status_code == 200, zoe.text
    recording_id = await server.start(room, "zoe")
    await server.started(recording_id)
    await server.stop(room, "zoe")
    finished = await server.finished(recording_id)
    await server.sdk.call("sessions.end", {"roomId": room.room_id})
    await eventually(lambda: "session-ended" in target.types(), within=20)
    await eventually(lambda: "participant-recording-stopped" in target.types(), within=20)

    public_key = await server.sdk.call("webhooks.getPublicKey")
    posted = target.posted
    judged = await verdicts([each.signed(public_key) for each in posted])
    assert judged == [{"raw": True, "reserialised": True}] * len(posted)
    for each in posted:
        event = await server.sdk.call("webhooks.verify", each.body.decode(), each.headers["videosdk-signature"])
        assert event == {**each.told, "type": each.type}
        for secret in server.place.webhook_secrets:
            assert is_signed(secret, each.headers, each.body)
        assert each.headers["content-type"] == "application/json"
    (joined,) = [each for each in posted if each.type == "participant-joined" and each.data["participantId"] == "zoe"]
    assert joined.data["participantName"] == _NAME
    (stopped,) = [each for each in posted if each.type == "participant-recording-stopped"]
    assert [each["filePath"] for each in stopped.data["fileDetails"]] == [finished["files"][0]["filePath"]]
    for each in posted:
        assert each.data["meetingId"] == room.room_id
        assert each.data["sessionId"] == finished["sessionId"]


def _announced() -> dict[str, object]:
    return {"name": _NAME, "audio": {"codec": "opus", "payloadType": 111}}


async def test_a_webhook_that_was_changed_or_signed_by_others_verifies_nowhere(
    server: Server, target: Receiver
) -> None:
    room = await server.room(webhook={"url": target.url, "events": ["session-started"]})
    await room.join("alice")
    await eventually(lambda: target.types() == ["session-started"], within=20)
    (real,) = target.posted
    changed = Posted(real.headers, real.body.replace(room.room_id.encode(), b"aaaa-bbbb-cccc"), accepted=True)
    assert changed.body != real.body
    public_key = await server.sdk.call("webhooks.getPublicKey")

    assert await verdicts([changed.signed(public_key)]) == [{"raw": False, "reserialised": False}]
    signature = real.headers["videosdk-signature"]
    kind, _, _ = await server.sdk.refused("webhooks.verify", changed.body.decode(), signature)
    assert kind == "WebhookVerificationError"
    assert not is_signed(server.place.webhook_secrets[0], changed.headers, changed.body)
    assert not is_signed("whsec_" + "A" * 43 + "=", real.headers, real.body)


async def test_the_public_key_is_given_to_anybody_in_the_form_that_all_samples_read(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.place.url, trust_env=False) as http:
        answer = await http.get("/v2/public/rsa-public-key")

    assert answer.status_code == 200
    told = answer.json()["publicKey"]
    assert told == await server.sdk.call("webhooks.getPublicKey")
    assert told.strip().startswith("-----BEGIN RSA PUBLIC KEY-----\n"), "PKCS#1, which every sample reads"
    assert told.strip().endswith("\n-----END RSA PUBLIC KEY-----")


async def test_only_what_was_asked_for_is_told_and_a_call_hears_of_its_own_recording(
    server: Server, target: Receiver
) -> None:
    room = await server.attested_room("alice", "bob", webhook={"url": target.url, "events": ["session*"]})
    recording_id = await server.start(room, "alice", webhookUrl=target.url + "?of=alice")
    unheard = await server.start(room, "bob")
    for each, name in ((recording_id, "alice"), (unheard, "bob")):
        await server.started(each)
        await server.stop(room, name)
        await server.finished(each)
    await server.sdk.call("sessions.end", {"roomId": room.room_id})
    life = [_LIFE[0]] + [f"participant-recording{each}" for each in _LIFE[1:]]
    expected = sorted([*life, "session-started", "session-ended"])
    await eventually(lambda: sorted(target.types()) == expected, within=20)

    told = [each for each in target.first().values() if each.type.startswith("participant-recording")]
    assert [each.type for each in told] == life
    assert {each.data["participantId"] for each in told} == {"alice"}
    delivered = (await server.sdk.call("recordings.participant.get", recording_id))["webhook"]
    assert (delivered["totalCount"], delivered["successCount"]) == (4, 4)
    assert delivered["data"] == [{"type": each, "success": True} for each in life]
