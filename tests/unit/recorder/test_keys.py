from __future__ import annotations

import pytest

from services.recorder.keys import RecordingKeys, TrackKeys

START_NS = 1_900_000_000_123_456_789
KEYS = RecordingKeys("s", "ann", START_NS)
TRACK = TrackKeys("s", "ann", "audio", START_NS)


def test_a_finished_file_is_found_by_session_participant_and_start() -> None:
    assert KEYS.file == "s/ann/participant_recording_ann_1900000000123.webm"


def test_a_track_has_a_folder_of_its_own() -> None:
    assert TRACK.file == "s/ann/audio/track_recording_ann_audio_1900000000123.webm"


@pytest.mark.parametrize("keys", [KEYS, TRACK])
def test_the_segment_lies_beside_the_file(keys: RecordingKeys | TrackKeys) -> None:
    assert keys.segment == keys.file.removesuffix(".webm") + ".segment-1.webm"


@pytest.mark.parametrize("keys", [KEYS, TRACK])
def test_a_prefix_is_folders_around_it(keys: RecordingKeys | TrackKeys) -> None:
    where = {"session_id": "s", "participant_id": "ann", "start_ns": START_NS, "prefix": "team/meetings"}
    below = TrackKeys(**where, kind="audio") if isinstance(keys, TrackKeys) else RecordingKeys(**where)  # type: ignore[arg-type]
    assert below.file == f"team/meetings/{keys.file}"
    assert below.segment == f"team/meetings/{keys.segment}"


def test_the_longest_names_fit_a_file_system() -> None:
    longest = RecordingKeys("s" * 64, "p" * 128, 10**19, "x" * 255)
    track = TrackKeys("s" * 64, "p" * 128, "audio", 10**19)
    assert all(len(part) <= 255 for keys in (longest, track) for part in keys.segment.split("/"))
