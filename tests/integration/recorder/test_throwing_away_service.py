"""The recorder as it runs, on a real log and broker: what is thrown away is gone, whoever is killed meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.recorder import eraser
from services.recorder.handlers import ParticipantRecordingStreams
from shared.concurrency.clock import utc_now
from shared.contracts.consent import ConsentGiven, ConsentWithdrawn
from shared.contracts.merge import MergeCompleted, MergeDeleted, MergeErased, MergeInput, StartMerge
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    StopParticipantRecording,
    TrackFileFinished,
    TrackRecordingStopped,
)
from shared.contracts.reply import Accepted
from shared.contracts.room import SessionEnded
from shared.eventsourcing.codec import Context
from shared.messaging.asking import CommandRefusedError
from tests.integration.recorder.house import ANN, SESSION, House
from tests.integration.recorder.talking import talking
from tests.support.eventually import eventually


def stored(house: House) -> list[Path]:
    return [path for path in house.settings.storage_root.rglob("*") if path.is_file()]


async def test_a_discarded_recording_is_ended_and_erased_and_asked_again_nothing_is_written(house: House) -> None:
    await house.session()
    await house.joins()
    async with house.recorder():
        opened = await house.opens_source()
        await house.starts(storage_prefix="team")
        await house.until(ParticipantRecordingStarted)
        with talking(opened) as ann:
            await ann.both()
            assert stored(house)
            await house.changes(StopParticipantRecording, discarded_by="server:key")
        await house.until_told(ParticipantRecordingErased, 1)
        assert stored(house) == []
        await house.changes(StopParticipantRecording, discarded_by="server:key")
        (deleted,) = await house.told(ParticipantRecordingDeleted)
        assert (deleted.deleted_by, deleted.reason) == ("server:key", "discarded")
        assert await house.told(ParticipantRecordingStopped) == []
        with pytest.raises(CommandRefusedError) as refused:
            await house.changes(StopParticipantRecording)
        assert refused.value.code == "not_recording"


async def test_a_withdrawal_erases_what_runs_and_what_is_finished_of_all_kinds_and_a_new_one_may_begin(
    house: House,
) -> None:
    await house.session("erase")
    await house.joins()
    async with house.recorder():
        opened = await house.opens_source()
        with talking(opened) as ann:
            await house.starts("finished")
            await house.starts("track", kind="audio")
            await ann.both()
            await house.changes(StopParticipantRecording)
            await house.until(ParticipantRecordingStopped)
            await house.changes(StopParticipantRecording, kind="audio")
            await house.until(TrackRecordingStopped)
            assert await house.told(TrackFileFinished)
            await house.starts("running")
            await ann.both()
            assert len(stored(house)) == 4, "two files, a segment, and a timeline"
            await house.happens(ConsentWithdrawn(at=utc_now(), **ANN))
            await house.until_told(ParticipantRecordingErased, 3)
            assert stored(house) == []
            gone = await house.told(ParticipantRecordingDeleted)
            assert {(each.reason, each.deleted_by) for each in gone} == {("withdrawn", "participant:ann")}
            assert {each.participant_recording_id for each in gone} == {"finished", "track", "running"}
            await house.happens(ConsentGiven(at=utc_now(), **ANN))
            await house.starts("again")
            await ann.both()
            await house.changes(StopParticipantRecording)
            await house.until_told(ParticipantRecordingStopped, 2)
    assert len(stored(house)) == 2, "a file and its timeline"
    assert len(await house.told(ParticipantRecordingDeleted)) == 3


async def test_where_recordings_are_kept_a_withdrawal_leaves_them(house: House) -> None:
    await house.session("keep")
    await house.joins()
    async with house.recorder():
        await house.starts()
        await house.until(ParticipantRecordingStarted)
        await house.happens(ConsentWithdrawn(at=utc_now(), **ANN))
        await house.changes(StopParticipantRecording)
        await house.until(ParticipantRecordingStopped)
    assert len(stored(house)) == 2, "a file and its timeline"
    assert await house.told(ParticipantRecordingDeleted) == []


async def test_a_withdrawal_that_comes_after_the_session_erases_the_merges_too(house: House) -> None:
    before = utc_now()
    await house.session("erase")
    await house.joins()
    async with house.recorder():
        opened = await house.opens_source()
        await house.starts()
        with talking(opened) as ann:
            await ann.sounds(60)
        await house.changes(StopParticipantRecording)
        await house.until(ParticipantRecordingStopped)
        inputs = (MergeInput(participant_id="ann", participant_recording_id="own"),)
        merge = StartMerge(at=utc_now(), **SESSION, merge_id="m", layout="stereo", inputs=inputs)
        await house.asks(merge, Accepted)
        completed = await house.until(MergeCompleted)
        await house.happens(SessionEnded(at=utc_now(), **SESSION))
        assert len(stored(house)) == 3, "a file, its timeline, and a merge"
        await house.happens(ConsentWithdrawn(at=before, **ANN))
        await house.until_told(ParticipantRecordingErased, 1)
        await house.until(MergeErased)
    assert stored(house) == []
    (deleted,) = await house.told(MergeDeleted)
    assert (deleted.path, deleted.reason, deleted.deleted_by) == (completed.file.path, "withdrawn", "participant:ann")


async def test_one_that_was_thrown_away_before_its_recorder_was_killed_is_erased_by_the_next(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store hangs elsewhere when it is decided, so that nothing of it can be erased before the kill."""
    monkeypatch.setattr(eraser, "LETS_GO_WITHIN", eraser.LETS_GO_WITHIN / 30)
    await house.session()
    await house.joins()
    async with house.recorder_process():
        await house.starts()
        await house.until(ParticipantRecordingStarted)
        await eventually(lambda: bool(stored(house)))
        (folder,) = {path.parent for path in stored(house)}
        away = folder.rename(folder.with_name("away"))
        discard = StopParticipantRecording(at=utc_now(), **ANN, discarded_by="server:key")
        await ParticipantRecordingStreams(house.infrastructure.store).give(discard, Context.begin("server:key"))
        await eventually(lambda: "not erased" in (tmp_path / "recorder.log").read_text(), within=20)
    away.rename(folder)
    assert stored(house)
    assert await house.told(ParticipantRecordingErased) == []
    async with house.recorder():
        await house.until_told(ParticipantRecordingErased, 1)
    assert stored(house) == []
    (deleted,) = await house.told(ParticipantRecordingDeleted)
    assert deleted.written_by
