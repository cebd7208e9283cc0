"""Deleted recordings: their files go, whatever breaks down, and then the log says so once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.eraser import LETS_GO_WITHIN, Eraser
from services.recorder.handlers import ParticipantRecordingStreams
from services.recorder.merging.streams import MergeStreams
from services.recorder.process_managers.erasures import ERASURES, Deleted
from shared.contracts.merge import MergeErased
from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingErased
from shared.eventsourcing import process_manager as runner
from shared.eventsourcing.codec import Context, decode, encode
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.process_manager import ProcessManager
from tests.support import merges
from tests.support.events import append, as_stored
from tests.support.eventually import eventually
from tests.support.moments import at
from tests.support.participant_recordings import FILE, requested, started, stop_requested, stopped
from tests.support.server_recordings import delete, deleted, discard, track_stopped, wanted
from tests.support.unreliable_log import UnreliableEventStore

STREAM = stopped().stream
FINISHED = (requested(), started(), stop_requested(), stopped())
STEM = f"participant_recording_ann_{int(started().at.timestamp() * 1000)}"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try often what did not succeed."""
    monkeypatch.setattr(runner, "_TICK_SECONDS", 0.02)


@dataclass(slots=True)
class Writer:
    """A worker that may still write, and its process's clock."""

    worker_id: str = "here"
    writes: bool = False
    now: datetime = field(default_factory=at)

    def is_writing(self, participant_recording_id: str) -> bool:
        return self.writes and participant_recording_id == "a"


@dataclass(frozen=True, slots=True)
class Recorder:
    """Who erases, as far as that goes."""

    eraser: Eraser
    erasures: ProcessManager[Deleted, Deleted]

    def hears(self, stored: StoredEvent) -> None:
        self.erasures.apply(decode(stored), stored)


@dataclass(slots=True)
class House:
    """A log with a finished recording, and the store with its file."""

    log: UnreliableEventStore
    store: LocalObjectStore

    @property
    def streams(self) -> ParticipantRecordingStreams:
        return ParticipantRecordingStreams(self.log)

    @asynccontextmanager
    async def recorder(self, writer: Writer | None = None) -> AsyncIterator[Recorder]:
        """Start one more, which knows what is in the log."""
        writer = writer or Writer()
        eraser = Eraser(self.streams, MergeStreams(self.log), self.store, writer, lambda: writer.now)
        one = Recorder(eraser, ProcessManager(ERASURES, eraser.erase, "service:recorder", lambda: writer.now))
        for stored in await self.log.read(STREAM):
            one.hears(stored)
        running = asyncio.ensure_future(one.erasures.run())
        try:
            yield one
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def deletes(self) -> StoredEvent:
        await self.streams.give(delete(), Context.begin("server:key"))
        return (await self.log.read(STREAM))[-1]

    async def told(self) -> list[Event]:
        return [decode(stored) for stored in await self.log.read(STREAM)]

    async def until_erased(self) -> None:
        async def is_told() -> bool:
            return any(isinstance(event, ParticipantRecordingErased) for event in await self.told())

        await eventually(is_told)

    @property
    def file(self) -> Path:
        return self.store.path(FILE.path)


@pytest.fixture
async def house(tmp_path: Path) -> House:
    house = House(UnreliableEventStore(), LocalObjectStore(tmp_path))
    await append(house.log, STREAM, [encode(event, Context.begin("service:test")) for event in FINISHED])
    house.file.write_bytes(b"recorded")
    return house


async def test_the_files_of_a_deleted_recording_are_erased_and_then_the_log_says_so(house: House) -> None:
    async with house.recorder() as recorder:
        recorder.hears(await house.deletes())
        await house.until_erased()
    assert not house.file.exists()


async def test_what_a_fault_left_beside_them_goes_too_and_nothing_of_others(house: House) -> None:
    """Seen to fail with those files alone erased that the log names."""
    left = [
        house.file.with_name(f"{STEM}{ending}")
        for ending in (".webm", ".webm.part", ".segment-1.webm", ".timeline.json")
    ]
    other = house.file.with_name(f"{STEM}9.segment-1.webm")
    for path in (*left, other):
        path.touch()
    async with house.recorder() as recorder:
        recorder.hears(await house.deletes())
        await house.until_erased()
    assert list(house.file.parent.iterdir()) == [other]


async def test_the_files_of_a_track_that_broke_off_go_though_the_log_names_none(house: House) -> None:
    """Seen to fail with those files alone erased that the log names."""
    track = [event.model_copy(update={"kind": "audio"}) for event in (wanted(), started(), track_stopped())]
    await append(house.log, track[0].stream, [encode(event, Context.begin("service:test")) for event in track])
    name = f"team/s/ann/audio/track_recording_ann_audio_{int(track[1].at.timestamp() * 1000) + 700}.segment-1.webm"
    segment = house.store.path(name)
    segment.touch()
    async with house.recorder() as recorder:
        await house.streams.give(delete().model_copy(update={"kind": "audio"}), Context.begin("server:key"))
        recorder.hears((await house.log.read(track[0].stream))[-1])
        await eventually(lambda: not segment.exists())


async def test_that_a_store_which_is_not_there_has_no_file_does_not_make_it_erased(house: House) -> None:
    """Seen to fail with a folder that is missing taken for an empty one."""
    there, away = house.file.parent, house.file.parent.with_name("away")
    async with house.recorder() as recorder:
        recorder.eraser._store = tried = Attempts(house.store)
        there.rename(away)
        recorder.hears(await house.deletes())
        await eventually(lambda: tried.made >= 2)
        assert not any(isinstance(event, ParticipantRecordingErased) for event in await house.told())
        away.rename(there)
        await house.until_erased()
    assert not house.file.exists()


