"""Rooms whose participants are those whose plain RTP a server announces."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.contracts.rtp_source import OpenRtpSource, RtpPorts, RtpSourceOpened, RtpTrack
from shared.eventsourcing.codec import Context
from shared.messaging.answering import answering
from shared.messaging.message import Message, contract_message, refusal
from shared.messaging.topology import RECORDER_COMMANDS
from tests.integration.gateway.desk import Desk, crawler
from tests.integration.gateway.doors import bearer
from tests.integration.gateway.doors import refusal as refused

_AUDIO = {"audio": {"codec": "opus", "payloadType": 111}}


class Worker:
    """Listens to whatever is asked of it, unless the codec is none."""

    def __init__(self) -> None:
        self.asked: list[OpenRtpSource] = []

    async def __call__(self, command: OpenRtpSource, _: Context) -> Message:
        self.asked.append(command)
        if command.audio and command.audio.codec == "none":
            return refusal("unsupported_codec", "there is no such codec")
        opened = RtpSourceOpened(host="worker", audio=RtpPorts(rtp_port=5004, rtcp_port=5005))
        return contract_message(opened, opened.type)


async def announce(
    desk: Desk, room_id: str, who: str = "ann", headers: dict[str, str] | None = None, **offer: Any
) -> httpx.Response:
    path = f"/v1/rooms/{room_id}/participants/{who}/rtp"
    return await desk.doors.http.post(path, json=_AUDIO | offer, headers=headers or crawler())


async def take_away(
    desk: Desk, room_id: str, who: str = "ann", headers: dict[str, str] | None = None
) -> httpx.Response:
    return await desk.doors.http.delete(f"/v1/rooms/{room_id}/participants/{who}/rtp", headers=headers or crawler())


async def present(desk: Desk, room_id: str) -> list[tuple[str, str]]:
    (session, *_) = (await desk.told("sessions", roomId=room_id))["data"] or [{"participants": []}]
    open_stays = [each for each in session["participants"] if each["timelog"][-1]["end"] is None]
    return [(each["participantId"], each["name"]) for each in open_stays]


async def test_who_is_announced_joins_and_leaves_when_that_ends(desk: Desk) -> None:
    room_id, worker = await desk.room(media={"type": "rtp"}), Worker()
    async with desk.doors.bus.answer(RECORDER_COMMANDS, answering({OpenRtpSource: worker})):
        for _ in range(2):  # asked again, the answer is the same
            answer = await announce(desk, room_id, name="  Ann  B ")
            assert answer.json() == {"host": "worker", "audio": {"port": 5004, "rtcpPort": 5005}}
        assert await present(desk, room_id) == [("ann", "Ann B")]
        assert (await announce(desk, room_id, "bob")).status_code == 200
        assert await present(desk, room_id) == [("bob", "bob"), ("ann", "Ann B")]
    assert (await take_away(desk, room_id)).status_code == 204
    assert await present(desk, room_id) == [("bob", "bob")]
    assert refused(await take_away(desk, room_id)) == (404, "participant_not_found")
    assert len({each.session_id for each in worker.asked}) == 1


async def test_packets_that_repeat_others_are_announced_by_their_payload_types(desk: Desk) -> None:
    room_id, worker = await desk.room(media={"type": "rtp"}), Worker()
    video = {"codec": "VP9", "payloadType": 98, "rtxPayloadType": 99}
    audio = {"codec": "opus", "payloadType": 111, "redPayloadType": 63, "rtxPayloadType": 112}
    async with desk.doors.bus.answer(RECORDER_COMMANDS, answering({OpenRtpSource: worker})):
        assert (await announce(desk, room_id, video=video, audio=audio)).status_code == 200
    (asked,) = worker.asked
    assert asked.video == RtpTrack(codec="vp9", payload_type=98, rtx_payload_type=99)
    assert asked.audio == RtpTrack(codec="opus", payload_type=111, red_payload_type=63, rtx_payload_type=112)


@pytest.mark.parametrize("other", ["redPayloadType", "rtxPayloadType"])
async def test_payload_types_that_cannot_be_told_apart_are_refused(desk: Desk, other: str) -> None:
    room_id = await desk.room(media={"type": "rtp"})
    answer = await announce(desk, room_id, audio={"codec": "opus", "payloadType": 111, other: 111})
    assert refused(answer) == (400, "invalid_request")
    assert "payload type of its own" in answer.json()["message"]


async def test_in_other_rooms_nobody_joins_by_an_announcement(desk: Desk) -> None:
    room_id = await desk.room()
    assert refused(await announce(desk, room_id)) == (404, "participant_not_found")
    assert await present(desk, room_id) == []


async def test_only_who_moderates_lets_others_in_or_out(desk: Desk) -> None:
    room_id = await desk.room(media={"type": "rtp"})
    for themselves in (bearer(participant_id="ann"), bearer(participant_id="ann", permissions=["allow_mod"])):
        assert refused(await announce(desk, room_id, headers=themselves)) == (404, "participant_not_found")
    for headers in (
        bearer(),
        bearer(room_id=room_id),
        bearer(permissions=["ask_join"]),
        bearer(roles=["rtc"], permissions=["allow_mod"]),
        bearer(participant_id="bob"),
        crawler(participant_id="bob"),
        crawler(room_id="another"),
    ):
        assert refused(await take_away(desk, room_id, headers=headers)) == (403, "forbidden")
        assert refused(await announce(desk, room_id, headers=headers)) == (403, "forbidden")
    assert await present(desk, room_id) == []


async def test_nobody_announces_media_for_another_who_is_there_but_a_server(desk: Desk) -> None:
    room_id, worker = await desk.room(), Worker()
    await desk.doors.joined(room_id, "ann")
    async with desk.doors.bus.answer(RECORDER_COMMANDS, answering({OpenRtpSource: worker})):
        for stranger in (bearer(), bearer(room_id=room_id), bearer(participant_id="bob"), bearer(roles=["rtc"])):
            assert refused(await announce(desk, room_id, headers=stranger)) == (403, "forbidden")
        assert worker.asked == []
        own = bearer(participant_id="ann", roles=["rtc"])
        for headers in (own, bearer(participant_id="ann"), bearer(permissions=["allow_mod"]), crawler()):
            assert (await announce(desk, room_id, headers=headers)).status_code == 200
    assert [each.participant_id for each in worker.asked] == ["ann"] * 4


async def test_who_is_not_allowed_or_comes_too_late_does_not_join_by_it_either(desk: Desk) -> None:
    room_id = await desk.room(media={"type": "rtp"}, allowedParticipantIds=["ann"])
    assert refused(await announce(desk, room_id, "bob")) == (403, "participant_not_allowed")
    await desk.asked("rooms/deactivate", {"roomId": room_id})
    assert refused(await announce(desk, room_id, "ann")) == (400, "room_deactivated")


async def test_nobody_is_there_of_whom_nothing_can_come(desk: Desk) -> None:
    room_id = await desk.room(media={"type": "rtp"})
    async with desk.doors.bus.answer(RECORDER_COMMANDS, answering({OpenRtpSource: Worker()})):
        no_codec = {"codec": "none", "payloadType": 111}
        assert refused(await announce(desk, room_id, audio=no_codec)) == (400, "unsupported_codec")
    assert await present(desk, room_id) == []
    nobody_listens = await announce(desk, room_id)
    assert nobody_listens.status_code == 503
    assert await present(desk, room_id) == []


@pytest.mark.parametrize("name", ["", " ", "\x00", "x" * 101])
async def test_a_name_that_nobody_can_read_is_refused(desk: Desk, name: str) -> None:
    room_id = await desk.room(media={"type": "rtp"})
    assert refused(await announce(desk, room_id, name=name)) == (400, "invalid_request")


async def test_a_codec_whose_name_is_too_long_is_refused(desk: Desk) -> None:
    """Seen to fail: the door took names that the command could not hold."""
    room_id = await desk.room(media={"type": "rtp"})
    answer = await announce(desk, room_id, audio={"codec": "x" * 40, "payloadType": 111})
    assert refused(answer) == (400, "invalid_request")
