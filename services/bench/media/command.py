"""What `onrecord bench media` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.bench import presenting
from services.bench.media.run import MEASUREMENTS, measure_media
from services.bench.media.scale import Scale
from services.recorder.settings import RecorderSettings


def bench_media(
    settings: RecorderSettings, scale: Scale, names: Sequence[str], seed: int, json_file: Path | None
) -> None:
    """Measure, print the tables, write the JSON. Raises StartupError, EventSourcingError, BusError and FfmpegError."""
    presenting.present(settings, lambda say: measure_media(settings, scale, names, seed, say), json_file)


def chosen(only: str | None) -> list[str]:
    """Return the measurements that are named, or all, in their usual order. Raises SettingError."""
    return presenting.chosen(only, MEASUREMENTS)
