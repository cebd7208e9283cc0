"""`onrecord replay` and `onrecord audit …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shared.runtime.command_line import AsJson, run_command

audit = typer.Typer(
    no_args_is_help=True, help="Look into the log: which recordings there are, and what happened in them."
)


def replay(
    since: Annotated[
        str | None,
        typer.Option(help="Only streams to which something happened after this position or time."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Their states at this global position, or at a time like 2030-01-31T12:00:00Z. Else: now."),
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Instead of states: what changed from --since to --until, field by field.")
    ] = False,
    room: Annotated[str | None, typer.Option(help="Only streams that concern this room id.")] = None,
    session: Annotated[str | None, typer.Option(help="Only streams that concern this session id.")] = None,
    participant: Annotated[str | None, typer.Option(help="Only streams that concern this participant id.")] = None,
    recording: Annotated[
        str | None, typer.Option(help="Only streams that concern this recording id or participant recording id.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild the states of rooms, consents and recordings from the log alone, as they were at any moment.

    A state is made of all events of its stream up to that moment.
    The options choose streams: those with an event that names the ids,
    or that tells of such an event, as a webhook's does.
    A time takes in what took effect up to it, even if it was written later.
    A time without a zone is UTC.
    """
    from services.audit import command  # noqa: PLC0415  each command imports what it needs: the others start faster
    from services.audit.options import request  # noqa: PLC0415
    from services.audit.selection import Wanted  # noqa: PLC0415

    asked = request(since, until, Wanted(room, session, participant, recording), diff=diff)
    run_command("audit", command.replay_command(asked, diff=diff, as_json=as_json))


@audit.command()
def recordings(as_json: AsJson = False) -> None:
    """List the recordings that are in the log, with their ids."""
    from services.audit import command  # noqa: PLC0415

    run_command("audit", command.recordings_command(as_json=as_json))


@audit.command()
def timeline(
    recording: Annotated[
        str, typer.Argument(help="A recording id, or a participant recording id for that participant alone.")
    ],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it as one HTML file, and do not print it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show who was there, who consented and who was recorded when, with the event behind every edge."""
    from services.audit import command  # noqa: PLC0415

    run_command("audit", command.timeline_command(recording, html, as_json=as_json))
