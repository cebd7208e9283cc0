"""The `onrecord` command."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from services.audit.cli import audit, replay
from services.bench.command import bench
from services.notifier.cli import webhooks
from services.recorder.media.ffmpeg_errors import FfmpegError
from shared.eventsourcing.errors import EventSourcingError
from shared.messaging.errors import BusError
from shared.runtime.command_line import AsJson, run_command
from shared.runtime.credentials import load_credentials
from shared.runtime.errors import SettingError, StartupError
from shared.runtime.logging import configure_logging
from shared.runtime.settings import Settings, load_settings

app = typer.Typer(
    name="onrecord",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Record meetings lawfully, and prove it.",
)

SERVICES = ("gateway", "consent", "recorder", "notifier", "relay", "audit")

projections = typer.Typer(no_args_is_help=True, help="Show the read models that are kept in Postgres; rebuild them.")


@app.command()
def up() -> None:
    """Run the whole system in this process, until Ctrl-C. Settings: docs/operations.md."""
    from services.system import system  # noqa: PLC0415  each command imports what it needs: the others start faster
    from shared.runtime.collector import collect_seldom  # noqa: PLC0415
    from shared.runtime.process import keep_to_owner, stop_signal, unless_stopped  # noqa: PLC0415

    async def run() -> None:
        async with stop_signal() as stop, unless_stopped(stop) as started, system() as running:
            started.set()
            typer.echo(f"onrecord is up on http://127.0.0.1:{running.http_port}; recordings: {running.storage_root}")
            typer.echo(f"The page, for a moderator, for 24 hours: {_page_link(running.http_port)}")
            typer.echo("Ctrl-C ends it. Tokens: onrecord token --help")
            collect_seldom()
            await stop.wait()
            typer.echo("Stopping: what is being recorded is finished first.")

    _configure("onrecord")
    keep_to_owner()
    uvloop.run(run())


@app.command()
def serve(service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")]) -> None:
    """Run one service alone. Needs ONRECORD_DATABASE_URL and ONRECORD_AMQP_URL, which it shares with the others."""
    if service not in SERVICES:
        raise StartupError(f"there is no service {service!r}: choose one of {', '.join(SERVICES)}")
    import_module(f"services.{service}.__main__").run()


@app.command()
def demo(
    as_json: AsJson = False,
    data_dir: Annotated[
        Path, typer.Option(help="Where the demo's database and recordings go, a new folder for each run.")
    ] = Path("onrecord-data/demo"),
    browser: Annotated[
        bool, typer.Option("--browser", help="Have the participants use the page, in a Chromium that is installed.")
    ] = False,
) -> None:
    """Record a short scripted meeting from real media over real signaling, and show the files."""
    from services.demo import report  # noqa: PLC0415
    from services.demo.run import run_demo  # noqa: PLC0415
    from shared.runtime.process import keep_to_owner  # noqa: PLC0415

    console = Console(stderr=as_json)
    begin = datetime.now(UTC)

    def say(sentence: str) -> None:
        console.print(f"[dim]{(datetime.now(UTC) - begin).total_seconds():5.1f} s[/dim]  {sentence}", highlight=False)

    async def run() -> None:
        folder = data_dir / begin.strftime("%Y%m%dT%H%M%SZ")
        result = await run_demo(say, browser=browser, data_dir=folder)
        if as_json:
            typer.echo(json.dumps(report.as_json(result.told, result.storage_root), indent=2))
        else:
            report.show(console, result.told, result.storage_root, result.decode_errors)
            where = "" if load_settings(Settings).database_url else f"ONRECORD_DATA_DIR={folder} "
            console.print(f"The log behind it: {where}onrecord replay", highlight=False, soft_wrap=True)
        if result.told.failures or any(result.decode_errors.values()):
            raise StartupError(f"not every file is good: {result.told.failures or result.decode_errors}")

    _configure("demo", level="warning")
    keep_to_owner()
    uvloop.run(run())


@app.command()
def align(
    recording: Annotated[str, typer.Argument(help="A recording id, or a participant recording id for that one alone.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder for copies and project; made if it is missing.")],
    as_json: AsJson = False,
) -> None:
    """Write copies of a recording's files that all begin together, and an editor's project of them (OpenTimelineIO).

    A copy is black and silent until its file begins; nothing is encoded anew.
    Files are held against the log first. Nothing is written over.
    """
    from services.align.command import align_command  # noqa: PLC0415
    from shared.runtime.process import keep_to_owner  # noqa: PLC0415

    keep_to_owner()
    run_command("align", align_command(recording, out, as_json=as_json))


@app.command()
def token(
    participant: Annotated[
        str | None, typer.Option(help="Bind it to this participant id; for joining alone, without --server.")
    ] = None,
    room: Annotated[str | None, typer.Option(help="Bind it to this room id.")] = None,
    moderator: Annotated[bool, typer.Option("--moderator", help="Let the bearer start and stop recordings.")] = False,
    server: Annotated[bool, typer.Option("--server", help="For the REST API alone: the bearer cannot join.")] = False,
    hours: Annotated[float, typer.Option(min=0, help="How many hours it is good for.")] = 24,
) -> None:
    """Print a token for clients or for the REST API."""
    from shared.runtime.tokens import Permission, Tokens  # noqa: PLC0415

    permissions: list[Permission] = ["allow_join", "allow_mod"] if moderator or server else ["allow_join"]
    tokens = Tokens(load_credentials(load_settings(Settings)))
    typer.echo(
        tokens.issue(
            datetime.now(UTC),
            permissions=permissions,
            roles=_roles(participant, server=server),
            room_id=room,
            participant_id=participant,
            lifetime=timedelta(hours=hours),
        )
    )


def _page_link(port: int) -> str:
    """Return where the page is, with a moderator's token behind the #, which browsers send to no server."""
    from shared.runtime.tokens import Tokens  # noqa: PLC0415

    tokens = Tokens(load_credentials(load_settings(Settings)))
    token = tokens.issue(datetime.now(UTC), permissions=["allow_join", "allow_mod"])
    return f"http://127.0.0.1:{port}/#token={token}"


