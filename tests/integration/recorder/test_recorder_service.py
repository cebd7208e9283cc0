"""The recorder as it runs, on a real log and a real broker: what servers ask of it, from the command to the file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

import services.relay.bootstrap
from services.recorder.bootstrap import running
from services.recorder.settings import RecorderSettings
from shared.concurrency.clock import utc_now
from shared.contracts.consent import ConsentGiven
from shared.contracts.message import Command, Contract, Event
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    ParticipantRecordingAccepted,
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingFailed,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    PauseParticipantRecording,
    ResumeParticipantRecording,
    StartParticipantRecording,
    StopParticipantRecording,
    TrackFileFinished,
    TrackRecordingStopped,
)
from shared.contracts.reply import Accepted
from shared.contracts.room import ParticipantJoined, SessionStarted
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened, RtpTrack
from shared.eventsourcing.codec import Context, decode, encode
from shared.messaging.asking import CommandRefusedError, Owners
from shared.runtime.infrastructure import Infrastructure, open_infrastructure
from shared.runtime.settings import Settings
from tests.integration.recorder.talking import among, talking
from tests.support.events import append
from tests.support.eventually import eventually
from tests.support.webm import Packet, read_packets

Happened = TypeVar("Happened", bound=Event)
Answer = TypeVar("Answer", bound=Contract)

_SESSION: dict[str, Any] = {"room_id": "r", "session_id": "s"}
_ANN: dict[str, Any] = {**_SESSION, "participant_id": "ann"}
_GRACE_SECONDS = 1


@dataclass(frozen=True, slots=True)
class House:
    """A relay that runs, and what a test does beside it."""

    infrastructure: Infrastructure
    settings: RecorderSettings

    @asynccontextmanager
    async def recorder(self) -> AsyncIterator[None]:
        """Run one, with connections of its own."""
        async with _infrastructure(self.settings) as infrastructure, running(infrastructure, self.settings):
            yield

    async def happens(self, *events: Event) -> None:
        for event in events:
            await append(self.infrastructure.store, event.stream, [encode(event, Context.begin("service:test"))])

    async def session(self) -> None:
        """Let ann's consent be known before she comes."""
        before = utc_now() - timedelta(seconds=10)
        started = SessionStarted(at=before, **_SESSION, consent_policy="keep")
        await self.happens(started, ConsentGiven(at=before, **_ANN))

    async def joins(self) -> None:
        await self.happens(ParticipantJoined(at=utc_now(), **_ANN, display_name="Ann", role="user"))

    async def asks(self, command: Command, answer: type[Answer]) -> Answer:
        return await Owners(self.infrastructure.bus, 10).ask(command, Context.begin("server:key"), answer)

    async def starts(self, one: str = "own", *, present: bool = True, **more: Any) -> None:
        asked = {"participant_recording_id": one, "consents": True, "present": present, **more}
        accepted = await self.asks(
            StartParticipantRecording(at=utc_now(), **_ANN, **asked), ParticipantRecordingAccepted
        )
        assert accepted.participant_recording_id == one

    async def changes(self, kind_of: type[Command], **more: Any) -> datetime:
        command = kind_of.model_validate({**_ANN, **more, "at": utc_now()})
        await self.asks(command, ParticipantRecordingAccepted)
        return command.at

    async def opens_source(self) -> RtpSourceOpened:
        video, audio = RtpTrack(codec="VP8", payload_type=96), RtpTrack(codec="opus", payload_type=111)
        return await self.asks(OpenRtpSource(at=utc_now(), **_ANN, video=video, audio=audio), RtpSourceOpened)

    async def until(self, kind: type[Happened]) -> Happened:
        async def is_there() -> bool:
            return bool(await self.told(kind))

        await eventually(is_there, within=20)
        return (await self.told(kind))[0]

    async def told(self, kind: type[Happened]) -> list[Happened]:
        events = [decode(stored) for stored in await self.infrastructure.store.read_all(limit=100_000)]
        return [event for event in events if isinstance(event, kind)]

    async def packets(self, path: str) -> list[Packet]:
        return await asyncio.to_thread(read_packets, self.settings.storage_root / path)


