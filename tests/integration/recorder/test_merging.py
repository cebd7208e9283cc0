"""Merges by the real ffmpeg: every sound and picture is looked for in the file, on its side and at its time."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.recorder.media.probe import decode_errors
from services.recorder.merging import merger as merger_module
from shared.contracts.merge import MergeClaimed, MergeCompleted, MergedFile, MergeFailed, MergeInput, MergeLayout
from tests.support.merge_studio import Film, MergeStudio, beeps, colours, left, right
from tests.support.merging import Workshop

_NEAR = 0.03
_FRAME = 0.041


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often for what time makes due."""
    monkeypatch.setattr(merger_module, "_LOOK_SECONDS", 0.02)


@pytest.fixture
def studio(ffmpeg: Path, tmp_path: Path) -> MergeStudio:
    return MergeStudio(tmp_path, ffmpeg, Workshop())


async def merged(studio: MergeStudio, layout: MergeLayout, *inputs: MergeInput) -> MergedFile:
    async with studio.recorder():
        await studio.asks(layout, *inputs)
        (end,) = await studio.workshop.until_one_of(MergeCompleted, MergeFailed, within=40)
    assert isinstance(end, MergeCompleted), end
    return end.file


async def refused(studio: MergeStudio, layout: MergeLayout, *inputs: MergeInput) -> str:
    async with studio.recorder():
        await studio.asks(layout, *inputs)
        (end,) = await studio.workshop.until_one_of(MergeCompleted, MergeFailed, within=40)
    assert isinstance(end, MergeFailed), end
    assert studio.merged_files() == []
    return end.reason


def near(*seconds: float, within: float = _NEAR) -> object:
    return pytest.approx(list(seconds), abs=within)


# --- stereo


async def test_each_channel_is_on_its_side_and_every_sound_at_its_time(studio: MergeStudio, ffmpeg: Path) -> None:
    ann = await studio.has_recorded("ann", 10.25, Film(seconds=2, beep=0.5))
    bob = await studio.has_recorded("bob", 11.4, Film(seconds=3, beep=2))
    file = await merged(studio, "stereo", left(ann), right(bob))
    heard_left, heard_right = await beeps(ffmpeg, studio.root / file.path)
    assert heard_left == near(0.5)
    assert heard_right == near(1.15 + 2)


async def test_the_log_says_what_is_in_place(studio: MergeStudio, ffmpeg: Path) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=2))
    bob = await studio.has_recorded("bob", 1.5, Film(seconds=2))
    file = await merged(studio, "stereo", left(ann), right(bob))
    data = (studio.root / file.path).read_bytes()
    assert file.path == "s/merge_recording_m.mp3"
    assert (file.size_bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert file.duration_ms == pytest.approx(3500, abs=30)
    assert (file.width, file.height) == (0, 0)
    assert await decode_errors(ffmpeg, studio.root / file.path) == ""
    assert studio.merged_files() == ["merge_recording_m.mp3"]


async def test_several_participants_and_several_recordings_of_one_share_a_channel(
    studio: MergeStudio, ffmpeg: Path
) -> None:
    first = await studio.has_recorded("ann", 0, Film(seconds=1, beep=0.2), number=1)
    again = await studio.has_recorded("ann", 2, Film(seconds=1, beep=0.2), number=2)
    bob = await studio.has_recorded("bob", 0.5, Film(seconds=3, beep=0.7))
    zoe = await studio.has_recorded("zoe", 0, Film(seconds=1, beep=0.6))
    file = await merged(studio, "stereo", left(first), left(again), left(bob), right(zoe))
    heard_left, heard_right = await beeps(ffmpeg, studio.root / file.path)
    assert heard_left == near(0.2, 1.2, 2.2)
    assert heard_right == near(0.6)


async def test_what_several_say_at_once_is_the_sum_and_not_less_of_each(studio: MergeStudio, ffmpeg: Path) -> None:
    alone = await studio.has_recorded("ann", 0, Film(seconds=2, beep=0.5))
    others = [await studio.has_recorded(f"g{number}", 0, Film(seconds=2, beep=1.5)) for number in range(3)]
    file = await merged(studio, "stereo", left(alone), *(left(other) for other in others))
    heard_left, heard_right = await beeps(ffmpeg, studio.root / file.path, loud=10_000)
    assert heard_left == near(0.5, 1.5)
    assert heard_right == []


async def test_a_channel_without_recordings_is_silent(studio: MergeStudio, ffmpeg: Path) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=1, beep=0.5))
    file = await merged(studio, "stereo", right(ann))
    assert await beeps(ffmpeg, studio.root / file.path) == [[], near(0.5)]


