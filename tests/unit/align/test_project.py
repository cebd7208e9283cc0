"""The project, written and read back by the library that editors read it with."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from services.align.plan import AlignedCopy, Plan
from shared.contracts.gaps import FileGaps, Gap
from tests.support.participant_recordings import FILE, GAPS

otio = pytest.importorskip("opentimelineio", reason="there is no package of it for this Python")

START = datetime.fromisoformat("2026-07-18T09:10:30.500+02:00")
ANN = AlignedCopy("ann", "one", FILE, START, 0, GAPS)
BOB = AlignedCopy("bob", "two", FILE, START, 2500, FileGaps(longest=(), left_out=0, left_out_ms=0))


def written(*copies: AlignedCopy) -> Any:
    from services.align.project import project  # noqa: PLC0415  see above

    return otio.adapters.read_from_string(project(Plan("rec", "room", START, copies, ())), "otio_json")


def times(ranged: Any) -> tuple[float, float]:
    """Return begin and duration in seconds."""
    return ranged.start_time.to_seconds(), ranged.duration.to_seconds()


def test_each_copy_has_a_track_for_its_picture_and_one_for_its_sound() -> None:
    timeline = written(ANN, BOB)
    assert [(track.name, track.kind) for track in timeline.tracks] == [
        ("ann video", "Video"),
        ("ann audio", "Audio"),
        ("bob video", "Video"),
        ("bob audio", "Audio"),
    ]
    assert [clip.media_reference.target_url for clip in timeline.find_clips()] == [ANN.name, ANN.name, *[BOB.name] * 2]


def test_all_begin_at_the_beginning_and_last_as_long_as_they_do() -> None:
    timeline = written(ANN, BOB)
    assert [times(clip.range_in_parent()) for clip in timeline.find_clips()] == [(0, 9), (0, 9), (0, 11.5), (0, 11.5)]
    assert all(clip.source_range == clip.media_reference.available_range for clip in timeline.find_clips())


def test_the_beginning_is_the_time_of_day_in_utc() -> None:
    timeline = written(ANN)
    assert timeline.global_start_time.to_timecode() == "07:10:30:15"
    assert timeline.metadata["onrecord"]["start"] == "2026-07-18T07:10:30.500000+00:00"


def test_gaps_are_markers_with_their_reasons_on_the_track_that_has_them() -> None:
    shifted = replace(ANN, lead_ms=1000)
    picture, sound = written(shifted).find_clips()
    assert [(marker.name, times(marker.marked_range)) for marker in picture.markers] == [
        ("not_begun", (0, 1)),
        ("camera_off", (4, 2)),
    ]
    assert [marker.name for marker in sound.markers] == ["not_begun"]
    assert picture.markers[1].metadata["onrecord"] == {"begin_ms": 4000, "end_ms": 6000}


def test_a_gap_to_the_end_does_not_reach_over_it() -> None:
    gap = Gap(track="audio", begin_ms=8990, end_ms=9000, reason="muted")
    _, sound = written(replace(ANN, gaps=FileGaps(longest=(gap,), left_out=0, left_out_ms=0))).find_clips()
    assert times(sound.markers[0].marked_range)[1] > 0
    assert sum(times(sound.markers[0].marked_range)) <= times(sound.source_range)[1]


def test_a_clip_tells_which_file_it_was_made_of() -> None:
    (clip, _) = written(BOB).find_clips()
    told = clip.metadata["onrecord"]
    assert (told["source"], told["source_sha256"], told["lead_ms"]) == (FILE.path, FILE.sha256, 2500)


def test_sound_alone_has_one_track() -> None:
    sound = replace(ANN, source=FILE.model_copy(update={"video_codec": ""}))
    timeline = written(sound)  # its tracks go when it does
    assert [track.kind for track in timeline.tracks] == ["Audio"]


@pytest.mark.parametrize("hostile", ["a:b", "http:evil", "-y", "a+b=c", "~@%2e"], ids=repr)
def test_a_name_is_never_taken_for_an_address(hostile: str) -> None:
    copy = replace(ANN, participant_id=hostile)
    (clip, _) = written(copy).find_clips()
    url = urlsplit(clip.media_reference.target_url)
    assert (url.scheme, url.netloc, unquote(url.path)) == ("", "", copy.name)
