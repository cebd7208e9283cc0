"""While a service is slow or away, nobody's word waits behind somebody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

import services.consent.bootstrap
import services.gateway.bootstrap
import services.relay.bootstrap
from services.gateway.settings import GatewaySettings
from shared.contracts.consent import ConsentWithdrawn
from shared.eventsourcing.store import EventStore
from shared.runtime.infrastructure import Infrastructure, open_infrastructure
from shared.runtime.tokens import Tokens
from tests.support.meeting import Meeting, meeting, until_happened

#: A room, and the log behind it.
Room = tuple[Meeting, EventStore]


@pytest.fixture
async def without_recorder(database_url: str, amqp_url: str, tmp_path: Path) -> AsyncIterator[Room]:
    """Gateway, consent and relay; nobody answers what is asked of the recorder."""
    settings = GatewaySettings(
        database_url=database_url, amqp_url=amqp_url, data_dir=tmp_path, http_port=0, command_timeout=3
    )
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


async def test_a_withdrawal_is_heard_at_once_while_a_start_waits_for_the_recorder(
    without_recorder: Room,
) -> None:
    room, store = without_recorder
    await room.consent("mona", consent=True, seen_by="alice")
    await room.clients["mona"].send("recording", action="start")
    said_at = datetime.now(UTC)
    await room.consent("mona", consent=False, seen_by="alice")
    withdrawn = await until_happened(store, ConsentWithdrawn)
    assert (withdrawn.at - said_at).total_seconds() < 1


async def test_a_start_that_nobody_answers_is_told_to_the_moderator_and_changes_nothing(
    without_recorder: Room,
) -> None:
    room, store = without_recorder
    mona = room.clients["mona"]
    await mona.send("recording", action="start")
    await mona.wait_for("recording", "error", where=lambda told: told["error"] == "internal")
    assert not [stored for stored in await store.read_all() if stored.type.startswith("recording.")]
    await mona.send("echo", action="ping")
    await asyncio.wait_for(mona.wait_until(lambda received: ("echo", {"action": "ping"}) in received), 5)