async def test_a_recording_of_a_track_brings_each_of_its_files_at_its_own_time(
    studio: MergeStudio, ffmpeg: Path
) -> None:
    stretch = Film(seconds=1, beep=0.3, colour=None)
    ann = await studio.has_recorded_track("ann", "audio", [(5, stretch), (7.5, stretch)])
    bob = await studio.has_recorded("bob", 4.5, Film(seconds=2, beep=1))
    file = await merged(studio, "stereo", left(ann), right(bob))
    heard_left, heard_right = await beeps(ffmpeg, studio.root / file.path)
    assert heard_left == near(0.8, 3.3)
    assert heard_right == near(1)
    assert file.duration_ms == pytest.approx(4000, abs=30)


async def test_somebody_who_came_much_later_is_heard_so_much_later(studio: MergeStudio, ffmpeg: Path) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=1, beep=0.5))
    bob = await studio.has_recorded("bob", 120, Film(seconds=1, beep=0.5))
    file = await merged(studio, "stereo", left(ann), right(bob))
    assert file.duration_ms == pytest.approx(121_000, abs=30)
    end = studio.root / "end.mp3"
    await _cut(ffmpeg, studio.root / file.path, end, 119)
    assert (await beeps(ffmpeg, end))[1] == near(1.5)


# --- grid


async def test_everybody_is_seen_in_their_cell_from_their_beginning_to_their_end(
    studio: MergeStudio, ffmpeg: Path
) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=2, colour="red", beep=0.5))
    bob = await studio.has_recorded("bob", 1, Film(seconds=2, colour="lime", beep=0.5))
    zoe = await studio.has_recorded("zoe", 0.52, Film(seconds=1, colour="blue", beep=0.4))
    file = await merged(studio, "grid", ann, bob, zoe)
    cells = await colours(ffmpeg, studio.root / file.path, 2, 2)
    assert [[name for name, _ in cell] for cell in cells] == [
        ["red", "black"],
        ["black", "lime"],
        ["black", "blue", "black"],
        ["black"],
    ]
    assert [since for _, since in cells[0]] == near(0, 2, within=_FRAME)
    assert [since for _, since in cells[1]] == near(0, 1, within=_FRAME)
    assert [since for _, since in cells[2]] == near(0, 0.52, 1.52, within=_FRAME)
    assert await beeps(ffmpeg, studio.root / file.path) == [near(0.5, 0.92, 1.5)] * 2


async def test_the_log_says_what_the_grid_is(studio: MergeStudio, ffmpeg: Path) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=1))
    bob = await studio.has_recorded("bob", 0.5, Film(seconds=1))
    file = await merged(studio, "grid", ann, bob)
    assert file.path == "s/composite_recording_m.mp4"
    assert (file.width, file.height) == (1280, 360)
    assert file.duration_ms == pytest.approx(1500, abs=45)
    data = (studio.root / file.path).read_bytes()
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    assert data.index(b"moov") < data.index(b"mdat"), "a player would have to read it to its end first"
    assert await decode_errors(ffmpeg, studio.root / file.path) == ""


