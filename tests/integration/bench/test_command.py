"""`onrecord bench log`, as its user sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.bench.log.command import bench_log, chosen
from shared.runtime.errors import SettingError
from shared.runtime.settings import Settings
from tests.integration.bench.conftest import TINY


def test_tables_go_to_the_screen_and_all_numbers_into_the_file(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    bench_log(settings, TINY, ["batches", "replay"], 7, file)
    shown = capsys.readouterr()
    assert "Conditions" in shown.out
    assert "≥ 250,000" in shown.out
    assert "reached" in shown.out or "missed" in shown.out
    assert "replay: recording meetings" in shown.err
    written = json.loads(file.read_text())
    assert written["conditions"]["seed"] == 7
    assert "fdatasync" in written["conditions"]["disk sync"]
    assert {figure["measurement"] for figure in written["figures"]} == {"batches", "replay"}


def test_without_servers_it_starts_an_embedded_postgres_and_stays_in_the_process(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    settings = Settings(database_url=None, amqp_url=None)
    bench_log(settings, TINY, ["batches", "latency"], 1, file)
    conditions = json.loads(file.read_text())["conditions"]
    assert conditions["Postgres"].endswith("(embedded)")
    assert conditions["bus"] == "in process: no broker is named"


def test_measurements_are_chosen_by_name_and_keep_their_order() -> None:
    assert chosen("growth, append") == ["append", "growth"]
    assert chosen(None) == ["append", "batches", "replay", "latency", "growth"]


def test_a_measurement_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(SettingError, match="--only names 'grwth': choose from append, batches"):
        chosen("grwth")
