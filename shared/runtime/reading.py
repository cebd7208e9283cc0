"""What commands that read the log have in common: they open it, and show people how far they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from shared.runtime.database import open_database
from shared.runtime.errors import SettingError
from shared.runtime.infrastructure import LOG_MIGRATIONS
from shared.runtime.settings import Settings, load_settings


@asynccontextmanager
async def opened_log() -> AsyncIterator[asyncpg.Pool]:
    """Open the log that the settings name. Raises StartupError, also where there is none."""
    settings = load_settings(Settings)
    if settings.database_url is None and not (settings.data_dir / "postgres").exists():
        raise SettingError("ONRECORD_DATA_DIR", f"is {settings.data_dir}, where no onrecord has run: there is no log")
    async with open_database(settings, (LOG_MIGRATIONS,)) as pool:
        yield pool


@contextmanager
def progress_bar(what: str, *, stays: bool = False, hidden: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yield what is to be told the global position that was reached, and the last one; show it at a terminal."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=not stays, disable=hidden or not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda position, last: bar.update(task, completed=position, total=last)
