"""What a server asks of the recorder, as messages, and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from services.recorder.domain.participant_recording import ConfirmParticipantRecording, ParticipantRecordingReport
from services.recorder.handlers import ParticipantRecordingStreams
from shared.concurrency.clock import utc_now
from shared.contracts.message import Command
from shared.contracts.participant_recording import (
    ParticipantRecordingAccepted,
    ParticipantRecordingAwaited,
    RecordingKind,
    participant_recording_stream,
)
from shared.contracts.reply import Accepted, Refused
from shared.eventsourcing.codec import Context, decode
from shared.eventsourcing.errors import LogUnavailableError
from shared.messaging.answering import answering
from shared.messaging.bus import Answerer
from shared.messaging.message import Message, command_message, read_reply
from tests.support.participant_recordings import confirm, fail, finish, stop
from tests.support.server_recordings import delete, discard, pause, resume, start, stop_any
from tests.support.unreliable_log import UnreliableEventStore

WITHIN = 600


@dataclass(slots=True)
class Recorder:
    log: UnreliableEventStore = field(default_factory=UnreliableEventStore)
    grace: timedelta = timedelta(seconds=60)

    @property
    def streams(self) -> ParticipantRecordingStreams:
        return ParticipantRecordingStreams(self.log, self.grace)

    @property
    def answerer(self) -> Answerer:
        return answering(self.streams.answerers())

    async def asked(self, command: Command) -> ParticipantRecordingAccepted | Refused:
        return read_reply(await self.answerer(message(command)), ParticipantRecordingAccepted)

    async def runs(self, one: str = "a") -> None:
        """Let a server's recording begin."""
        await self.asked(start(one))
        await self.streams.give(confirm(one), Context.begin("worker:w"))

    async def finishes(self, one: str = "a") -> None:
        await self.streams.give(finish(one), Context.begin("worker:w"))

    async def told(self, kind: RecordingKind = "audio_video") -> list[str]:
        stored = await self.log.read(participant_recording_stream("s", "ann", kind))
        return [event.type.split(".")[1] for event in stored]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def message(command: Command) -> Message:
    return command_message(command, Context.begin("server:key"), WITHIN)


def accepted(one: str = "a") -> ParticipantRecordingAccepted:
    return ParticipantRecordingAccepted(participant_recording_id=one)


async def test_a_start_is_accepted_by_its_id_once_it_is_in_the_log(recorder: Recorder) -> None:
    assert await recorder.asked(start()) == accepted()
    assert await recorder.told() == ["requested"]


async def test_what_a_server_asked_is_its_word_in_the_log(recorder: Recorder) -> None:
    asked = message(start())
    await recorder.answerer(asked)
    (stored,) = await recorder.log.read(participant_recording_stream("s", "ann"))
    assert (stored.actor, stored.causation_id) == ("server:key", asked.id)


async def test_whoever_is_not_there_is_waited_for_as_long_as_is_set() -> None:
    recorder = Recorder(grace=timedelta(seconds=7))
    command = start(present=False)
    assert await recorder.asked(command) == accepted()
    (stored,) = await recorder.log.read(participant_recording_stream("s", "ann"))
    event = decode(stored)
    assert isinstance(event, ParticipantRecordingAwaited)
    assert event.until == command.at + timedelta(seconds=7)


async def test_a_start_without_consent_is_refused_and_on_record(recorder: Recorder) -> None:
    for _ in range(2):
        answer = await recorder.asked(start(consents=False))
        assert isinstance(answer, Refused)
        assert answer.code == "consent_required"
        assert "ann" in answer.message
    assert await recorder.told() == ["refused"]


async def test_a_start_whose_answer_was_lost_is_accepted_again_and_written_once(recorder: Recorder) -> None:
    recorder.log.refusals, recorder.log.writes_before_it_refuses = 1, True
    with pytest.raises(LogUnavailableError):
        await recorder.asked(start())
    assert await recorder.asked(start()) == accepted()
    assert await recorder.told() == ["requested"]


async def test_a_second_start_is_refused(recorder: Recorder) -> None:
    await recorder.runs()
    answer = await recorder.asked(start("b"))
    assert isinstance(answer, Refused)
    assert answer.code == "already_recording"


async def test_kinds_are_recorded_beside_one_another(recorder: Recorder) -> None:
    kinds: tuple[RecordingKind, ...] = ("audio_video", "audio", "video")
    for kind in kinds:
        assert await recorder.asked(start(kind, kind=kind)) == accepted(kind)
        assert await recorder.told(kind) == ["requested"]


