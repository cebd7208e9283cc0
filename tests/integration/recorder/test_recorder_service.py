"""The recorder as it runs, on a real log and a real broker: what servers ask of it, from the command to the file."""

from __future__ import annotations

import pytest

from shared.concurrency.clock import utc_now
from shared.contracts.participant_recording import (
    DeleteParticipantRecording,
    ParticipantRecordingDeleted,
    ParticipantRecordingErased,
    ParticipantRecordingFailed,
    ParticipantRecordingStarted,
    ParticipantRecordingStopped,
    PauseParticipantRecording,
    ResumeParticipantRecording,
    StopParticipantRecording,
    TrackFileFinished,
    TrackRecordingStopped,
)
from shared.contracts.reply import Accepted
from shared.messaging.asking import CommandRefusedError
from tests.integration.recorder.house import ANN, House
from tests.integration.recorder.talking import among, talking


async def test_a_recording_is_started_paused_resumed_stopped_and_deleted_by_a_server(house: House) -> None:
    await house.session()
    await house.joins()
    async with house.recorder():
        opened = await house.opens_source()
        await house.starts(storage_prefix="team")
        await house.until(ParticipantRecordingStarted)
        with talking(opened) as ann:
            before = await ann.both()
            await house.changes(PauseParticipantRecording)
            meanwhile = await ann.both()
            await house.changes(ResumeParticipantRecording)
            after = await ann.both()
            end = await house.changes(StopParticipantRecording)
            too_late = await ann.both()
        stopped = await house.until(ParticipantRecordingStopped)
        packets = await house.packets(stopped.file.path)
        assert [all(among(packets, sent)) for sent in (*before, *after)] == [True] * 4
        assert [any(among(packets, sent)) for sent in (*meanwhile, *too_late)] == [False] * 4
        assert stopped.at == end
        assert stopped.file.path.startswith("team/s/ann/participant_recording_ann_")
        delete = DeleteParticipantRecording(at=utc_now(), **ANN, participant_recording_id="own", deleted_by="key")
        await house.asks(delete, Accepted)
        await house.until(ParticipantRecordingErased)
        assert not (house.settings.storage_root / stopped.file.path).exists()


async def test_a_track_that_was_waited_for_is_recorded_when_its_participant_comes(house: House) -> None:
    await house.session()
    async with house.recorder():
        await house.starts(present=False, kind="audio")
        await house.joins()
        opened = await house.opens_source()
        await house.until(ParticipantRecordingStarted)
        with talking(opened) as ann:
            sounds, pictures = await ann.both()
        await house.changes(StopParticipantRecording, kind="audio")
        await house.until(TrackRecordingStopped)
        (finished,) = await house.told(TrackFileFinished)
        packets = await house.packets(finished.file.path)
    assert all(among(packets, sounds))
    assert not any(among(packets, pictures))


async def test_whoever_does_not_come_in_the_time_that_is_set_is_not_recorded(house: House) -> None:
    await house.session()
    async with house.recorder():
        await house.starts(present=False)
        failed = await house.until(ParticipantRecordingFailed)
    assert failed.reason == "participant did not come"


async def test_what_the_recorder_decides_against_is_refused_with_its_code(house: House) -> None:
    await house.session()
    async with house.recorder():
        with pytest.raises(CommandRefusedError) as refused:
            await house.starts(consents=False)
        assert refused.value.code == "consent_required"
        with pytest.raises(CommandRefusedError) as nothing:
            await house.changes(StopParticipantRecording)
        assert nothing.value.code == "not_recording"


async def test_what_was_deleted_when_no_recorder_ran_is_erased_by_the_next(house: House) -> None:
    await house.session()
    await house.joins()
    async with house.recorder():
        await house.starts()
        await house.until(ParticipantRecordingStarted)
    (stopped,) = await house.told(ParticipantRecordingStopped)
    assert (house.settings.storage_root / stopped.file.path).exists()
    deleted = ParticipantRecordingDeleted(
        at=utc_now(), **ANN, participant_recording_id="own", deleted_by="key", paths=(stopped.file.path,)
    )
    await house.happens(deleted)
    async with house.recorder():
        await house.until(ParticipantRecordingErased)
    assert not (house.settings.storage_root / stopped.file.path).exists()
