"""The door of WHIP: who may publish, what they are answered, and what they may say later."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.contracts.whip_session import (
    CloseWhipSession,
    OpenWhipSession,
    PatchWhipSession,
    WhipSessionOpened,
    WhipSessionPatched,
)
from shared.eventsourcing.codec import Context
from shared.messaging.answering import answering
from shared.messaging.message import ACCEPTED, Message, contract_message, refusal
from shared.messaging.topology import RECORDER_COMMANDS, worker_queue
from tests.integration.gateway.doors import TURN_SECRET, Doors, bearer
from tests.integration.gateway.doors import refusal as refused

OFFER, ANSWER, FRAGMENT = "v=0\r\noffer", "v=0\r\nanswer", "a=ice-ufrag:clnt\r\n"


class Worker:
    """Opens every session as `s`, restarts ICE where none is named, and refuses what it is told to."""

    def __init__(self) -> None:
        self.asked: list[OpenWhipSession | PatchWhipSession | CloseWhipSession] = []
        self.refuses: Message | None = None

    async def opens(self, command: OpenWhipSession, _: Context) -> Message:
        self.asked.append(command)
        opened = WhipSessionOpened(worker_id="w", whip_session_id="s", answer=ANSWER, ice="tag")
        return self.refuses or contract_message(opened, opened.type)

    async def patches(self, command: PatchWhipSession, _: Context) -> Message:
        self.asked.append(command)
        patched = WhipSessionPatched(ice="tag") if command.ice else WhipSessionPatched(ice="new", fragment=FRAGMENT)
        return self.refuses or contract_message(patched, patched.type)

    async def closes(self, command: CloseWhipSession, _: Context) -> Message:
        self.asked.append(command)
        return self.refuses or ACCEPTED


@asynccontextmanager
async def working(doors: Doors) -> AsyncIterator[Worker]:
    worker = Worker()
    own = answering({PatchWhipSession: worker.patches, CloseWhipSession: worker.closes})
    async with (
        doors.bus.answer(RECORDER_COMMANDS, answering({OpenWhipSession: worker.opens})),
        doors.bus.answer(worker_queue("w"), own),
    ):
        yield worker


@pytest.fixture
async def worker(doors: Doors) -> AsyncIterator[Worker]:
    await doors.come_in("ann")
    async with working(doors) as one:
        yield one


async def publish(
    doors: Doors, headers: dict[str, str] | None = None, media_type: str = "application/sdp", body: bytes | str = OFFER
) -> httpx.Response:
    sent = {**(headers or bearer(participant_id="ann")), "Content-Type": media_type}
    return await doors.http.post(f"/v1/whip/{doors.room_id}", content=body, headers=sent)


async def patch(doors: Doors, if_match: str | None, session: str = "w/s", **claims: Any) -> httpx.Response:
    sent = bearer(**{"participant_id": "ann", **claims}) | {"Content-Type": "application/trickle-ice-sdpfrag"}
    if if_match is not None:
        sent["If-Match"] = if_match
    return await doors.http.patch(f"/v1/whip/{doors.room_id}/{session}", content=FRAGMENT, headers=sent)


# --- publishing


async def test_an_offer_is_answered_with_where_the_session_is_and_which_ice_session_it_has(
    doors: Doors, worker: Worker
) -> None:
    answer = await publish(doors)
    assert (answer.status_code, answer.text) == (201, ANSWER)
    assert answer.headers["Content-Type"].partition(";")[0] == "application/sdp"
    assert answer.headers["Location"] == f"http://gateway/v1/whip/{doors.room_id}/w/s"
    assert answer.headers["ETag"] == '"tag"'
    assert answer.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
    (asked,) = worker.asked
    assert isinstance(asked, OpenWhipSession)
    assert (asked.room_id, asked.session_id, asked.participant_id, asked.offer) == (
        doors.room_id,
        "session",
        "ann",
        OFFER,
    )


async def test_a_guest_publishes_with_their_resumption(doors: Doors) -> None:
    resumption, admission = await doors.admitted(await doors.start_invited(invite_code=await doors.invite()))
    await doors.come_in(admission.participant_id)
    async with working(doors) as worker:
        answer = await publish(doors, {"Authorization": f"Bearer {resumption}"})
        assert answer.status_code == 201
    (asked,) = worker.asked
    assert isinstance(asked, OpenWhipSession)
    assert asked.participant_id == admission.participant_id


async def test_who_may_not_publish_is_refused(doors: Doors, worker: Worker) -> None:
    for headers, answer in (
        ({"Authorization": "Bearer made-up"}, (401, "unauthorized")),
        (bearer(), (403, "forbidden")),  # it names nobody
        (bearer(participant_id="ann", roles=["crawler"]), (403, "forbidden")),
        (bearer(participant_id="ann", room_id="another"), (403, "forbidden")),
        (bearer(participant_id="bob"), (404, "participant_not_found")),
    ):
        assert refused(await publish(doors, headers)) == answer
    assert worker.asked == []


async def test_who_is_in_a_breakout_room_publishes_there_with_the_token_of_its_parent(doors: Doors) -> None:
    parent, breakout_room = doors.room_id, await doors.breakout_room()
    await doors.come_in("ann", breakout_room)
    doors.room_id = breakout_room
    async with working(doors):
        assert (await publish(doors, bearer(participant_id="ann", room_id=parent))).status_code == 201


async def test_what_is_no_offer_is_refused_before_anybody_is_asked(doors: Doors, worker: Worker) -> None:
    assert refused(await publish(doors, media_type="application/json")) == (415, "unsupported_media_type")
    assert refused(await publish(doors, body=b"\xff")) == (400, "invalid_request")
    assert worker.asked == []


async def test_what_the_worker_refuses_is_told(doors: Doors, worker: Worker) -> None:
    worker.refuses = refusal("unsupported_codec", "send VP8")
    assert refused(await publish(doors)) == (400, "unsupported_codec")


async def test_without_a_recorder_nobody_publishes(doors: Doors) -> None:
    await doors.come_in("ann")
    assert refused(await publish(doors)) == (503, "unavailable")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_other_methods_are_not_allowed(doors: Doors, method: str) -> None:
    assert (await doors.http.request(method, f"/v1/whip/{doors.room_id}")).status_code == 405
    assert (await doors.http.request(method, f"/v1/whip/{doors.room_id}/w/s")).status_code == 405


# --- STUN and TURN servers


async def test_clients_are_told_of_stun_and_turn_servers_with_credentials_of_their_own(
    doors: Doors, worker: Worker
) -> None:
    stun, turn = (await publish(doors)).headers.get_list("Link")
    assert stun == '<stun:stun.example>; rel="ice-server"'
    pattern = (
        r'<turns:turn\.example\?transport=tcp>; rel="ice-server"; '
        r'username="(\d+):ann"; credential="([^"]+)"; credential-type="password"'
    )
    found = re.fullmatch(pattern, turn)
    assert found
    ends = datetime.fromtimestamp(int(found[1]), UTC)
    assert timedelta(hours=23) < ends - datetime.now(UTC) < timedelta(hours=25)
    digest = hmac.digest(TURN_SECRET.encode(), f"{found[1]}:ann".encode(), hashlib.sha1)
    assert found[2] == base64.b64encode(digest).decode()


async def test_whoever_asks_learns_what_can_be_posted_and_of_servers_only_with_a_token(doors: Doors) -> None:
    path = f"/v1/whip/{doors.room_id}"
    anybody = await doors.http.options(path)
    assert (anybody.status_code, anybody.headers["Accept-Post"]) == (204, "application/sdp")
    assert "Link" not in anybody.headers
    known = await doors.http.options(path, headers=bearer(participant_id="ann"))
    assert len(known.headers.get_list("Link")) == 2


# --- later


async def test_candidates_are_taken_for_the_ice_session_that_is_named(doors: Doors, worker: Worker) -> None:
    assert (await patch(doors, '"tag"')).status_code == 204
    (asked,) = worker.asked
    assert isinstance(asked, PatchWhipSession)
    assert (asked.ice, asked.fragment, asked.participant_id) == ("tag", FRAGMENT, "ann")


async def test_a_restart_is_answered_with_the_new_ice_session(doors: Doors, worker: Worker) -> None:
    answer = await patch(doors, "*")
    assert (answer.status_code, answer.text, answer.headers["ETag"]) == (200, FRAGMENT, '"new"')
    assert answer.headers["Content-Type"].partition(";")[0] == "application/trickle-ice-sdpfrag"


@pytest.mark.parametrize(
    ("if_match", "answer"),
    [(None, (428, "if_match_missing")), ("tag", (400, "invalid_request")), ('W/"tag"', (400, "invalid_request"))],
)
async def test_who_does_not_say_which_ice_session_is_refused(
    doors: Doors, worker: Worker, if_match: str | None, answer: tuple[int, str]
) -> None:
    assert refused(await patch(doors, if_match)) == answer
    assert worker.asked == []


@pytest.mark.parametrize(
    ("code", "status"), [("ice_session_over", 412), ("whip_session_not_found", 404), ("invalid_fragment", 400)]
)
async def test_what_the_session_s_worker_refuses_is_told(doors: Doors, worker: Worker, code: str, status: int) -> None:
    worker.refuses = refusal(code, "no")
    assert refused(await patch(doors, '"tag"')) == (status, code)


async def test_a_session_is_ended(doors: Doors, worker: Worker) -> None:
    path = f"/v1/whip/{doors.room_id}/w/s"
    assert (await doors.http.delete(path, headers=bearer(participant_id="ann"))).status_code == 200
    (asked,) = worker.asked
    assert isinstance(asked, CloseWhipSession)
    assert (asked.whip_session_id, asked.participant_id) == ("s", "ann")


async def test_a_session_of_a_recorder_that_is_gone_cannot_be_carried_on(doors: Doors, worker: Worker) -> None:
    assert refused(await patch(doors, '"tag"', "gone/s")) == (503, "unavailable")
