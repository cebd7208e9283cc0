"""What `onrecord bench log` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.bench import presenting
from services.bench.log.run import MEASUREMENTS, measure_log
from services.bench.log.scale import Scale
from shared.runtime.settings import Settings


def bench_log(settings: Settings, scale: Scale, names: Sequence[str], seed: int, json_file: Path | None) -> None:
    """Measure, print the tables, write the JSON. Raises StartupError, EventSourcingError and BusError."""
    presenting.present(settings, lambda say: measure_log(settings, scale, names, seed, say), json_file)


def chosen(only: str | None) -> list[str]:
    """Return the measurements that are named, or all, in their usual order. Raises SettingError."""
    return presenting.chosen(only, MEASUREMENTS)
