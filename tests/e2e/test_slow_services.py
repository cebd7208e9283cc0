"""While no recorder is there, what people say is in the log, and waits for nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

import services.consent.bootstrap
import services.gateway.bootstrap
import services.relay.bootstrap
from services.gateway.projections.roster import target_id
from services.gateway.settings import GatewaySettings
from shared.contracts.consent import ConsentWithdrawn
from shared.contracts.recording import RecordingFailed, RecordingRequested, RecordingStopped
from shared.eventsourcing.store import EventStore
from shared.runtime.infrastructure import Infrastructure, open_infrastructure
from shared.runtime.tokens import Tokens
from tests.support.meeting import Meeting, meeting, until_happened

#: A room, and the log behind it.
Room = tuple[Meeting, EventStore]


@pytest.fixture
async def without_recorder(database_url: str, amqp_url: str, tmp_path: Path) -> AsyncIterator[Room]:
    """Gateway, consent and relay."""
    settings = GatewaySettings(database_url=database_url, amqp_url=amqp_url, data_dir=tmp_path, http_port=0)
    migrations = (services.gateway.bootstrap.MIGRATIONS, services.relay.bootstrap.MIGRATIONS)
    async with AsyncExitStack() as stack:
        infrastructure: Infrastructure = await stack.enter_async_context(open_infrastructure(settings, *migrations))
        await stack.enter_async_context(services.relay.bootstrap.running(infrastructure))
        await stack.enter_async_context(services.consent.bootstrap.running(infrastructure))
        port = await stack.enter_async_context(services.gateway.bootstrap.running(infrastructure, settings))
        async with in_room(f"http://127.0.0.1:{port}", Tokens(infrastructure.credentials)) as room:
            yield room, infrastructure.store


@asynccontextmanager
async def in_room(base_url: str, tokens: Tokens) -> AsyncIterator[Meeting]:
    async with meeting(base_url, tokens) as room:
        await room.create_room()
        await room.join("mona", moderates=True)
        await room.join("alice")
        yield room


async def test_without_a_recorder_a_start_is_in_the_log_at_once_and_ends_by_itself(without_recorder: Room) -> None:
    room, store = without_recorder
    await room.clients["mona"].send("recording", action="start")
    requested = await until_happened(store, RecordingRequested)
    failed = await until_happened(store, RecordingFailed)
    assert failed.recording_id == requested.recording_id
    assert (failed.at - requested.at).total_seconds() >= 5
    await room.clients["mona"].send("recording", action="start")
    await until_happened(store, RecordingRequested, where=lambda event: event.recording_id != requested.recording_id)


async def test_a_stop_does_not_wait_for_a_recorder(without_recorder: Room) -> None:
    room, store = without_recorder
    mona, targets = room.clients["mona"], {"target_ids": [target_id(room.room_id)]}
    await mona.send("recording", action="start_stream", **targets)
    await mona.send("recording", action="stop_stream", **targets)
    await mona.wait_for("recording", "stream_updated", where=lambda told: told["status"] == "inactive")
    stopped = await until_happened(store, RecordingStopped)
    assert (stopped.reason, stopped.requested_by) == ("requested", "mona")


async def test_a_withdrawal_is_heard_while_a_start_waits_for_a_recorder(without_recorder: Room) -> None:
    room, store = without_recorder
    await room.consent("mona", consent=True, seen_by="alice")
    await room.clients["mona"].send("recording", action="start")
    await room.consent("mona", consent=False, seen_by="alice")
    await until_happened(store, ConsentWithdrawn)
