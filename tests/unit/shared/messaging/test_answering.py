"""Answering: from a command to its handler's reply, or to a refusal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.contracts.consent import SetConsent
from shared.contracts.message import Command
from shared.contracts.recording import ConfirmRecording
from shared.contracts.reply import Accepted, Refused
from shared.contracts.rtp_source import OpenRtpSource, RtpTrack
from shared.eventsourcing.codec import Context
from shared.eventsourcing.decider import RefusedError
from shared.messaging.answering import answering
from shared.messaging.errors import MalformedMessageError
from shared.messaging.message import ACCEPTED, Message, command_message, read_reply

NOW = datetime(2030, 1, 1, tzinfo=UTC)
OPEN = OpenRtpSource(
    at=NOW, room_id="r", session_id="s", participant_id="alice", video=RtpTrack(codec="VP8", payload_type=96)
)
CONFIRM = ConfirmRecording(at=NOW, room_id="r", session_id="s", recording_id="x", worker_id="worker")
CONSENT = SetConsent(at=NOW, room_id="r", session_id="s", participant_id="alice", consent=True)


async def answered(command: Command, *, after: timedelta = timedelta(0), handled: type[Command]) -> Accepted | Refused:
    async def accept(_: Command, __: Context) -> Message:
        return ACCEPTED

    answer = answering({handled: accept}, clock=lambda: NOW + after)
    return read_reply(await answer(command_message(command, Context.begin("test"), within=5)), Accepted)


async def test_a_command_is_answered_by_its_handler() -> None:
    assert await answered(OPEN, handled=OpenRtpSource) == Accepted()


async def test_a_source_that_nobody_waits_for_any_more_is_not_opened() -> None:
    reply = await answered(OPEN, after=timedelta(seconds=5.1), handled=OpenRtpSource)
    assert isinstance(reply, Refused)
    assert reply.code == "lapsed"


async def test_a_source_that_is_still_waited_for_is_opened() -> None:
    assert await answered(OPEN, after=timedelta(seconds=4.9), handled=OpenRtpSource) == Accepted()


async def test_that_a_worker_is_ready_lapses() -> None:
    """By the time that it is heard the worker may be gone."""
    answer = await answered(CONFIRM, after=timedelta(days=3), handled=ConfirmRecording)
    assert isinstance(answer, Refused)
    assert answer.code == "lapsed"


async def test_what_people_said_of_their_consent_never_lapses() -> None:
    assert await answered(CONSENT, after=timedelta(days=3), handled=SetConsent) == Accepted()


async def test_a_command_of_another_service_is_for_the_dead_letters() -> None:
    with pytest.raises(MalformedMessageError):
        await answered(CONSENT, handled=OpenRtpSource)


async def test_a_refusal_tells_its_code_and_its_reason() -> None:
    async def refuse(_: Command, __: Context) -> Message:
        raise RefusedError("not today")

    answer = answering({OpenRtpSource: refuse}, clock=lambda: NOW)
    reply = read_reply(await answer(command_message(OPEN, Context.begin("test"), within=5)), Accepted)
    assert reply == Refused(code="refused", message="not today")
