"""What is said of failures outside, and what the log alone keeps."""

from __future__ import annotations

from errno import EACCES, ENOSPC
from pathlib import Path

import pytest

from services.recorder.failures import details_of, reason_of
from services.recorder.media.ffmpeg_errors import FfmpegFailedError, FfmpegMissingError

ROOT = Path("/srv/on record/store")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FfmpegFailedError(1, "/srv/secret: No such file"), "the recorder's ffmpeg failed"),
        (OSError(ENOSPC, "No space left on device", "/srv/secret"), "the recorder's disk is full"),
        (PermissionError(EACCES, "Permission denied", "/srv/secret"), "the recorder could not write the file"),
        (ValueError("/srv/secret"), "the recorder failed"),
    ],
)
def test_the_reason_is_one_sentence_for_each_kind_of_failure(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


@pytest.mark.parametrize(
    ("said", "details"),
    [
        ("file:/srv/on record/store/s/ann/a.webm: Invalid data", "file:s/ann/a.webm: Invalid data"),
        ("'/srv/on record/store/s/a.webm' is full", "'s/a.webm' is full"),
        ("/opt/tools/ffmpeg cannot be run", "ffmpeg cannot be run"),
        ("file:/opt/in: no such file", "in: no such file"),
        ("'/opt/a/b' -> '/tmp/c'", "'b' -> 'c'"),
        ("0x1/2 of s/ann at 3/4", "0x1/2 of s/ann at 3/4"),
    ],
)
def test_the_details_name_objects_and_no_path_of_the_machine(said: str, details: str) -> None:
    assert details_of(FfmpegMissingError(said), ROOT) == f"FfmpegMissingError: {details}"