async def test_pause_resume_and_stop_are_answered_by_the_id_of_what_runs(recorder: Recorder) -> None:
    await recorder.runs()
    for command in (pause(3), pause(3.5), resume(4), resume(4.5), stop_any(5), stop_any(6)):
        assert await recorder.asked(command) == accepted()
    assert await recorder.told() == ["requested", "started", "paused", "resumed", "stop-requested"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (stop_any(), "not_recording"),
        (pause(), "not_recording"),
        (resume(), "not_recording"),
        (delete(), "recording_not_found"),
    ],
)
async def test_where_there_is_nothing_it_is_refused(recorder: Recorder, command: Command, code: str) -> None:
    answer = await recorder.asked(command)
    assert isinstance(answer, Refused)
    assert answer.code == code


async def test_a_stop_that_comes_again_does_not_stop_what_was_started_since(recorder: Recorder) -> None:
    await recorder.runs()
    stopping = message(stop_any())
    await recorder.answerer(stopping)
    await recorder.finishes()
    await recorder.runs("b")
    again = read_reply(await recorder.answerer(stopping), ParticipantRecordingAccepted)
    assert isinstance(again, ParticipantRecordingAccepted)
    assert await recorder.told() == ["requested", "started", "stop-requested", "stopped", "requested", "started"]


async def test_a_pause_that_comes_again_does_not_pause_after_the_resume(recorder: Recorder) -> None:
    await recorder.runs()
    paused = message(pause(3))
    await recorder.answerer(paused)
    await recorder.asked(resume(4))
    assert read_reply(await recorder.answerer(paused), ParticipantRecordingAccepted) == accepted()
    assert (await recorder.told())[-1] == "resumed"


async def test_a_stop_of_one_that_is_over_is_answered_by_its_id(recorder: Recorder) -> None:
    await recorder.runs()
    await recorder.asked(stop_any())
    await recorder.finishes()
    await recorder.runs("b")
    assert await recorder.asked(stop("a")) == accepted("a")
    assert (await recorder.told())[-1] == "started"


async def test_a_stop_that_comes_again_when_all_is_over_is_answered_by_what_it_stopped(recorder: Recorder) -> None:
    await recorder.runs()
    stopping = message(stop_any())
    await recorder.answerer(stopping)
    await recorder.finishes()
    assert read_reply(await recorder.answerer(stopping), ParticipantRecordingAccepted) == accepted()


async def test_a_deletion_is_accepted_once_it_is_in_the_log(recorder: Recorder) -> None:
    await recorder.runs()
    await recorder.asked(stop_any())
    await recorder.finishes()
    for _ in range(2):
        assert read_reply(await recorder.answerer(message(delete())), Accepted) == Accepted()
    assert (await recorder.told())[-2:] == ["stopped", "deleted"]


async def test_a_discard_is_answered_by_the_id_of_what_it_throws_away_and_done_once(recorder: Recorder) -> None:
    await recorder.runs()
    discarding = message(discard(5))
    for asked in (discarding, discarding, message(discard(6))):
        assert read_reply(await recorder.answerer(asked), ParticipantRecordingAccepted) == accepted()
    assert await recorder.told() == ["requested", "started", "deleted"]
    await recorder.runs("b")
    assert read_reply(await recorder.answerer(discarding), ParticipantRecordingAccepted) == accepted("b")
    assert (await recorder.told())[-1] == "started"


@pytest.mark.parametrize("late", [finish(), fail()])
async def test_a_worker_that_comes_too_late_is_told_that_nothing_of_it_is_wanted(
    recorder: Recorder, late: ParticipantRecordingReport
) -> None:
    await recorder.runs()
    assert await recorder.streams.report(confirm(), Context.begin("worker:w"))
    await recorder.asked(discard(5))
    assert not await recorder.streams.report(late, Context.begin("worker:w"))
    assert (await recorder.told())[-1] == "deleted"


async def test_what_nobody_waits_for_any_more_is_not_done(recorder: Recorder) -> None:
    late = command_message(start().model_copy(update={"at": utc_now()}), Context.begin("server:key"), -1)
    answer = read_reply(await recorder.answerer(late), ParticipantRecordingAccepted)
    assert isinstance(answer, Refused)
    assert answer.code == "lapsed"
    assert await recorder.told() == []


async def test_a_worker_that_confirms_again_is_the_one_that_began_and_no_other_is(recorder: Recorder) -> None:
    await recorder.asked(start())

    async def begins(command: ConfirmParticipantRecording) -> bool:
        return await recorder.streams.confirm(command, Context.begin("worker:w"))

    assert [await begins(confirm()) for _ in range(2)] == [True, True]
    assert not await begins(replace(confirm(), worker_id="another"))
    assert not await begins(confirm(second=2.5)), "one that would begin anew"
    await recorder.asked(stop())
    assert await begins(confirm()), "what is stopping has to be finished by who began it"
    await recorder.finishes()
    assert not await begins(confirm())
    assert await recorder.told() == ["requested", "started", "stop-requested", "stopped"]
