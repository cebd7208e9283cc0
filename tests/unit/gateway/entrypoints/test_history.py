"""What a recording's history shows of an event."""

from __future__ import annotations

from services.gateway.entrypoints.v2.recording_shape import event_object
from shared.contracts.participant_recording import ParticipantRecordingFailed
from shared.eventsourcing.codec import Context, encode
from tests.support.events import append
from tests.support.in_memory import InMemoryEventStore
from tests.support.recorded import recorded


async def test_a_failure_is_shown_with_its_reason_and_without_what_ffmpeg_said() -> None:
    log = InMemoryEventStore()
    failed = recorded(ParticipantRecordingFailed, reason="the recorder's ffmpeg failed", details="of all things")
    await append(log, failed.stream, [encode(failed, Context.begin("worker:w"))])
    (stored,) = await log.read(failed.stream)
    assert b"of all things" in stored.payload
    shown = event_object(stored)["data"]
    assert shown["reason"] == "the recorder's ffmpeg failed"
    assert "details" not in shown
