"""A worker with a log of its own: what happens in a session, and the recordings that come of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.domain.participant_recording import RequestParticipantRecording
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.wall_clock import now_ns
from services.recorder.watermark import WatermarkGauge
from services.recorder.worker import Worker
from shared.concurrency.supervision import supervised
from shared.contracts.consent import ConsentGiven, ConsentWithdrawn
from shared.contracts.participant_recording import (
    ParticipantRecordingRequested,
    StopParticipantRecording,
    participant_recording_stream,
)
from shared.contracts.recording import RecordingPaused, RecordingResumed, RecordingStopped
from shared.contracts.room import ConsentPolicy, LeaveReason, ParticipantJoined, ParticipantLeft, SessionStarted
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened, RtpTrack
from shared.eventsourcing.codec import Context, decode
from tests.support.addresses import loopback
from tests.support.eventually import eventually
from tests.support.spooling import spool_disk
from tests.support.unreliable_log import UnreliableEventStore

_WATERMARK_SECONDS = 0.02
_VIDEO, _AUDIO = RtpTrack(codec="VP8", payload_type=96), RtpTrack(codec="opus", payload_type=111)

Happened = TypeVar("Happened")


@dataclass(slots=True)
class Studio:
    """One session, `s`. Participants are named; recordings and what is recorded of them are numbered."""

    log: UnreliableEventStore
    streams: ParticipantRecordingStreams
    worker: Worker
    root: Path

    # --- what happens

    def begins(self, consent_policy: ConsentPolicy) -> None:
        """Say what becomes of a yes; unsaid, it is cleared."""
        started = SessionStarted(at=_before(), room_id="r", session_id="s", consent_policy=consent_policy)
        self.worker.apply(started)

    def arrives(self, who: str, *, consents: bool = True) -> None:
        """Let somebody join, and consent, well before anything is recorded."""
        self.joins(who, _before())
        if consents:
            self.consents(who, _before())

    def joins(self, who: str, at: datetime | None = None) -> None:
        joined = ParticipantJoined(at=at or now(), **self._about(who), display_name=who, role="user")
        self.worker.apply(joined)

    def consents(self, who: str, at: datetime | None = None) -> None:
        self.worker.apply(ConsentGiven(at=at or now(), **self._about(who)))

    def withdraws(self, who: str, at: datetime) -> None:
        self.worker.apply(ConsentWithdrawn(at=at, **self._about(who)))

    def leaves(self, who: str, at: datetime | None = None, reason: LeaveReason = "quit") -> None:
        self.worker.apply(ParticipantLeft(at=at or now(), **self._about(who), reason=reason))

    def pauses(self, at: datetime | None = None, number: int = 1) -> datetime:
        """Pause the room recording, and return since when it is."""
        paused = RecordingPaused(at=at or now(), **_about_recording(number), requested_by="mona")
        self.worker.apply(paused)
        return paused.at

    def resumes(self, number: int = 1) -> datetime:
        resumed = RecordingResumed(at=now(), **_about_recording(number), requested_by="mona")
        self.worker.apply(resumed)
        return resumed.at

    def stops_recording(self, at: datetime | None = None, number: int = 1) -> None:
        """Stop the room recording; nobody has told the participants' files yet."""
        stopped = RecordingStopped(at=at or now(), **_about_recording(number), reason="requested")
        self.worker.apply(stopped)

    async def opens_source(
        self, who: str, at: datetime | None = None, *, video: RtpTrack | None = _VIDEO, audio: RtpTrack | None = _AUDIO
    ) -> RtpSourceOpened:
        """Announce somebody's RTP, by default now, in VP8 and Opus."""
        asked = OpenRtpSource(at=at or now(), **self._about(who), video=video, audio=audio)
        return await self.worker.sources.open_rtp(asked)

    # --- what is asked for

    async def requests(self, who: str, number: int = 1) -> ParticipantRecordingRequested:
        """Write down that a recording is due; nobody has taken it yet."""
        recording_id = _about_recording(number)["recording_id"]
        command = RequestParticipantRecording(**self._recording(who, number), recording_id=recording_id)
        (requested,) = await self.streams.give(command, _context())
        assert isinstance(requested, ParticipantRecordingRequested)
        return requested

    async def records(self, who: str, number: int = 1) -> None:
        """Let the worker take a recording, and wait until it says that the file begins."""
        self.takes(await self.requests(who, number))
        await eventually(lambda: self.has(who, "participant-recording.started.v1", number))

    def takes(self, requested: ParticipantRecordingRequested) -> None:
        self.worker.take(requested, _context())

    async def stops(self, who: str, number: int = 1) -> None:
        for event in await self.streams.give(StopParticipantRecording(**self._recording(who, number)), _context()):
            self.worker.apply(event)

    def waits_for_no_watermark(self) -> None:
        """Let what is being recorded wait for none any more once it is over."""
        for recording in self.worker._recordings.values():
            recording._patience_ns = 0

    # --- what came of it

    async def happened(self, who: str) -> list[Any]:
        stream = participant_recording_stream("s", who)
        return [decode(stored) for stored in await self.log.read(stream)]

    async def has(self, who: str, event_type: str, number: int = 1) -> bool:
        told = await self.happened(who)
        return any(event.type == event_type and event.participant_recording_id == f"{who}-{number}" for event in told)

    async def until(self, who: str, kind: type[Happened], number: int = 1) -> Happened:
        """Wait for the event that ends the story of a recording, or another one."""
        await eventually(lambda: self.has(who, kind.type, number))  # type: ignore[attr-defined]
        told = [event for event in await self.happened(who) if event.participant_recording_id == f"{who}-{number}"]
        return next(event for event in told if isinstance(event, kind))

    async def idle(self) -> None:
        """Wait until the worker has nothing to do any more."""
        await eventually(lambda: not self.worker._tasks)

    def files(self) -> list[str]:
        """Return what is stored, as `ann/….webm` or `ann/….segment-1.webm`, without the time."""
        return sorted(_kind_of(path) for path in self.root.rglob("*") if path.is_file())

    def _recording(self, who: str, number: int) -> dict[str, Any]:
        return {**self._about(who), "participant_recording_id": f"{who}-{number}", "at": now()}

    def _about(self, who: str) -> dict[str, Any]:
        return {"room_id": "r", "session_id": "s", "participant_id": who}


