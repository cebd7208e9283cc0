"""`onrecord projections`: shows them, and makes them anew."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import typer

from services.consent.projections.consent_register import CONSENT_REGISTER
from services.gateway.projections.recordings import RECORDINGS
from services.gateway.projections.sessions import SESSIONS
from services.notifier.projections.webhook_outbox import WEBHOOK_OUTBOX
from shared.eventsourcing.outages import outages_told
from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.projection_builds import Build, all_builds
from shared.eventsourcing.projection_runner import rebuild
from shared.runtime.errors import SettingError
from shared.runtime.reading import opened_log, progress_bar

#: All there are, by name.
PROJECTIONS = {projection.name: projection for projection in (CONSENT_REGISTER, RECORDINGS, SESSIONS, WEBHOOK_OUTBOX)}


@dataclass(frozen=True, slots=True)
class Listed:
    """A projection's build, as it is shown."""

    name: str
    #: Of the build; 0 where there is none.
    version: int
    position: int
    #: Events of the log that are not in it yet.
    lag: int
    #: `live`, `building`, `stopped`, or `none` where there is none.
    state: str
    #: Why it is stopped.
    reason: str | None = None


async def list_command(*, as_json: bool) -> None:
    """Print what there is. Raises StartupError and EventSourcingError."""
    async with opened_log() as pool:
        with outages_told():
            listed = _listed(await all_builds(pool), await PostgresEventStore(pool).head())
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in listed], indent=2))
        return
    for each in listed:
        typer.echo(f"{each.name:<18} version {each.version}  position {each.position}  lag {each.lag}  {each.state}")
        if each.reason:
            typer.echo(f"    {each.reason}")


async def rebuild_command(name: str | None) -> None:
    """Rebuild one or all. Raises StartupError and EventSourcingError."""
    chosen = _chosen(name)
    async with opened_log() as pool:
        for projection in chosen:
            with progress_bar(projection.name, stays=True) as progress:
                await rebuild(projection, PostgresEventStore(pool), pool, progress)
            typer.echo(f"{projection.name} is rebuilt and live")


def _chosen(name: str | None) -> list[Projection]:
    if name is None:
        return list(PROJECTIONS.values())
    if name not in PROJECTIONS:
        raise SettingError("NAME", f"is {name!r}: choose one of {', '.join(PROJECTIONS)}")
    return [PROJECTIONS[name]]


def _listed(builds: list[Build], head: int) -> list[Listed]:
    each = [
        Listed(build.name, build.version, build.position, max(0, head - build.position), _state(build), build.stopped)
        for build in builds
    ]
    missing = PROJECTIONS.keys() - {build.name for build in builds}
    return [*each, *(Listed(name, 0, 0, head, "none") for name in sorted(missing))]


def _state(build: Build) -> str:
    return "stopped" if build.stopped else build.stage