def _roles(participant: str | None, *, server: bool) -> list[str]:
    """Return the roles of a token: what is handed to a participant's browser opens no REST API."""
    if server:
        return ["crawler"]
    return ["rtc"] if participant else []


@app.command()
def migrate() -> None:
    """Prepare the database, as its owner, so that services need no right to. Needs ONRECORD_DATABASE_URL."""
    from services.system import MIGRATIONS  # noqa: PLC0415
    from shared.runtime.database import migrate_database  # noqa: PLC0415
    from shared.runtime.infrastructure import LOG_MIGRATIONS  # noqa: PLC0415

    settings = load_settings(Settings)
    if settings.database_url is None:
        raise SettingError("ONRECORD_DATABASE_URL", "is not set: name the database to prepare")
    applied = uvloop.run(migrate_database(settings, (LOG_MIGRATIONS, *MIGRATIONS)))
    typer.echo("\n".join(f"applied {name}" for name in applied) or "The database is up to date.")


app.add_typer(projections, name="projections")
app.add_typer(webhooks, name="webhooks")
app.command()(replay)
app.add_typer(audit, name="audit")
app.add_typer(bench, name="bench")


@projections.command("list")
def list_projections(as_json: AsJson = False) -> None:
    """Show name, version, position, lag and state of each."""
    from services.projections import list_command  # noqa: PLC0415

    run_command("projections", list_command(as_json=as_json))


@projections.command("rebuild")
def rebuild_projections(name: Annotated[str | None, typer.Argument(help="Only this one.")] = None) -> None:
    """Make them anew from the whole log, also while services run. The old ones answer until the new ones are done."""
    from services.projections import rebuild_command  # noqa: PLC0415

    run_command("projections", rebuild_command(name))


def main() -> None:
    """Run the command line. What went wrong is one sentence on stderr and exit status 1."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except (StartupError, EventSourcingError, BusError, FfmpegError) as error:
        sys.exit(f"onrecord: {error}")
    except TimeoutError:
        sys.exit("onrecord: the system did not get on in time; ONRECORD_LOG_LEVEL=debug tells more")


def _configure(service: str, level: str | None = None) -> None:
    settings = load_settings(Settings)
    configure_logging(service, as_json=settings.log_json, level=level or settings.log_level)