@asynccontextmanager
async def _infrastructure(settings: Settings) -> AsyncIterator[Infrastructure]:
    async with open_infrastructure(settings, services.relay.bootstrap.MIGRATIONS) as infrastructure:
        yield infrastructure


@pytest.fixture
async def house(database_url: str, amqp_url: str, tmp_path: Path) -> AsyncIterator[House]:
    settings = RecorderSettings(
        database_url=database_url, amqp_url=amqp_url, data_dir=tmp_path, participant_grace=_GRACE_SECONDS
    )
    async with _infrastructure(settings) as infrastructure, services.relay.bootstrap.running(infrastructure):
        yield House(infrastructure, settings)


async def test_a_recording_is_started_paused_resumed_stopped_and_deleted_by_a_server(house: House) -> None:
    await house.session()
    await house.joins()
    async with house.recorder():
        opened = await house.opens_source()
        await house.starts(storage_prefix="team")
        await house.until(ParticipantRecordingStarted)
        with talking(opened) as ann:
            before = await ann.both()
            await house.changes(PauseParticipantRecording)
            meanwhile = await ann.both()
            await house.changes(ResumeParticipantRecording)
            after = await ann.both()
            end = await house.changes(StopParticipantRecording)
            too_late = await ann.both()
        stopped = await house.until(ParticipantRecordingStopped)
        packets = await house.packets(stopped.file.path)
        assert [all(among(packets, sent)) for sent in (*before, *after)] == [True] * 4
        assert [any(among(packets, sent)) for sent in (*meanwhile, *too_late)] == [False] * 4
        assert stopped.at == end
        assert stopped.file.path.startswith("team/s/ann/participant_recording_ann_")
        delete = DeleteParticipantRecording(at=utc_now(), **_ANN, participant_recording_id="own", deleted_by="key")
        await house.asks(delete, Accepted)
        await house.until(ParticipantRecordingErased)
        assert not (house.settings.storage_root / stopped.file.path).exists()


async def test_a_track_that_was_waited_for_is_recorded_when_its_participant_comes(house: House) -> None:
    await house.session()
    async with house.recorder():
        await house.starts(present=False, kind="audio")
        await house.joins()
        opened = await house.opens_source()
        await house.until(ParticipantRecordingStarted)
        with talking(opened) as ann:
            sounds, pictures = await ann.both()
        await house.changes(StopParticipantRecording, kind="audio")
        await house.until(TrackRecordingStopped)
        (finished,) = await house.told(TrackFileFinished)
        packets = await house.packets(finished.file.path)
    assert all(among(packets, sounds))
    assert not any(among(packets, pictures))


async def test_whoever_does_not_come_in_the_time_that_is_set_is_not_recorded(house: House) -> None:
    await house.session()
    async with house.recorder():
        await house.starts(present=False)
        failed = await house.until(ParticipantRecordingFailed)
    assert failed.reason == "participant did not come"


async def test_what_the_recorder_decides_against_is_refused_with_its_code(house: House) -> None:
    await house.session()
    async with house.recorder():
        with pytest.raises(CommandRefusedError) as refused:
            await house.starts(consents=False)
        assert refused.value.code == "consent_required"
        with pytest.raises(CommandRefusedError) as nothing:
            await house.changes(StopParticipantRecording)
        assert nothing.value.code == "not_recording"


async def test_what_was_deleted_when_no_recorder_ran_is_erased_by_the_next(house: House) -> None:
    await house.session()
    await house.joins()
    async with house.recorder():
        await house.starts()
        await house.until(ParticipantRecordingStarted)
    (stopped,) = await house.told(ParticipantRecordingStopped)
    assert (house.settings.storage_root / stopped.file.path).exists()
    deleted = ParticipantRecordingDeleted(
        at=utc_now(), **_ANN, participant_recording_id="own", deleted_by="key", paths=(stopped.file.path,)
    )
    await house.happens(deleted)
    async with house.recorder():
        await house.until(ParticipantRecordingErased)
    assert not (house.settings.storage_root / stopped.file.path).exists()
