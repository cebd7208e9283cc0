"""Where the time of a start goes."""

from __future__ import annotations

import pytest

from services.bench.signaling.room import Told
from services.bench.signaling.stages import stages
from shared.contracts.recording import RecordingRequested, RecordingStarted


def test_the_parts_of_a_start_are_its_whole_though_two_clocks_tell_of_them() -> None:
    # Said when one clock showed 100 s and the log's 1000 s.
    start = Told("r", said=100, said_at=1000, heard=[100.7, 100.8])
    written_at = {(RecordingRequested.type, "r"): 1000.1, (RecordingStarted.type, "r"): 1000.4}
    published = {(RecordingRequested.type, "r"): 100.2, (RecordingStarted.type, "r"): 100.6}

    parts = stages([start], published, written_at)

    assert list(parts) == [
        "start sent to requested in the log",
        "requested in the log to published",
        "requested published to started in the log",
        "started in the log to published",
        "started published to each client",
    ]
    assert list(parts.values()) == [
        [pytest.approx(0.1)],
        [pytest.approx(0.1)],
        [pytest.approx(0.2)],
        [pytest.approx(0.2)],
        [pytest.approx(0.1), pytest.approx(0.2)],
    ]


def test_times_of_what_was_said_count_from_there() -> None:
    assert Told("r", said=100, said_at=0, heard=[100.5, 101]).times == [0.5, 1]
