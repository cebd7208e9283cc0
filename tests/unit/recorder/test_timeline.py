from __future__ import annotations

from services.recorder.timeline import timeline
from shared.contracts.file_timeline import LogPlace, LogPlaces, TimelineGap, TimelineTrack
from shared.contracts.gaps import FileGaps, Gap
from tests.support.moments import at
from tests.support.participant_recordings import FILE, requested

LOG = LogPlaces(
    stream="participant-recording-s:ann",
    started=LogPlace(position=2, global_position=40),
    latest=LogPlace(position=7, global_position=None),
)
GAPS = FileGaps(
    longest=(
        Gap(track="audio", begin_ms=0, end_ms=1500, reason="muted"),
        Gap(track="video", begin_ms=250, end_ms=9000, reason="camera_off"),
        Gap(track="video", begin_ms=9000, end_ms=9001, reason="no_consent"),
    ),
    left_out=3,
    left_out_ms=1800,
)
TOLD = timeline(requested(), (at(10), at(19)), FILE, GAPS, 12_500_000, LOG)


def test_each_track_has_its_codec_and_its_gaps_by_the_file_and_by_utc() -> None:
    first = TimelineGap(begin_ms=250, end_ms=9000, begin=at(10.25), end=at(19), reason="camera_off")
    second = TimelineGap(begin_ms=9000, end_ms=9001, begin=at(19), end=at(19.001), reason="no_consent")
    muted = TimelineGap(begin_ms=0, end_ms=1500, begin=at(10), end=at(11.5), reason="muted")
    assert TOLD.tracks == (
        TimelineTrack(track="audio", codec="opus", gaps=(muted,)),
        TimelineTrack(track="video", codec="vp8", gaps=(first, second)),
    )
    assert (TOLD.gaps_left_out, TOLD.gaps_left_out_ms) == (3, 1800)


def test_it_tells_whose_file_it_is_which_and_from_when_to_when() -> None:
    asked = requested()
    assert (TOLD.room_id, TOLD.session_id, TOLD.participant_id) == ("r", "s", "ann")
    assert (TOLD.participant_recording_id, TOLD.recording_id) == (asked.participant_recording_id, asked.recording_id)
    assert (TOLD.file, TOLD.begin, TOLD.end, TOLD.log) == (FILE, at(10), at(19), LOG)


def test_it_tells_how_far_picture_and_sound_came_apart_where_that_is_known() -> None:
    assert TOLD.skew_ms == 12.5
    assert timeline(requested(), (at(10), at(19)), FILE, GAPS, None, LOG).skew_ms is None