@asynccontextmanager
async def studio(
    root: Path, ffmpeg: Path, *, watermark: bool = True, patience_seconds: float = 300
) -> AsyncIterator[Studio]:
    """Work while the context lasts; the watermark follows the clock unless there is none."""
    log, gauge = UnreliableEventStore(), WatermarkGauge()
    streams = ParticipantRecordingStreams(log)
    ports, disk = range(24_000, 26_000), spool_disk(root, patience_seconds=patience_seconds)
    worker = Worker(streams, LocalObjectStore(root), ffmpeg, gauge, "worker", loopback(ports), disk)
    relay = [_follow_the_clock(gauge)] if watermark else []
    async with supervised(*relay), worker.working():
        yield Studio(log, streams, worker, root)


def now() -> datetime:
    return datetime.now(UTC)


def _before() -> datetime:
    return now() - timedelta(seconds=10)


def _about_recording(number: int) -> dict[str, Any]:
    return {"room_id": "r", "session_id": "s", "recording_id": f"rec{number}"}


async def _follow_the_clock(gauge: WatermarkGauge) -> None:
    while True:
        gauge.raise_to(now_ns())
        await asyncio.sleep(_WATERMARK_SECONDS)


def _context() -> Context:
    return Context.begin("service:test")


def _kind_of(path: Path) -> str:
    _, _, suffix = path.name.partition(".")
    return f"{path.parent.name}/{suffix}"
