"""Whatever befalls those who make a merge, there is one whole file in the end, or none and a reason."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from services.recorder.media.ffmpeg_errors import FfmpegStalledError
from services.recorder.merging import ffmpeg as ffmpeg_module
from services.recorder.merging import job as job_module
from services.recorder.merging import merger as merger_module
from services.recorder.merging.ffmpeg import run_merge
from shared.concurrency.clock import utc_now
from shared.contracts.merge import (
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergeFailed,
    MergeInput,
    MergeProgressed,
)
from shared.eventsourcing.postgres import PostgresEventStore
from tests.support.eventually import eventually
from tests.support.merge_studio import Film, MergeStudio, beeps, left, right
from tests.support.merges import cancel
from tests.support.merging import Workshop
from tests.support.stand_in import program

#: Long enough for ffmpeg to be in the middle of it when something happens.
_LONG = 300


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often for what time makes due, and say often that one lives."""
    monkeypatch.setattr(merger_module, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(job_module, "_RENEW_SECONDS", 0.1)


@pytest.fixture
def studio(ffmpeg: Path, tmp_path: Path) -> MergeStudio:
    return MergeStudio(tmp_path, ffmpeg, Workshop())


async def long_merge(studio: MergeStudio) -> tuple[MergeInput, MergeInput]:
    """Ask for a merge of two who were there one long after the other."""
    ann = left(await studio.has_recorded("ann", 0, Film(seconds=1, beep=0.5)))
    bob = right(await studio.has_recorded("bob", _LONG, Film(seconds=1, beep=0.5)))
    await studio.asks("stereo", ann, bob)
    return ann, bob


def being_written(root: Path) -> list[int]:
    """Return the processes that write a merge of this store."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _writes(entry, root)]


def _writes(process: Path, root: Path) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(word.startswith(f"file:{root}".encode()) and word.endswith(b".part") for word in words)


def written_so_far(root: Path) -> int:
    """Return how many bytes there are of merges that are not whole."""
    return sum(path.stat().st_size for path in root.rglob("*.part"))


async def in_the_middle(studio: MergeStudio) -> None:
    await studio.workshop.when(lambda: written_so_far(studio.root) > 0, within=30)
    assert being_written(studio.root)


async def test_a_worker_that_is_killed_is_replaced_and_the_file_is_whole(
    database_url: str, database: asyncpg.Pool, ffmpeg: Path, tmp_path: Path
) -> None:
    studio = MergeStudio(tmp_path, ffmpeg, Workshop(PostgresEventStore(database), now=utc_now()))
    await long_merge(studio)
    async with another_process(database_url, studio) as process:
        await in_the_middle(studio)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await eventually(lambda: not being_written(tmp_path))
    left_behind = written_so_far(tmp_path)
    studio.workshop.now = utc_now() + timedelta(seconds=15)
    async with studio.recorder("two"):
        (done,) = await studio.workshop.until(MergeCompleted, within=40)
    assert [claim.worker_id for claim in await studio.workshop.told(MergeClaimed)] == ["killed", "two"]
    assert studio.merged_files() == ["merge_recording_m.mp3"]
    data = (tmp_path / done.file.path).read_bytes()
    assert done.file.sha256 == hashlib.sha256(data).hexdigest()
    assert done.file.duration_ms == pytest.approx((_LONG + 1) * 1000, abs=30)
    assert left_behind < done.file.size_bytes, "its ffmpeg went on without it"


@asynccontextmanager
async def another_process(url: str, studio: MergeStudio) -> AsyncIterator[asyncio.subprocess.Process]:
    program = ("-m", "tests.support.merge_process", url, str(studio.root), str(studio.ffmpeg), "killed")
    process = await asyncio.create_subprocess_exec(sys.executable, *program, cwd=Path(__file__).parents[3])
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_worker_that_ends_leaves_nothing_and_the_next_one_makes_it(studio: MergeStudio) -> None:
    await long_merge(studio)
    async with studio.recorder("one"):
        await in_the_middle(studio)
    assert being_written(studio.root) == []
    assert studio.merged_files() == []
    assert await studio.workshop.told(MergeFailed) == []
    studio.workshop.passes(15)
    async with studio.recorder("two"):
        await studio.workshop.until(MergeCompleted, within=40)


async def test_a_merge_that_is_cancelled_in_the_middle_leaves_nothing(studio: MergeStudio) -> None:
    ann, bob = await long_merge(studio)
    async with studio.recorder():
        await in_the_middle(studio)
        set_id = (await studio.workshop.told(MergeClaimed))[0].set_id
        await studio.workshop.cancels(cancel().model_copy(update={"set_id": set_id}))
        await studio.workshop.when(lambda: not being_written(studio.root) and not studio.merged_files())
        assert len(await studio.workshop.told(MergeCancelled)) == 1
        await studio.asks("stereo", ann, bob, merge_id="again")
        (done,) = await studio.workshop.until(MergeCompleted, within=40)
    assert (done.merge_id, studio.merged_files()) == ("again", ["merge_recording_again.mp3"])


async def test_of_two_workers_one_makes_it(studio: MergeStudio, ffmpeg: Path) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=1, beep=0.5))
    async with studio.recorder("one"), studio.recorder("two"), studio.recorder("three"):
        await studio.asks("stereo", left(ann))
        (done,) = await studio.workshop.until(MergeCompleted, within=40)
    assert len(await studio.workshop.told(MergeClaimed)) == 1
    assert (await beeps(ffmpeg, studio.root / done.file.path))[0] == pytest.approx([0.5], abs=0.03)
    assert studio.merged_files() == ["merge_recording_m.mp3"]


async def completed_later(studio: MergeStudio) -> bool:
    """Let time pass, so that whoever says that they live says so at another moment."""
    studio.workshop.passes(0.1)
    return bool(await studio.workshop.told(MergeCompleted))


async def test_a_worker_says_that_it_lives_while_it_works(studio: MergeStudio) -> None:
    await long_merge(studio)
    async with studio.recorder():
        await in_the_middle(studio)
        await studio.workshop.when(lambda: completed_later(studio), within=40)
    percents = [word.percent for word in await studio.workshop.told(MergeProgressed)]
    assert percents == sorted(percents)
    assert max(percents) > 0
    assert max(percents) < 100


async def test_a_recording_that_is_deleted_while_it_is_merged_is_in_no_file(studio: MergeStudio) -> None:
    ann, _ = await long_merge(studio)
    async with studio.recorder():
        await in_the_middle(studio)
        await studio.deletes(ann)
        (failed,) = await studio.workshop.until(MergeFailed, within=40)
    assert failed.reason == "recording ann-1 of participant ann was deleted"
    assert studio.merged_files() == []


async def test_an_ffmpeg_that_is_killed_fails_the_merge(studio: MergeStudio) -> None:
    await long_merge(studio)
    async with studio.recorder():
        await in_the_middle(studio)
        for process in being_written(studio.root):
            os.kill(process, signal.SIGKILL)
        (failed,) = await studio.workshop.until(MergeFailed)
    assert failed.reason == "the recorder's ffmpeg failed: ask for the merge again"
    assert studio.merged_files() == []


async def test_a_file_that_is_in_place_already_stays_and_is_what_the_log_says(studio: MergeStudio) -> None:
    """A worker died between putting it there and saying so; or it wakes up when another has made the merge."""
    ann = await studio.has_recorded("ann", 0, Film(seconds=1))
    requested = await studio.asks("stereo", left(ann))
    first = await studio.maker("died").make(requested, print)
    place = studio.root / first.path
    place.write_bytes(place.read_bytes() + b"\0" * 7)
    data = place.read_bytes()
    second = await studio.maker("next").make(requested, print)
    assert place.read_bytes() == data
    assert (second.size_bytes, second.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert studio.merged_files() == ["merge_recording_m.mp3"]


async def test_ffmpeg_gives_way_to_others(studio: MergeStudio) -> None:
    await long_merge(studio)
    async with studio.recorder():
        await in_the_middle(studio)
        assert [os.getpriority(os.PRIO_PROCESS, process) for process in being_written(studio.root)] == [10]


async def test_an_ffmpeg_without_the_encoder_fails_the_merge_and_our_own_log_says_so(studio: MergeStudio) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=1))
    studio.ffmpeg = program(studio.root / "poor", "echo ' A....D aac  AAC'")
    with capture_logs() as logs:
        async with studio.recorder():
            await studio.asks("stereo", ann)
            await studio.workshop.until(MergeFailed)
            await studio.asks("grid", ann, merge_id="n")
            failed = await studio.workshop.until(MergeFailed, 2)
    assert {each.reason for each in failed} == {"the recorder's ffmpeg cannot write such files"}
    errors = [entry["error"] for entry in logs if entry["event"] == "merge failed"]
    assert errors[0].startswith(f"{studio.ffmpeg} has no encoder libmp3lame: set ONRECORD_FFMPEG")
    assert "has no encoder libx264: " in errors[1]


async def test_an_ffmpeg_that_does_not_get_on_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg_module, "_STALLED_SECONDS", 0.3)
    monkeypatch.setattr(ffmpeg_module, "_LOOK_SECONDS", 0.02)
    stalled = program(tmp_path / "stalled", "echo out_time_us=5000; exec sleep 50")
    with pytest.raises(FfmpegStalledError):
        await run_merge([str(stalled)], tmp_path / "out", print)


async def test_an_ffmpeg_that_only_moves_the_index_to_the_front_is_let_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg_module, "_STALLED_SECONDS", 0.5)
    monkeypatch.setattr(ffmpeg_module, "_LOOK_SECONDS", 0.02)
    writes = f"for n in 1 2 3 4 5 6 7 8 9 10; do echo $n >> {tmp_path / 'out'}; sleep 0.1; done"
    await run_merge([str(program(tmp_path / "slow", writes))], tmp_path / "out", print)
    assert (tmp_path / "out").read_text().split()[-1] == "10"
