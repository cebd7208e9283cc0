"""`onrecord bench webhooks` with next to nothing to measure, on real servers: what it says, not how fast it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.bench.webhooks.command import bench_webhooks
from services.bench.webhooks.scale import Scale
from shared.runtime.settings import Settings

TINY = Scale(rate=20, seconds=0.5, recordings=3)


def test_every_webhook_is_heard_once_and_compared_with_a_bare_poster(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    bench_webhooks(settings, TINY, 7, file)
    assert "webhook, commit to first attempt" in capsys.readouterr().out
    written = json.loads(file.read_text())
    assert (written["conditions"]["seed"], written["conditions"]["recordings"]) == (7, 3)
    (figure,) = written["figures"]
    assert (figure["what"], figure["goal"]) == ("20/s, p99", "≤ 500")
    assert figure["baseline"]["what"] == "whoever appends posts"
    assert figure["details"] == {"not heard in time": 0, "heard twice": 0}
    for times in figure["timesMs"].values():
        assert 0 < times["p50"] <= times["p99"] <= times["max"]
