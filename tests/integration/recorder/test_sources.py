"""What the gateway asks of a worker about participants' media, as messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from shared.contracts.message import Command, Contract
from shared.contracts.reply import Accepted, Refused
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened, RtpTrack
from shared.contracts.whip_session import (
    CloseWhipSession,
    OpenWhipSession,
    PatchWhipSession,
    WhipSessionOpened,
    WhipSessionPatched,
)
from shared.eventsourcing.codec import Context
from shared.messaging.answering import answering
from shared.messaging.message import command_message, read_reply
from tests.support.sdp import VIDEO, offer, section, text, usual
from tests.support.studio import Studio, now, studio

Answer = TypeVar("Answer", bound=Contract)

ANN: dict[str, Any] = {"room_id": "r", "session_id": "s", "participant_id": "ann"}
OPUS = RtpTrack(codec="opus", payload_type=111)
FRAGMENT = text(["a=ice-ufrag:clnt", "a=ice-pwd:clientclientclientclient"])


@pytest.fixture
async def room(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path, ffmpeg) as one:
        one.arrives("ann")
        yield one


async def asked(room: Studio, command: Command, answer: type[Answer], within: float = 600) -> Answer | Refused:
    sources = room.worker.sources
    answers = answering({**sources.answerers(), **sources.own_answerers()})
    return read_reply(await answers(command_message(command, Context.begin("participant:ann"), within)), answer)


async def code(room: Studio, command: Command) -> str:
    """Return why it is refused."""
    reply = await asked(room, command, Accepted)
    assert isinstance(reply, Refused)
    return reply.code


async def opened(room: Studio, sdp: str = "") -> WhipSessionOpened:
    reply = await asked(room, OpenWhipSession(at=now(), **ANN, offer=sdp or usual()), WhipSessionOpened)
    assert isinstance(reply, WhipSessionOpened)
    return reply


def of(session: WhipSessionOpened, **other: str) -> dict[str, Any]:
    about = {"room_id": "r", "participant_id": "ann", "worker_id": session.worker_id}
    return {"at": now(), **about, "whip_session_id": session.whip_session_id, **other}


# --- plain RTP


async def test_the_answer_to_an_announcement_says_where_to_send(room: Studio) -> None:
    reply = await asked(room, OpenRtpSource(at=now(), **ANN, audio=OPUS), RtpSourceOpened)
    assert isinstance(reply, RtpSourceOpened)
    assert reply.audio is not None
    assert reply.video is None


async def test_an_announcement_that_cannot_be_received_is_refused(room: Studio) -> None:
    reply = await asked(room, OpenRtpSource(at=now(), **ANN), RtpSourceOpened)
    assert reply == Refused(code="no_tracks", message="announce a video track, an audio track or both")


async def test_an_announcement_that_nobody_waits_for_any_more_opens_nothing(room: Studio) -> None:
    reply = await asked(room, OpenRtpSource(at=now(), **ANN, audio=OPUS), RtpSourceOpened, within=-1)
    assert isinstance(reply, Refused)
    assert reply.code == "lapsed"
    assert room.worker.sources.of(("s", "ann")) is None


# --- WHIP


async def test_the_answer_to_an_offer_names_the_session_and_its_worker(room: Studio) -> None:
    session = await opened(room)
    assert session.worker_id == "worker"
    assert session.ice in session.answer
    assert await opened(room) != session


async def test_an_offer_that_cannot_be_received_is_refused(room: Studio) -> None:
    sdp = offer(section("video", "0", ["103 H264/90000"]), bundle="0")
    assert await code(room, OpenWhipSession(at=now(), **ANN, offer=sdp)) == "unsupported_codec"


async def test_a_newer_offer_takes_the_place_of_the_one_before_and_an_older_one_does_not(room: Studio) -> None:
    before = OpenWhipSession(at=now(), **ANN, offer=usual())
    session = await opened(room)
    assert await code(room, before) == "lapsed"
    same = PatchWhipSession(**of(session), fragment=FRAGMENT)
    assert await asked(room, same, WhipSessionPatched) == WhipSessionPatched(ice=session.ice)


async def test_a_session_that_was_replaced_is_over(room: Studio) -> None:
    first = await opened(room)
    await opened(room, offer(section("video", "0", VIDEO), bundle="0"))
    assert await code(room, PatchWhipSession(**of(first), fragment=FRAGMENT)) == "whip_session_not_found"


async def test_a_session_is_carried_on_by_its_participant_alone(room: Studio) -> None:
    session = await opened(room)
    own = PatchWhipSession(**of(session), fragment=FRAGMENT, ice=session.ice)
    assert await asked(room, own, WhipSessionPatched) == WhipSessionPatched(ice=session.ice)
    for other in ({"participant_id": "bob"}, {"room_id": "q"}):
        foreign = PatchWhipSession(**of(session, **other), fragment=FRAGMENT, ice=session.ice)
        assert await code(room, foreign) == "whip_session_not_found"
        assert await asked(room, CloseWhipSession(**of(session, **other)), Accepted) == Accepted()
    assert await asked(room, own, WhipSessionPatched) == WhipSessionPatched(ice=session.ice)


async def test_who_leaves_ends_their_session(room: Studio) -> None:
    session = await opened(room)
    room.leaves("ann")
    assert await code(room, PatchWhipSession(**of(session), fragment=FRAGMENT)) == "whip_session_not_found"


async def test_a_session_is_ended_and_may_be_ended_again(room: Studio) -> None:
    session = await opened(room)
    for _ in range(2):
        assert await asked(room, CloseWhipSession(**of(session)), Accepted) == Accepted()
    assert await code(room, PatchWhipSession(**of(session), fragment=FRAGMENT)) == "whip_session_not_found"
