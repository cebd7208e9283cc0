"""What the gateway asks of the recorder, as messages."""

from __future__ import annotations

import pytest

from services.recorder.handlers import recorder_answerer
from services.recorder.worker import SourceRefusedError
from shared.concurrency.clock import utc_now
from shared.contracts.consent import SetConsent
from shared.contracts.message import Command
from shared.contracts.reply import Refused
from shared.contracts.rtp_source import OpenRtpSource, RtpPorts, RtpSourceOpened, RtpTrack
from shared.eventsourcing.codec import Context
from shared.messaging.errors import MalformedMessageError
from shared.messaging.message import Message, command_message, read_reply

OPENED = RtpSourceOpened(host="127.0.0.1", video=RtpPorts(rtp_port=40_000, rtcp_port=40_001))


def asked(kind: type[Command] = OpenRtpSource, within: float = 600, **more: object) -> Message:
    about = {"at": utc_now(), "room_id": "r", "session_id": "s", "participant_id": "ann"}
    video = {"video": RtpTrack(codec="VP8", payload_type=96)}
    command = kind.model_validate({**about, **video, **more})
    return command_message(command, Context.begin("participant:ann"), within)


async def opens(command: OpenRtpSource) -> RtpSourceOpened:
    assert (command.session_id, command.participant_id) == ("s", "ann")
    return OPENED


async def refuses(_: OpenRtpSource) -> RtpSourceOpened:
    raise SourceRefusedError("unsupported_codec", "send VP8")


async def is_not_asked(_: OpenRtpSource) -> RtpSourceOpened:
    raise AssertionError("nobody asked for one")


async def test_a_source_is_opened_and_the_answer_says_where() -> None:
    assert read_reply(await recorder_answerer(opens)(asked()), RtpSourceOpened) == OPENED


async def test_a_source_that_the_worker_does_not_open_is_refused() -> None:
    reply = read_reply(await recorder_answerer(refuses)(asked()), RtpSourceOpened)
    assert reply == Refused(code="unsupported_codec", message="send VP8")


async def test_a_source_that_nobody_waits_for_any_more_is_not_opened() -> None:
    reply = read_reply(await recorder_answerer(is_not_asked)(asked(within=-1)), RtpSourceOpened)
    assert isinstance(reply, Refused)
    assert reply.code == "lapsed"


async def test_nothing_else_is_asked_of_the_recorder() -> None:
    with pytest.raises(MalformedMessageError, match="no command of this service"):
        await recorder_answerer(is_not_asked)(asked(SetConsent, consent=True))
