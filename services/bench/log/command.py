"""What `onrecord bench log` does."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import uvloop
from rich.console import Console

from services.bench.log.run import MEASUREMENTS, measure_log
from services.bench.log.scale import Scale
from services.bench.report import as_json, show
from shared.runtime.errors import SettingError, StartupError
from shared.runtime.logging import configure_logging
from shared.runtime.settings import Settings

#: What the tables need where there is no terminal that says how wide it is.
_COLUMNS = 180


def bench_log(settings: Settings, scale: Scale, names: Sequence[str], seed: int, json_file: Path | None) -> None:
    """Measure, print the tables, write the JSON. Raises StartupError, EventSourcingError and BusError."""
    configure_logging("bench", as_json=settings.log_json, level="warning")
    console, progress, begin = Console(highlight=False), Console(stderr=True, highlight=False), time.monotonic()

    def say(sentence: str) -> None:
        progress.print(f"[dim]{time.monotonic() - begin:5.1f} s[/dim]  {sentence}")

    try:
        conditions, figures = uvloop.run(measure_log(settings, scale, names, seed, say))
    except asyncpg.PostgresError as error:
        raise StartupError(f"the database server refused to be measured: {error}") from error
    show(console if console.is_terminal else Console(highlight=False, width=_COLUMNS), conditions, figures)
    if json_file:
        _write(json_file, json.dumps(as_json(conditions, figures), indent=2))


def chosen(only: str | None) -> list[str]:
    """Return the measurements that are named, or all, in their usual order. Raises SettingError."""
    if only is None:
        return list(MEASUREMENTS)
    named = {name.strip() for name in only.split(",") if name.strip()}
    if unknown := sorted(named - MEASUREMENTS.keys()):
        raise SettingError("--only", f"names {unknown[0]!r}: choose from {', '.join(MEASUREMENTS)}")
    return [name for name in MEASUREMENTS if name in named]


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingError("--json", f"names {file}, which cannot be written: {error.strerror}") from error
