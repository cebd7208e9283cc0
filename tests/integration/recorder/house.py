"""A recorder as it runs, on a real log and a real broker, and what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import services.relay.bootstrap
from services.bench.processes import ServiceProcess
from services.recorder.bootstrap import running
from services.recorder.settings import RecorderSettings
from shared.concurrency.clock import utc_now
from shared.contracts.consent import ConsentGiven
from shared.contracts.message import Command, Contract, Event
from shared.contracts.participant_recording import ParticipantRecordingAccepted, StartParticipantRecording
from shared.contracts.room import ParticipantJoined, SessionStarted, WithdrawalPolicy
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened, RtpTrack
from shared.eventsourcing.codec import Context, decode, encode
from shared.messaging.asking import Owners
from shared.runtime.infrastructure import Infrastructure, open_infrastructure
from shared.runtime.settings import Settings
from tests.support.events import append
from tests.support.eventually import eventually
from tests.support.webm import Packet, read_packets

Happened = TypeVar("Happened", bound=Event)
Answer = TypeVar("Answer", bound=Contract)

SESSION: dict[str, Any] = {"room_id": "r", "session_id": "s"}
ANN: dict[str, Any] = {**SESSION, "participant_id": "ann"}


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

    @asynccontextmanager
    async def recorder_process(self) -> AsyncIterator[ServiceProcess]:
        """Run one as a process of its own, to be killed; its log is `recorder.log` in the data folder."""
        settings = {
            "ONRECORD_DATABASE_URL": str(self.settings.database_url),
            "ONRECORD_AMQP_URL": str(self.settings.amqp_url),
            "ONRECORD_STORAGE_URL": f"file://{self.settings.storage_root}",
            "ONRECORD_DATA_DIR": str(self.settings.data_dir),
        }
        process = ServiceProcess("recorder", settings, self.settings.data_dir / "recorder.log")
        try:
            await process.start()
            yield process
        finally:
            if process.is_started:
                await process.kill()

    async def happens(self, *events: Event) -> None:
        for event in events:
            await append(self.infrastructure.store, event.stream, [encode(event, Context.begin("service:test"))])

    async def session(self, withdrawal_policy: WithdrawalPolicy = "keep") -> None:
        """Let ann's consent be known before she comes."""
        before = utc_now() - timedelta(seconds=10)
        started = SessionStarted(at=before, **SESSION, consent_policy="keep", withdrawal_policy=withdrawal_policy)
        await self.happens(started, ConsentGiven(at=before, **ANN))

    async def joins(self) -> None:
        await self.happens(ParticipantJoined(at=utc_now(), **ANN, display_name="Ann", role="user"))

    async def asks(self, command: Command, answer: type[Answer]) -> Answer:
        return await Owners(self.infrastructure.bus, 10).ask(command, Context.begin("server:key"), answer)

    async def starts(self, one: str = "own", *, present: bool = True, **more: Any) -> None:
        asked = {"participant_recording_id": one, "consents": True, "present": present, **more}
        accepted = await self.asks(
            StartParticipantRecording(at=utc_now(), **ANN, **asked), ParticipantRecordingAccepted
        )
        assert accepted.participant_recording_id == one

    async def changes(self, kind_of: type[Command], **more: Any) -> datetime:
        command = kind_of.model_validate({**ANN, **more, "at": utc_now()})
        await self.asks(command, ParticipantRecordingAccepted)
        return command.at

    async def opens_source(self) -> RtpSourceOpened:
        video, audio = RtpTrack(codec="VP8", payload_type=96), RtpTrack(codec="opus", payload_type=111)
        return await self.asks(OpenRtpSource(at=utc_now(), **ANN, video=video, audio=audio), RtpSourceOpened)

    async def until(self, kind: type[Happened]) -> Happened:
        async def is_there() -> bool:
            return bool(await self.told(kind))

        await eventually(is_there, within=20)
        return (await self.told(kind))[0]

    async def until_told(self, kind: type[Event], number: int) -> None:
        async def are_there() -> bool:
            return len(await self.told(kind)) == number

        await eventually(are_there, within=20)

    async def told(self, kind: type[Happened]) -> list[Happened]:
        events = [decode(stored) for stored in await self.infrastructure.store.read_all(limit=100_000)]
        return [event for event in events if isinstance(event, kind)]

    async def packets(self, path: str) -> list[Packet]:
        return await asyncio.to_thread(read_packets, self.settings.storage_root / path)


@asynccontextmanager
async def open_house(settings: RecorderSettings) -> AsyncIterator[House]:
    """Run the relay while the context lasts."""
    async with _infrastructure(settings) as infrastructure, services.relay.bootstrap.running(infrastructure):
        yield House(infrastructure, settings)


@asynccontextmanager
async def _infrastructure(settings: Settings) -> AsyncIterator[Infrastructure]:
    async with open_infrastructure(settings, services.relay.bootstrap.MIGRATIONS) as infrastructure:
        yield infrastructure