async def test_each_codec_is_seen_beside_the_others(studio: MergeStudio, ffmpeg: Path) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=1, colour="red", codec="vp8"))
    bob = await studio.has_recorded("bob", 0, Film(seconds=1, colour="lime", codec="vp9"))
    zoe = await studio.has_recorded("zoe", 0, Film(seconds=1, colour="blue", codec="av1"))
    file = await merged(studio, "grid", ann, bob, zoe)
    cells = await colours(ffmpeg, studio.root / file.path, 2, 2)
    assert cells == [[("red", 0)], [("lime", 0)], [("blue", 0)], [("black", 0)]]


async def test_one_alone_fills_the_picture(studio: MergeStudio, ffmpeg: Path) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=1, colour="blue"))
    file = await merged(studio, "grid", ann)
    assert (file.width, file.height) == (640, 360)
    assert await colours(ffmpeg, studio.root / file.path, 1, 1) == [[("blue", 0)]]


async def test_a_picture_that_changes_its_size_stays_in_its_cell_and_in_time(studio: MergeStudio, ffmpeg: Path) -> None:
    """As browsers' pictures do whenever the way gets narrow, or a telephone is turned."""
    sizes = ("320x240", "160x120", "120x160")
    ann = await studio.has_recorded("ann", 1, Film(seconds=3, colour="red", beep=2, sizes=sizes))
    bob = await studio.has_recorded("bob", 0, Film(seconds=5, colour="lime", beep=4.5))
    file = await merged(studio, "grid", ann, bob)
    one, two = await colours(ffmpeg, studio.root / file.path, 2, 1)
    assert [name for name, _ in one] == ["black", "red", "black"]
    assert [since for _, since in one] == near(0, 1, 4, within=_FRAME)
    assert two == [("lime", 0)]
    assert await beeps(ffmpeg, studio.root / file.path) == [near(3, 4.5)] * 2
    assert file.duration_ms == pytest.approx(5000, abs=45)


async def test_several_recordings_of_one_share_a_cell(studio: MergeStudio, ffmpeg: Path) -> None:
    first = await studio.has_recorded("ann", 0, Film(seconds=1, colour="red"), number=1)
    bob = await studio.has_recorded("bob", 0, Film(seconds=3, colour="lime"))
    again = await studio.has_recorded("ann", 2, Film(seconds=1, colour="blue"), number=2)
    file = await merged(studio, "grid", first, bob, again)
    ann, other = await colours(ffmpeg, studio.root / file.path, 2, 1)
    assert [name for name, _ in ann] == ["red", "black", "blue"]
    assert [since for _, since in ann] == near(0, 1, 2, within=_FRAME)
    assert other == [("lime", 0)]


async def test_tracks_of_a_participant_come_together_in_a_cell(studio: MergeStudio, ffmpeg: Path) -> None:
    seen = await studio.has_recorded_track("ann", "video", [(1, Film(seconds=1, colour="red", beep=None))])
    heard = await studio.has_recorded_track("ann", "audio", [(0, Film(seconds=2, colour=None, beep=1.5))])
    bob = await studio.has_recorded_track("bob", "audio", [(0, Film(seconds=1, colour=None, beep=0.5))])
    file = await merged(studio, "grid", seen, heard, bob)
    ann, other = await colours(ffmpeg, studio.root / file.path, 2, 1)
    assert [since for _, since in ann] == near(0, 1, within=_FRAME)
    assert other == [("black", 0)]
    assert await beeps(ffmpeg, studio.root / file.path) == [near(0.5, 1.5)] * 2


# --- what is waited for, and what cannot be


