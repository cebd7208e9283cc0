"""What `onrecord align` does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer

from services.align.copying import Copier
from services.align.errors import (
    FolderError,
    LibraryMissingError,
    NameTakenError,
    NothingToAlignError,
    SourceChangedError,
    SourceMissingError,
)
from services.align.plan import Plan, plan
from services.audit.lookup import examine
from services.audit.reading import Progress, silent
from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.media.black import BlackPictures
from services.recorder.media.ffmpeg import find_ffmpeg
from services.recorder.media.tags import Tags
from services.recorder.settings import RecorderSettings
from shared.eventsourcing.postgres import PostgresEventStore
from shared.runtime.printable import shown
from shared.runtime.reading import opened_log, progress_bar
from shared.runtime.settings import load_settings


async def align_command(recording_id: str, out: Path, *, as_json: bool) -> None:
    """Write the copies and the project. Raises AlignError, StartupError, EventSourcingError and FfmpegError."""
    settings = load_settings(RecorderSettings)
    async with opened_log() as pool:
        with progress_bar("Reading the log", hidden=as_json) as progress:
            told = (await examine(PostgresEventStore(pool), recording_id, progress)).told
    planned = plan(told)
    with progress_bar("Copying", hidden=as_json) as progress:
        await align(planned, find_ffmpeg(settings.ffmpeg), LocalObjectStore(settings.storage_root), out, progress)
    typer.echo(json.dumps(_plain(planned, out), indent=2) if as_json else "\n".join(_lines(planned, out)))


async def align(planned: Plan, ffmpeg: Path, store: LocalObjectStore, out: Path, progress: Progress = silent) -> None:
    """Write what is planned into a folder: all of it, or nothing."""
    if not planned.copies:
        raise NothingToAlignError(planned.recording_id, map(str, planned.left_out))
    project = _project(planned)
    with _folder(out) as meanwhile:
        await asyncio.to_thread(_check_free, out, planned)
        for copy in planned.copies:
            await _check_source(store, copy.source.path, copy.source.sha256)
        copier = Copier(ffmpeg, BlackPictures(ffmpeg), meanwhile)
        for number, copy in enumerate(planned.copies, start=1):
            tags = Tags(copy.participant_id, planned.room_id, planned.start)
            await copier.make(store.root / copy.source.path, copy, tags)
            progress(number, len(planned.copies))
        (meanwhile / planned.project).write_text(project, "utf-8")
        await asyncio.to_thread(_put_in_place, meanwhile, out, planned)


def _project(planned: Plan) -> str:
    try:
        from services.align.project import project  # noqa: PLC0415  there is a Python without it
    except ModuleNotFoundError as error:
        raise LibraryMissingError from error
    return project(planned)


@contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """Yield a folder within `out`, which is made, for what is only there meanwhile."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".align-", dir=out) as meanwhile:
            yield Path(meanwhile)
    except OSError as error:
        raise FolderError(out, error.strerror) from error


def _check_free(out: Path, planned: Plan) -> None:
    for name in planned.names:
        if (out / name).exists():
            raise NameTakenError(out / name)


async def _check_source(store: LocalObjectStore, key: str, logged: str) -> None:
    """Raise if the store does not give the file, or has another one."""
    try:
        _, found = await store.digest(key)
    except OSError as error:
        raise SourceMissingError(key, store.root, error.strerror) from error
    if found != logged:
        raise SourceChangedError(key, found, logged)


def _put_in_place(meanwhile: Path, out: Path, planned: Plan) -> None:
    """Let all appear, the project last: what it names is there then."""
    _check_free(out, planned)
    for name in planned.names:
        (meanwhile / name).rename(out / name)


def _lines(planned: Plan, out: Path) -> Iterator[str]:
    yield f"All begin at {planned.start.isoformat()}, in {out}:"
    for copy in planned.copies:
        yield f"  {copy.name}  {copy.duration_ms / 1000:.3f} s, the first {copy.lead_ms / 1000:.3f} s black and silent"
    yield f"  {planned.project}  the project that lays them side by side"
    for left_out in planned.left_out:
        yield f"Left out: {shown(str(left_out))}"


def _plain(planned: Plan, out: Path) -> dict[str, Any]:
    return {
        "recording": planned.recording_id,
        "start": planned.start.isoformat(),
        "folder": str(out),
        "project": planned.project,
        "copies": [
            {
                "participant": copy.participant_id,
                "name": copy.name,
                "leadMs": copy.lead_ms,
                "durationMs": copy.duration_ms,
            }
            for copy in planned.copies
        ],
        "leftOut": [
            {
                "participant": each.participant_id,
                "participantRecording": each.participant_recording_id,
                "reason": each.reason,
            }
            for each in planned.left_out
        ],
    }