async def test_that_they_are_erased_comes_of_their_deletion(house: House) -> None:
    async with house.recorder() as recorder:
        deletion = await house.deletes()
        recorder.hears(deletion)
        await house.until_erased()
    erasure = (await house.log.read(STREAM))[-1]
    assert (erasure.causation_id, erasure.correlation_id) == (deletion.id, deletion.correlation_id)
    assert erasure.actor == "service:recorder"


async def test_nobody_waits_for_the_time_to_come(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_TICK_SECONDS", 600)
    async with house.recorder() as recorder:
        await asyncio.sleep(0)
        recorder.hears(await house.deletes())
        await house.until_erased()


async def test_what_is_not_deleted_stays(house: House) -> None:
    async with house.recorder() as recorder:
        recorder.hears(as_stored(stopped()))
        recorder.hears(as_stored(deleted("another.webm", one="b")))
        await eventually(lambda: not house.store.path("another.webm").exists())
    assert house.file.exists()


async def test_one_that_was_deleted_before_a_crash_is_erased_by_the_next_recorder(house: House) -> None:
    await house.deletes()
    async with house.recorder():
        await house.until_erased()
    assert not house.file.exists()


async def test_one_whose_files_went_before_a_crash_is_told_of_all_the_same(house: House) -> None:
    await house.deletes()
    house.file.unlink()
    async with house.recorder():
        await house.until_erased()


async def test_two_recorders_say_it_once(house: House) -> None:
    event = await house.deletes()
    async with house.recorder() as one, house.recorder() as other:
        one.hears(event)
        other.hears(event)
        await house.until_erased()
        await eventually(lambda: not house.file.exists())
    assert sum(isinstance(event, ParticipantRecordingErased) for event in await house.told()) == 1


async def test_a_log_that_does_not_answer_is_told_later(house: House) -> None:
    event = await house.deletes()
    house.log.refusals = 2
    async with house.recorder() as recorder:
        recorder.hears(event)
        await house.until_erased()
    assert house.log.refusals == 0


async def test_what_cannot_be_erased_yet_is_not_said_to_be_and_is_tried_again(house: House) -> None:
    house.file.unlink()
    house.file.mkdir()
    (house.file / "in the way").touch()
    async with house.recorder() as recorder:
        tried = Attempts(house.store)
        recorder.eraser._store = tried
        recorder.hears(await house.deletes())
        await eventually(lambda: tried.made >= 2)
        assert not any(isinstance(event, ParticipantRecordingErased) for event in await house.told())
        (house.file / "in the way").unlink()
        house.file.rmdir()
        house.file.write_bytes(b"recorded")
        await house.until_erased()
    assert not house.file.exists()


# --- what a worker may still write


@pytest.fixture
async def running(tmp_path: Path) -> House:
    """A house whose worker, `worker`, writes a recording that is thrown away at second 4."""
    house = House(UnreliableEventStore(), LocalObjectStore(tmp_path))
    await append(house.log, STREAM, [encode(event, Context.begin("service:test")) for event in FINISHED[:2]])
    house.store.path(f"s/ann/{STEM}.segment-1.webm").write_bytes(b"so far")
    await house.streams.give(discard(4), Context.begin("server:key"))
    return house


async def test_the_worker_that_writes_lets_go_first(running: House) -> None:
    writer = Writer("worker", writes=True, now=at(500))
    async with running.recorder(writer) as recorder:
        await recorder.erasures.give_due()
        assert not await erased_by_now(running)
        writer.writes = False
        await running.until_erased()
    assert list(running.file.parent.iterdir()) == []


async def test_others_wait_until_it_must_be_dead(running: House) -> None:
    writer = Writer(writes=False, now=at(4) + LETS_GO_WITHIN - timedelta(milliseconds=1))
    async with running.recorder(writer) as recorder:
        await recorder.erasures.give_due()
        assert not await erased_by_now(running)
        writer.now = at(4) + LETS_GO_WITHIN
        await running.until_erased()
    assert list(running.file.parent.iterdir()) == []


async def erased_by_now(house: House) -> bool:
    """Tell whether the log says so, or the files are gone."""
    told = any(isinstance(event, ParticipantRecordingErased) for event in await house.told())
    return told or not list(house.file.parent.iterdir())


# --- merges


async def test_the_file_of_a_deleted_merge_is_erased_and_then_the_log_says_so(house: House) -> None:
    events = (merges.requested(), merges.claimed(), merges.completed(), merges.deleted())
    stream = merges.requested().stream
    await append(house.log, stream, [encode(event, Context.begin("service:test")) for event in events])
    path = house.store.path(merges.FILE.path)
    path.write_bytes(b"merged")
    async with house.recorder() as recorder:
        recorder.hears((await house.log.read(stream))[-1])

        async def is_told() -> bool:
            return (await house.log.read(stream))[-1].type == MergeErased.type

        await eventually(is_told)
    assert not path.exists()


class Attempts(LocalObjectStore):
    """Counts how often it is asked to delete."""

    def __init__(self, store: LocalObjectStore) -> None:
        super().__init__(store._root)
        self.made = 0

    def sweep(self, folder: str, is_meant: Callable[[str], bool]) -> None:
        self.made += 1
        super().sweep(folder, is_meant)
