"""States, and what changed in them, in the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import typer

from services.audit.changes import FieldChange, StreamChange
from services.audit.replay import Replayed, plain


def show_states(replayed: Replayed) -> None:
    for category, states in replayed.states.items():
        if states:
            typer.secho(category, bold=True)
        for stream, state in sorted(states.items()):
            fields = ", ".join(f"{name}: {json.dumps(value)}" for name, value in plain(state).items())
            typer.echo(f"  {stream}\n      {fields}")
    _show_extent(replayed)


def show_changes(replayed: Replayed, changes: list[StreamChange]) -> None:
    for category, each in groupby(changes, lambda change: change.category):
        typer.secho(category, bold=True)
        for change in each:
            typer.echo(f"  {change.stream}" + ("  (new)" if change.appeared else ""))
            for line in (line for field in change.fields for line in _lines(field, appeared=change.appeared)):
                typer.echo(f"      {line}")
    if not changes:
        typer.echo("Nothing changed.")
    _show_extent(replayed)


def _lines(change: FieldChange, *, appeared: bool) -> Iterator[str]:
    """Yield what to say of a field: of a list what came and went, of anything else old and new."""
    if isinstance(change.old or change.new, list):
        old, new = change.old or [], change.new or []
        yield from (f"{change.field}: + {json.dumps(item)}" for item in new if item not in old)
        yield from (f"{change.field}: - {json.dumps(item)}" for item in old if item not in new)
    elif appeared:
        yield f"{change.field}: {_value(change.new)}"
    else:
        yield f"{change.field}: {_value(change.old)} → {_value(change.new)}"


def _value(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value)


def _show_extent(replayed: Replayed) -> None:
    typer.echo(f"{replayed.events} events, up to global position {replayed.position}")
