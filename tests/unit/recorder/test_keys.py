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


def test_the_timeline_lies_beside_the_file() -> None:
    assert KEYS.timeline == KEYS.file.removesuffix(".webm") + ".timeline.json"


@pytest.mark.parametrize("keys", [KEYS, TRACK])
def test_a_prefix_is_folders_around_it(keys: RecordingKeys | TrackKeys) -> None:
    where = {"session_id": "s", "participant_id": "ann", "start_ns": START_NS, "prefix": "team/meetings"}
    below = TrackKeys(**where, kind="audio") if isinstance(keys, TrackKeys) else RecordingKeys(**where)  # type: ignore[arg-type]
    assert below.file == f"team/meetings/{keys.file}"
    assert below.segment == f"team/meetings/{keys.segment}"


def test_of_a_recording_remains_what_has_its_name() -> None:
    """Seen to fail with the beginning of the stamp alone compared."""
    stem = "participant_recording_ann_1900000000123"
    whose = {name: KEYS.remains.include(name) for name in _named(stem)}
    assert whose == dict.fromkeys(_named(stem), True)
    others = ("participant_recording_ann_1900000000124", "participant_recording_ann_19000000001234")
    for other in (*others, "participant_recording_ann", "participant_recording_anna_1900000000123", "1900000000123"):
        assert not any(KEYS.remains.include(name) for name in _named(other))
    assert not KEYS.remains.include(stem)
    assert KEYS.remains.folder == KEYS.file.rpartition("/")[0]


def test_of_a_track_remains_what_began_until_its_end() -> None:
    remains = TRACK.remains_until(START_NS + 2_000_000)
    began = {
        ms: remains.include(f"track_recording_ann_audio_{1900000000123 + ms}.segment-1.webm") for ms in range(-1, 4)
    }
    assert began == {-1: False, 0: True, 1: True, 2: True, 3: False}
    assert not remains.include("track_recording_ann_video_1900000000123.webm")
    assert remains.folder == TRACK.file.rpartition("/")[0]


def _named(stem: str) -> list[str]:
    endings = ("webm", "webm.part", "segment-1.webm", "timeline.json", "timeline.json.part")
    return [f"{stem}.{ending}" for ending in endings]


def test_the_longest_names_fit_a_file_system() -> None:
    longest = RecordingKeys("s" * 64, "p" * 128, 10**19, "x" * 255)
    track = TrackKeys("s" * 64, "p" * 128, "audio", 10**19)
    assert all(len(part) <= 255 for keys in (longest, track) for part in keys.segment.split("/"))
    assert len(longest.timeline.rpartition("/")[2] + ".part") <= 255
