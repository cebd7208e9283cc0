"""What `onrecord bench signaling` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.bench import presenting
from services.bench.signaling.run import MEASUREMENTS, measure_signaling
from services.bench.signaling.scale import Scale
from shared.runtime.settings import Settings


def bench_signaling(settings: Settings, scale: Scale, names: Sequence[str], seed: int, json_file: Path | None) -> None:
    """Measure, print the tables, write the JSON. Raises StartupError, EventSourcingError and BusError."""
    presenting.present(settings, lambda say: measure_signaling(settings, scale, names, seed, say), json_file)


def chosen(only: str | None) -> list[str]:
    """Return the measurements that are named, or all, in their usual order. Raises SettingError."""
    return presenting.chosen(only, MEASUREMENTS)
