"""`onrecord bench signaling` with next to nothing to measure, on real servers: what it says, not how fast it was."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.bench.footprint import footprint
from services.bench.signaling.command import bench_signaling, chosen
from services.bench.signaling.scale import Scale
from shared.runtime.errors import SettingError, StartupError
from shared.runtime.settings import Settings

TINY = Scale(listeners=3, gateways=2, starts=2, rooms=2, people=3, hold_seconds=1, rounds=1)


@pytest.fixture(autouse=True)
def open_files() -> Iterator[None]:
    """Give this process back the limit that the bench raises."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.timeout(
    300
)  # it starts nine processes and three ffmpegs for each recording, on a machine that may be busy
def test_starts_are_timed_at_every_client_and_nobody_in_held_rooms_misses_a_message(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    bench_signaling(settings, TINY, ["starting", "holding"], 7, file)
    assert "start to started" in capsys.readouterr().out
    figures = {(each["measurement"], each["what"]): each for each in json.loads(file.read_text())["figures"]}

    started = figures["start to started", "3 clients, 2 gateways, at rest, p99"]
    assert started["goal"] == "≤ 300"
    assert set(started["timesMs"]) >= {"each client", "slowest client", "start sent to requested in the log"}
    assert started["timesMs"]["each client"]["max"] == started["timesMs"]["slowest client"]["max"]

    held = {what: each for (measurement, what), each in figures.items() if measurement == "6 in 2 rooms"}
    assert held["connected at the end"]["median"] == 6
    assert held["messages that did not come"]["median"] == 0
    assert held["messages that did not come"]["details"]["updates heard"] == 2 * 6 * 2
    assert set(held["echo, p99"]["timesMs"]) == {"gateway", "bare server"}
    assert held["event loop late while they stay, p99"]["goal"] == "≤ 50"
    assert 0 < held["event loop late while they stay, p99"]["median"] < float("inf")
    assert held["memory for each connection"]["baseline"]["what"] == "bare server"
    assert held["connected at the end"]["details"]["open files, full"] > 6


def test_without_a_broker_it_says_why_it_needs_one() -> None:
    with pytest.raises(SettingError, match="ONRECORD_AMQP_URL is not set"):
        bench_signaling(Settings(database_url=None, amqp_url=None), TINY, ["starting"], 1, None)


def test_measurements_are_chosen_by_name() -> None:
    assert chosen(None) == ["starting", "holding"]
    with pytest.raises(SettingError, match="--only names 'append': choose from starting, holding"):
        chosen("append")


def test_a_process_that_has_ended_has_no_footprint() -> None:
    with pytest.raises(StartupError, match="ended while it was measured"):
        footprint(2**22 + 1)
