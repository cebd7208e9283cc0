"""Merges as they are asked of the recorder as it runs, on a real log and a real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import services.recorder.bootstrap
import services.relay.bootstrap
from services.recorder.settings import RecorderSettings
from shared.concurrency.clock import utc_now
from shared.contracts.merge import (
    CancelMerge,
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergeInput,
    StartMerge,
    merge_set,
    merge_stream,
)
from shared.contracts.message import Event
from shared.contracts.reply import Accepted
from shared.eventsourcing.codec import Context, decode
from shared.messaging.asking import CommandRefusedError, Owners
from shared.runtime.infrastructure import Infrastructure, open_infrastructure
from tests.support.eventually import eventually
from tests.support.merge_studio import Film, MergeStudio, left, right
from tests.support.merging import Workshop


@dataclass(frozen=True, slots=True)
class House:
    """A relay that runs, recordings, and a server that asks."""

    infrastructure: Infrastructure
    settings: RecorderSettings
    studio: MergeStudio

    @asynccontextmanager
    async def recorder(self) -> AsyncIterator[None]:
        """Run one, with connections of its own."""
        async with (
            open_infrastructure(self.settings, services.relay.bootstrap.MIGRATIONS) as infrastructure,
            services.recorder.bootstrap.running(infrastructure, self.settings),
        ):
            yield

    async def asks(self, merge_id: str, *inputs: MergeInput) -> None:
        await self._ask(
            StartMerge(at=utc_now(), room_id="r", session_id="s", merge_id=merge_id, layout="stereo", inputs=inputs)
        )

    async def cancels(self, merge_id: str, *inputs: MergeInput) -> None:
        set_id = merge_set("stereo", inputs)
        await self._ask(CancelMerge(at=utc_now(), merge_id=merge_id, set_id=set_id, cancelled_by="server:key"))

    async def _ask(self, command: StartMerge | CancelMerge) -> None:
        owners = Owners(self.infrastructure.bus, 10)
        assert await owners.ask(command, Context.begin("server:key"), Accepted) == Accepted()

    async def told(self, kind: type[Event], *inputs: MergeInput) -> list[Event]:
        stored = await self.infrastructure.store.read(merge_stream(merge_set("stereo", inputs)))
        return [event for event in map(decode, stored) if isinstance(event, kind)]

    async def until(self, kind: type[Event], *inputs: MergeInput) -> None:
        async def is_told() -> bool:
            return bool(await self.told(kind, *inputs))

        await eventually(is_told, within=40)


@pytest.fixture
async def house(database_url: str, amqp_url: str, tmp_path: Path, ffmpeg: Path) -> AsyncIterator[House]:
    settings = RecorderSettings(database_url=database_url, amqp_url=amqp_url, data_dir=tmp_path)
    async with (
        open_infrastructure(settings, services.relay.bootstrap.MIGRATIONS) as infrastructure,
        services.relay.bootstrap.running(infrastructure),
    ):
        studio = MergeStudio(settings.storage_root, ffmpeg, Workshop(infrastructure.store))
        yield House(infrastructure, settings, studio)


async def test_a_merge_that_a_server_asks_for_is_made_by_one_of_two_recorders(house: House) -> None:
    ann = left(await house.studio.has_recorded("ann", 0, Film(seconds=1)))
    bob = right(await house.studio.has_recorded("bob", 0.5, Film(seconds=1)))
    async with house.recorder(), house.recorder():
        await house.asks("m", ann, bob)
        await house.until(MergeCompleted, ann, bob)
    assert len(await house.told(MergeClaimed, ann, bob)) == 1
    assert house.studio.merged_files() == ["merge_recording_m.mp3"]


async def test_the_same_merge_is_refused_while_it_runs_and_may_be_asked_for_again_when_it_is_cancelled(
    house: House,
) -> None:
    ann = await house.studio.records("ann", 0)
    async with house.recorder():
        await house.asks("m", ann)
        with pytest.raises(CommandRefusedError) as refused:
            await house.asks("again", ann)
        assert refused.value.code == "already_merging"
        await house.cancels("m", ann)
        assert len(await house.told(MergeCancelled, ann)) == 1
        with pytest.raises(CommandRefusedError) as refused:
            await house.cancels("m", ann)
        assert refused.value.code == "merge_not_running"
        await house.asks("again", ann)
        await house.studio.finishes(ann, 0, Film(seconds=1))
        await house.until(MergeCompleted, ann)
    assert house.studio.merged_files() == ["merge_recording_again.mp3"]
