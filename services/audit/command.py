"""`onrecord replay`: prints states."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import typer

from services.audit.bootstrap import DECIDERS
from services.audit.replay import Replayed, Until, plain, replay
from shared.eventsourcing.postgres import PostgresEventStore
from shared.runtime.database import open_database
from shared.runtime.errors import SettingError
from shared.runtime.infrastructure import LOG_MIGRATIONS
from shared.runtime.settings import Settings, load_settings


async def replay_command(until: str | None, *, as_json: bool) -> None:
    """Replay and print. Raises StartupError and EventSourcingError."""
    end, settings = _until(until), load_settings(Settings)
    if settings.database_url is None and not (settings.data_dir / "postgres").exists():
        raise SettingError("ONRECORD_DATA_DIR", f"is {settings.data_dir}, where no onrecord has run: there is no log")
    async with open_database(settings, (LOG_MIGRATIONS,)) as pool:
        replayed = await replay(PostgresEventStore(pool), DECIDERS, end)
    if as_json:
        states = plain(replayed.states)
        typer.echo(json.dumps({"position": replayed.position, "events": replayed.events, "states": states}, indent=2))
    else:
        _show(replayed)


def _until(text: str | None) -> Until:
    if text is None:
        return Until()
    if text.isdecimal():
        return Until(position=int(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingError("--until", f"is {text!r}: give a position or a time like 2030-01-31T12:00:00Z") from None
    return Until(moment=moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _show(replayed: Replayed) -> None:
    for category, states in replayed.states.items():
        if states:
            typer.secho(category, bold=True)
        for stream, state in sorted(states.items()):
            fields = ", ".join(f"{name}: {json.dumps(value)}" for name, value in plain(state).items())
            typer.echo(f"  {stream}\n      {fields}")
    typer.echo(f"{replayed.events} events, up to global position {replayed.position}")
