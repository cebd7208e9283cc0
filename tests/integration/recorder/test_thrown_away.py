"""A worker whose recordings are thrown away: it lets go of them at once, and leaves nothing of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from services.recorder.workbench import Workbench
from shared.contracts.message import Event
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    RecordedFile,
)
from shared.contracts.recording import RecordingStopped
from tests.integration.recorder.asking import Asked, stored
from tests.integration.recorder.talking import talking
from tests.support.eventually import eventually
from tests.support.studio import Studio, now, studio


@pytest.fixture
async def room(ffmpeg: Path, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio(tmp_path, ffmpeg) as one:
        one.arrives("ann")
        yield one


class Finishing:
    """Takes for ever to put a file in place."""

    def __init__(self) -> None:
        self.begun = False

    async def hangs(self, *_: object) -> RecordedFile:
        self.begun = True
        await asyncio.Event().wait()
        raise AssertionError("it never ends")


def steps(events: Iterable[Event]) -> list[str]:
    return [event.type.split(".")[1] for event in events]


async def test_what_runs_ends_at_once_and_others_go_on(room: Studio) -> None:
    opened, both, audio = await room.opens_source("ann"), Asked(room), Asked(room, kind="audio")
    await both.starts()
    await audio.starts()
    with talking(opened) as ann:
        await ann.both()
        await eventually(lambda: "audio" in folders(room))
        deleted = await both.discards()
        assert deleted.written_by == room.worker.worker_id
        await eventually(lambda: not room.worker.is_writing(both.one))
        assert folders(room) == ["audio"]
        sounds = await ann.sounds()
    await audio.stops()
    assert {packet.data for packet in await audio.finished()} >= set(sounds)
    assert steps(await both.told()) == ["requested", "started", "deleted"]


def folders(room: Studio) -> list[str]:
    return [Path(path).parent.name for path in stored(room.root)]


async def test_of_a_track_go_finished_files_and_the_one_that_is_being_written(room: Studio) -> None:
    """Seen to fail with a discard that takes no file of a track away."""
    opened, audio = await room.opens_source("ann"), Asked(room, kind="audio")
    await audio.starts()
    with talking(opened) as ann:
        await ann.sounds()
        await audio.pauses()
        await ann.sounds(3)
        await audio.resumes()
        await ann.sounds(60)
        await eventually(lambda: len(stored(room.root)) > 0)
        await audio.discards()
        await eventually(lambda: not room.worker.is_writing(audio.one))
    assert stored(room.root) == {}


async def test_another_one_begins_when_the_worker_has_let_go(room: Studio) -> None:
    asked = Asked(room)
    await asked.starts()
    await asked.discards()
    await asked.starts()
    await asked.stops()
    await asked.finished()
    assert room.files() == ["ann/timeline.json", "ann/webm"]


async def test_what_is_being_finished_ends_as_well(room: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    finishing = Finishing()
    monkeypatch.setattr(Workbench, "put_in_place", finishing.hangs)
    asked = Asked(room)
    await asked.starts()
    await asked.stops()
    await eventually(lambda: finishing.begun)
    await asked.discards()
    await eventually(lambda: not room.worker.is_writing(asked.one))
    assert stored(room.root) == {}
    assert steps(await asked.told()) == ["requested", "started", "stop-requested", "deleted"]


async def test_a_worker_that_hears_of_it_too_late_takes_its_file_away_again(room: Studio) -> None:
    """Seen to fail: the file stayed for good, though the log said that it was erased."""
    await room.records("ann")
    asked = Asked(room)
    await asked.discards(heard=False)
    room.stops_recording()
    await room.idle()
    assert room.files() == []
    assert steps(await room.happened("ann")) == ["requested", "started", "deleted"]


async def test_a_room_recording_that_is_thrown_away_is_not_finished_though_nobody_has_told_its_files(
    room: Studio,
) -> None:
    """Seen to fail: the file was finished, and the log said so."""
    await room.records("ann")
    discarded = RecordingStopped(
        at=now(), room_id="r", session_id="s", recording_id="rec1", reason="requested", discarded=True
    )
    room.worker.apply(discarded)
    await room.idle()
    assert room.files() == []
    assert steps(await room.happened("ann")) == ["requested", "started"]


async def test_a_file_of_it_that_is_assigned_later_is_not_begun(room: Studio) -> None:
    requested = await room.requests("ann")
    room.worker.apply(
        RecordingStopped(at=now(), room_id="r", session_id="s", recording_id="rec1", reason="requested", discarded=True)
    )
    room.takes(requested)
    await room.idle()
    assert stored(room.root) == {}
    assert steps(await room.happened("ann")) == ["requested"]


async def test_a_deletion_of_an_older_one_does_not_end_the_one_that_runs(room: Studio) -> None:
    asked = Asked(room)
    await asked.starts()
    await asked.stops()
    await asked.until(ParticipantRecordingStopped)
    await room.idle()
    older = asked.one
    await asked.starts()
    about = {"room_id": "r", "session_id": "s", "participant_id": "ann", "participant_recording_id": older}
    room.worker.apply(ParticipantRecordingDeleted(at=now(), **about, deleted_by="key", paths=()))
    assert room.worker.is_writing(asked.one)
    await asked.stops()
    await asked.finished()
    assert (await asked.until(ParticipantRecordingStarted)).participant_recording_id == asked.one
