"""What `onrecord replay` and `onrecord audit …` do. Raises StartupError and EventSourcingError."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from services.audit.bootstrap import DECIDERS
from services.audit.changes import changes
from services.audit.lookup import Examined, examine, list_recordings
from services.audit.replay import Request, plain, replay
from services.audit.views.recordings_text import show_recordings
from services.audit.views.replay_text import show_changes, show_states
from services.audit.views.timeline_html import page
from services.audit.views.timeline_text import show
from shared.eventsourcing.postgres import PostgresEventStore
from shared.runtime.errors import SettingError
from shared.runtime.reading import opened_log, progress_bar

_READING = "Reading the log"
#: What tables need to be read, where no terminal says how wide it is.
_COLUMNS = 140


async def replay_command(request: Request, *, diff: bool, as_json: bool) -> None:
    """Print states; with `diff`, what changed in them."""
    async with opened_log() as pool:
        with progress_bar(_READING, hidden=as_json) as progress:
            replayed = await replay(PostgresEventStore(pool), DECIDERS, request, progress)
    changed = changes(replayed) if diff else []
    if as_json:
        found = {"changes": plain(changed)} if diff else {"states": plain(replayed.states)}
        _print_json({"position": replayed.position, "events": replayed.events, "asked": plain(request), **found})
    elif diff:
        show_changes(replayed, changed)
    else:
        show_states(replayed)


async def recordings_command(*, as_json: bool) -> None:
    async with opened_log() as pool:
        with progress_bar(_READING, hidden=as_json) as progress:
            recordings = await list_recordings(PostgresEventStore(pool), progress)
    if as_json:
        _print_json({"recordings": plain(recordings)})
    else:
        show_recordings(_console(), recordings)


async def timeline_command(recording_id: str, html: Path | None, *, as_json: bool) -> None:
    """Print a timeline, or write it into a file. Raises RecordingNotFoundError as well."""
    async with opened_log() as pool:
        with progress_bar(_READING, hidden=as_json) as progress:
            examined = await examine(PostgresEventStore(pool), recording_id, progress)
    if html:
        _write(html, examined)
    if as_json:
        _print_json({"position": examined.position, **plain(examined.told)})
    elif html:
        typer.echo(f"Written to {html}")
    else:
        show(_console(), examined)


def _write(html: Path, examined: Examined) -> None:
    try:
        html.write_text(page(examined, datetime.now(UTC)), encoding="utf-8")
    except OSError as error:
        raise SettingError("--html", f"names {html}, which cannot be written: {error.strerror}") from error


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2))


def _console() -> Console:
    console = Console(highlight=False)
    told = console.is_terminal or "COLUMNS" in os.environ
    return console if told else Console(highlight=False, width=_COLUMNS)
