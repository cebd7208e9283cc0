"""What every `onrecord bench` command does around its measurements: tells how far it is, and shows the result."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from rich.console import Console

from services.bench.figures import Figure
from services.bench.report import as_json, show
from shared.runtime.errors import SettingError, StartupError
from shared.runtime.logging import configure_logging
from shared.runtime.settings import Settings

#: Tells people how far it is.
Say = Callable[[str], None]
#: Conditions and figures.
Result = tuple[dict[str, Any], list[Figure]]

#: What the tables need where there is no terminal that says how wide it is.
_COLUMNS = 180


def present(settings: Settings, measure: Callable[[Say], Coroutine[Any, Any, Result]], json_file: Path | None) -> None:
    """Measure, print the tables, write the JSON. Raises StartupError, EventSourcingError and BusError."""
    configure_logging("bench", as_json=settings.log_json, level="warning")
    console, progress, begin = Console(highlight=False), Console(stderr=True, highlight=False), time.monotonic()

    def say(sentence: str) -> None:
        progress.print(f"[dim]{time.monotonic() - begin:5.1f} s[/dim]  {sentence}")

    try:
        conditions, figures = uvloop.run(_until_told_to_stop(measure(say)))
    except asyncio.CancelledError:
        sys.exit("onrecord: stopped before everything was measured")
    except asyncpg.PostgresError as error:
        raise StartupError(f"the database server refused to be measured: {error}") from error
    show(console if console.is_terminal else Console(highlight=False, width=_COLUMNS), conditions, figures)
    if json_file:
        _write(json_file, json.dumps(as_json(conditions, figures), indent=2))


def chosen(only: str | None, measurements: Iterable[str]) -> list[str]:
    """Return the measurements that are named, or all, in their usual order. Raises SettingError."""
    usual: Sequence[str] = list(measurements)
    if only is None:
        return list(usual)
    named = {name.strip() for name in only.split(",") if name.strip()}
    if unknown := sorted(named - set(usual)):
        raise SettingError("--only", f"names {unknown[0]!r}: choose from {', '.join(usual)}")
    return [name for name in usual if name in named]


async def _until_told_to_stop(measuring: Coroutine[Any, Any, Result]) -> Result:
    """Have SIGTERM end it as Ctrl-C does: what it has made and started is cleared away."""
    task = asyncio.ensure_future(measuring)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingError("--json", f"names {file}, which cannot be written: {error.strerror}") from error