async def test_a_recording_that_is_still_being_finished_is_waited_for(studio: MergeStudio, ffmpeg: Path) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=1, beep=0.5))
    bob = await studio.records("bob", 1)
    await studio.stops(bob, 2)
    async with studio.recorder():
        await studio.asks("stereo", left(ann), right(bob))
        await studio.asks("stereo", left(ann), merge_id="n")
        (done,) = await studio.workshop.until(MergeCompleted, within=40)
        assert done.merge_id == "n"
        assert len(await studio.workshop.told(MergeClaimed)) == 1
        await studio.finishes(bob, 1, Film(seconds=1, beep=0.5))
        _, done = await studio.workshop.until(MergeCompleted, 2, within=40)
    assert await beeps(ffmpeg, studio.root / done.file.path) == [near(0.5), near(1.5)]


async def test_a_recording_that_is_not_finished_within_ten_minutes_fails_the_merge(studio: MergeStudio) -> None:
    ann = await studio.records("ann", 0)
    async with studio.recorder():
        await studio.asks("stereo", ann)
        studio.workshop.passes(600)
        (failed,) = await studio.workshop.until(MergeFailed)
    assert failed.reason.startswith("recording ann-1 of participant ann was not finished within 600 s")


async def test_a_recording_that_failed_fails_the_merge(studio: MergeStudio) -> None:
    ann = await studio.records("ann", 0)
    await studio.fails(ann, "disk full")
    assert await refused(studio, "grid", ann) == "recording ann-1 of participant ann failed: disk full"


async def test_a_recording_that_was_deleted_fails_the_merge(studio: MergeStudio) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=1))
    await studio.deletes(ann)
    assert await refused(studio, "grid", ann) == "recording ann-1 of participant ann was deleted"


async def test_a_recording_that_nobody_knows_fails_the_merge(studio: MergeStudio) -> None:
    nobody = MergeInput(participant_id="nobody", participant_recording_id="n-1")
    assert await refused(studio, "grid", nobody) == "recording n-1 of participant nobody is not known"


async def test_a_file_that_vanished_fails_the_merge(studio: MergeStudio) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=1))
    (studio.root / "s" / "ann-1.webm").unlink()
    reason = await refused(studio, "stereo", ann)
    assert reason == "recording ann-1 of participant ann is not in the store: s/ann-1.webm is missing"


async def test_of_a_file_that_is_no_recording_any_more_our_own_log_has_what_ffmpeg_says(studio: MergeStudio) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=1))
    (studio.root / "s" / "ann-1.webm").write_bytes(b"not a film")
    with capture_logs() as logs:
        reason = await refused(studio, "stereo", ann)
    assert reason == "the recorder's ffmpeg failed: ask for the merge again"
    (error,) = (entry["error"] for entry in logs if entry["event"] == "merge failed")
    assert "Invalid data found" in error


async def test_a_file_that_is_shorter_than_the_log_says_fails_nothing_and_ends_in_silence(studio: MergeStudio) -> None:
    ann = await studio.has_recorded("ann", 0, Film(seconds=3, beep=0.5))
    path = studio.root / "s" / "ann-1.webm"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    file = await merged(studio, "stereo", ann)
    assert file.duration_ms == pytest.approx(3000, abs=30)


async def test_a_recording_without_sound_cannot_be_merged_into_sound(studio: MergeStudio) -> None:
    ann = await studio.has_recorded_track("ann", "video", [(0, Film(seconds=1, beep=None))])
    reason = await refused(studio, "stereo", ann)
    assert reason == "recording ann-video of participant ann has no sound: leave it out"


async def test_a_track_that_never_sent_anything_fails_the_merge(studio: MergeStudio) -> None:
    ann = await studio.has_recorded_track("ann", "audio", [])
    reason = await refused(studio, "stereo", ann)
    assert reason == "recording ann-audio of participant ann has no file: nothing was sent, or nothing was permitted"


async def _cut(ffmpeg: Path, source: Path, target: Path, second: float) -> None:
    cut = [str(ffmpeg), "-v", "error", "-ss", str(second), "-i", str(source), "-f", "wav", str(target)]
    done = await asyncio.create_subprocess_exec(*cut)
    assert await done.wait() == 0
