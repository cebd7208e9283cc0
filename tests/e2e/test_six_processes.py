"""Six services as six processes: what is killed comes back from the log, and the recording goes on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from services.demo.media import Clip
from services.demo.rtp_sender import RtpSender
from services.recorder.media.gap_filler import OPUS_SILENCE
from services.recorder.media.probe import decode_errors
from shared.contracts.participant_recording import ParticipantRecordingStarted, ParticipantRecordingStopped
from shared.contracts.room import ParticipantLeft
from shared.contracts.webhook import WebhookDelivered
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.store import EventStore
from shared.runtime.credentials import Credentials
from shared.runtime.tokens import Tokens
from tests.support.meeting import Meeting, events_of, meeting, until_happened
from tests.support.processes import all_services
from tests.support.webhook_target import webhook_target
from tests.support.webm import read_packets

_KEY, _SECRET = "six-processes", "a secret that is made up for this test alone"


async def test_a_recording_survives_the_death_of_gateway_consent_and_notifier(
    database_url: str, amqp_url: str, tmp_path: Path, clip: Clip, ffmpeg: Path
) -> None:
    storage = tmp_path / "storage"
    settings = {
        "ONRECORD_DATABASE_URL": database_url,
        "ONRECORD_AMQP_URL": amqp_url,
        "ONRECORD_STORAGE_URL": f"file://{storage}",
        "ONRECORD_API_KEY": _KEY,
        "ONRECORD_API_SECRET": _SECRET,
        "ONRECORD_WEBHOOK_NETWORKS": "127.0.0.0/8",
    }
    tokens = Tokens(Credentials(_KEY, _SECRET))
    async with (
        webhook_target() as target,
        all_services(settings, tmp_path) as services,
        _store(database_url) as store,
    ):
        async with meeting(services["gateway"].url, tokens) as room:
            await room.create_room(target.url)
            recording_id, senders = await _record_alice_with_bob_present(room, store, clip)
            sending = [asyncio.create_task(sender.run()) for sender in senders]
            await _sent(senders[0], 150)

            for name in ("gateway", "consent", "notifier"):
                await services[name].kill()
            async with asyncio.TaskGroup() as group:
                for name in ("gateway", "consent", "notifier"):
                    group.create_task(services[name].start())

            back = await room.join("mona", moderates=True)
            await room.join("bob")
            # His media counts no longer where he was away for too long.
            sending[1].cancel()
            senders = senders[0], await room.sender("bob", clip)
            sending.append(asyncio.create_task(senders[1].run()))
            await room.consent("bob", consent=True, seen_by="mona")
            await until_happened(store, ParticipantRecordingStarted, lambda event: event.participant_id == "bob")
            await _sent(senders[1], len(senders[1].sent_audio) + 150)
            left = await until_happened(store, ParticipantLeft, lambda event: event.participant_id == "alice")
            await room.stop("mona", recording_id)
            for name in ("alice", "bob"):
                await _stopped(store, name)
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
        files = {name: (await _stopped(store, name)).file for name in ("alice", "bob")}
        told = await _all_told(store)

    assert {key: back["recording"][key] for key in ("state", "status", "recording_id")} == {
        "state": "recording",
        "status": "recording",
        "recording_id": recording_id,
    }
    assert left.reason == "timeout", "alice did not come back, and her gateway is gone"
    for name, sender in zip(("alice", "bob"), senders, strict=True):
        path = storage / files[name].path
        assert await decode_errors(ffmpeg, path) == ""
        sounds = [packet.data for packet in read_packets(path) if packet.kind == "audio"]
        _assert_unbroken([data for data in sounds if data != OPUS_SILENCE], [each.data for each in sender.sent_audio])
    assert target.types() == told


async def _record_alice_with_bob_present(
    room: Meeting, store: EventStore, clip: Clip
) -> tuple[str, tuple[RtpSender, RtpSender]]:
    await room.join("mona", moderates=True)
    await room.join("alice")
    await room.join("bob")
    await room.consent("alice", consent=True, seen_by="mona")
    senders = await room.sender("alice", clip), await room.sender("bob", clip)
    recording_id = await room.start("mona")
    await until_happened(store, ParticipantRecordingStarted, lambda event: event.participant_id == "alice")
    return recording_id, senders


def _assert_unbroken(recorded: list[bytes], sent: list[bytes]) -> None:
    """Assert that what was recorded is one run of what was sent, and not a short one."""
    assert len(recorded) > 100
    starts = [index for index, data in enumerate(sent) if data == recorded[0]]
    assert any(sent[start : start + len(recorded)] == recorded for start in starts)


async def _all_told(store: EventStore) -> Counter[str]:
    """Wait until everything that is to be told was told; return how often each kind should have been."""
    expected = Counter(
        {
            "recording-starting": 1,
            "recording-started": 1,
            "recording-stopped": 1,
            "participant-recording-starting": 2,
            "participant-recording-started": 2,
            "participant-recording-stopping": 2,
            "participant-recording-stopped": 2,
        }
    )
    async with asyncio.timeout(60):
        while sum(isinstance(event, WebhookDelivered) for event in await events_of(store)) < expected.total():  # noqa: ASYNC110
            await asyncio.sleep(0.25)
    return expected


async def _stopped(store: EventStore, name: str) -> ParticipantRecordingStopped:
    return await until_happened(store, ParticipantRecordingStopped, lambda event: event.participant_id == name)


async def _sent(sender: RtpSender, packets: int) -> None:
    while len(sender.sent_audio) < packets:  # noqa: ASYNC110  the sender sends in real time
        await asyncio.sleep(0.01)


@asynccontextmanager
async def _store(database_url: str) -> AsyncIterator[EventStore]:
    pool = await asyncpg.create_pool(database_url, min_size=1, max_size=2)
    try:
        yield PostgresEventStore(pool)
    finally:
        await pool.close()
