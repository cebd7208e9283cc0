"""`onrecord bench media` with next to nothing to measure, on real servers: what it says, not how fast it was."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.bench.media import beside
from services.bench.media.command import bench_media, chosen
from services.bench.media.scale import Scale
from services.recorder.settings import RecorderSettings
from shared.runtime.errors import SettingError, StartupError
from shared.runtime.settings import Settings

TINY = Scale(
    clip_seconds=6,
    rounds=1,
    seconds=0.5,
    participants=2,
    encoded=1,
    levels=(1, 2),
    hold_seconds=0.5,
    finished_seconds=20,
    withdrawals=1,
)
_CPU, _MEMORY, _START = "CPU for each participant", "memory for each participant", "start to media in the file"


@pytest.fixture
def recorder_settings(settings: Settings) -> RecorderSettings:
    return RecorderSettings(database_url=settings.database_url, amqp_url=settings.amqp_url)


@pytest.fixture(autouse=True)
def open_files() -> Iterator[None]:
    """Give this process back the limit that the bench raises."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.timeout(300)  # services, senders and ffmpegs are processes of their own, on a machine that may be busy
def test_participants_are_recorded_beside_peers_and_on_one_core_and_no_frame_is_lost(
    recorder_settings: RecorderSettings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(beside, "gstreamer_is_there", lambda: False)
    cores, file = os.sched_getaffinity(0), tmp_path / "figures.json"
    bench_media(recorder_settings, TINY, ["beside", "one-core"], 7, file)
    assert _CPU in capsys.readouterr().out
    assert os.sched_getaffinity(0) == cores

    written = json.loads(file.read_text())
    assert written["conditions"]["seed"] == 7
    assert "VP8 640x480, 30 fps" in written["conditions"]["media"]
    figures = {(each["measurement"], (each["baseline"] or {}).get("what")): each for each in written["figures"]}
    copied, encoded = "ffmpeg -c copy", "ffmpeg encoding VP8"
    assert {(what, peer) for what in (_CPU, _MEMORY, _START) for peer in (copied, encoded)} <= set(figures)
    assert all(figure["median"] > 0 for figure in figures.values())

    cpu = figures[_CPU, copied]
    assert (cpu["what"], cpu["goal"]) == ("2 participants", "≤ 0.7 x")
    assert cpu["details"]["frames recorded by onrecord"] > 30
    assert (cpu["details"]["frames lost by onrecord"], cpu["details"][f"frames lost by {copied}"]) == (0, 0)
    assert figures[_CPU, encoded]["what"] == "2 participants, beside 1"
    assert "GStreamer, passthrough: not installed" in figures[_CPU, None]["what"]
    assert set(figures[_START, copied]["timesMs"]) == {"onrecord", copied}

    held = figures["one core, no frame lost", None]
    assert (held["median"], held["goal"]) == (2, "≥ 100")
    assert held["details"]["frames lost"] == 0
    assert held["details"]["frames recorded"] > 30


def test_it_is_told_for_how_long_somebody_is_seen_who_withdrew(
    recorder_settings: RecorderSettings, tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    bench_media(recorder_settings, TINY, ["withdrawing"], 7, file)
    (figure,) = json.loads(file.read_text())["figures"]
    assert (figure["measurement"], figure["what"], figure["goal"]) == (
        "withdrawal to black",
        "2 by 2 participants, p99",
        "≤ 250",
    )
    in_file, on_disk = (figure["timesMs"][what] for what in ("last frame in the file", "black on the disk"))
    assert -500 < in_file["p50"] < on_disk["p50"]


def test_a_file_is_finished_beside_a_copy_of_it(recorder_settings: RecorderSettings, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    bench_media(recorder_settings, TINY, ["finishing"], 7, file)
    (figure,) = json.loads(file.read_text())["figures"]
    assert (figure["measurement"], figure["what"], figure["baseline"]["what"]) == (
        "finishing",
        "finishing 20 s of media",
        "cp",
    )
    assert figure["median"] > 0
    assert figure["details"]["MB"] > 1


def test_without_a_broker_it_says_why_it_needs_one() -> None:
    with pytest.raises(SettingError, match="ONRECORD_AMQP_URL is not set"):
        bench_media(RecorderSettings(database_url=None, amqp_url=None), TINY, ["beside"], 1, None)


def test_without_ffmpeg_it_says_what_to_set(recorder_settings: RecorderSettings) -> None:
    nowhere = recorder_settings.model_copy(update={"ffmpeg": "/nowhere/ffmpeg"})
    with pytest.raises(StartupError, match="ONRECORD_FFMPEG is '/nowhere/ffmpeg'"):
        bench_media(nowhere, TINY, ["beside"], 1, None)


def test_measurements_are_chosen_by_name() -> None:
    assert chosen(None) == ["beside", "whip", "one-core", "withdrawing", "finishing"]
    with pytest.raises(
        SettingError, match="--only names 'cores': choose from beside, whip, one-core, withdrawing, finishing"
    ):
        chosen("cores")
