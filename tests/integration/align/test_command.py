"""`onrecord align` on a log in a real Postgres, as a user runs it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.media.ffmpeg import find_ffmpeg
from shared.contracts.participant_recording import ParticipantRecordingDeleted, ParticipantRecordingStopped
from shared.eventsourcing.postgres import PostgresEventStore
from tests.integration.align.test_align import recorded, sounds
from tests.support.command import onrecord
from tests.support.moments import at
from tests.unit.audit.story import about, asked, begun, ended, joined, log_of, requested, started, stopped

pytest.importorskip("opentimelineio", reason="there is no package of it for this Python")


@pytest.fixture
async def settings(store: PostgresEventStore, database_url: str, tmp_path: Path) -> dict[str, str]:
    """The settings of a log and its storage: Ann's file begins a second after the recording, Bob's is deleted."""
    ffmpeg, root = find_ffmpeg(None), tmp_path / "store"
    copy = await recorded(ffmpeg, LocalObjectStore(root), sounds(ffmpeg))
    told = {**about(13), "participant_recording_id": "ann-file", "file": copy.source}
    gone = {**about(14, "bob"), "participant_recording_id": "bob-file"}
    events = [
        joined(1), joined(1, "bob"), asked(9), begun(10),
        requested(10, "ann"), started(11, "ann"), requested(10, "bob"), started(11, "bob"),
        ended(13), ParticipantRecordingStopped(**told), stopped(13, "bob"),
        ParticipantRecordingDeleted(**gone, deleted_by="server:key", paths=("p",)),
    ]  # fmt: skip
    await log_of(events, store)
    return {"ONRECORD_DATABASE_URL": database_url, "ONRECORD_STORAGE_URL": f"file://{root}"}


def test_it_writes_copies_and_project_and_says_what_it_left_out(settings: dict[str, str], tmp_path: Path) -> None:
    told = onrecord(f"align rec --out {tmp_path}/out", settings, tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    name = f"aligned_ann_{round(at(11).timestamp() * 1000)}.webm"
    assert f"  {name}  3.000 s, the first 1.000 s black and silent\n" in told.stdout
    assert "Left out: bob: " in told.stdout
    files = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in files] == [name, "rec.otio"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_for_programs_it_is_json(settings: dict[str, str], tmp_path: Path) -> None:
    told = json.loads(onrecord(f"align ann-file --json --out {tmp_path}/out", settings, tmp_path).stdout)
    assert (told["recording"], told["project"], told["leftOut"]) == ("rec", "rec.otio", [])
    assert [(copy["participant"], copy["leadMs"]) for copy in told["copies"]] == [("ann", 1000)]


def test_a_second_time_it_writes_nothing_over(settings: dict[str, str], tmp_path: Path) -> None:
    onrecord(f"align rec --out {tmp_path}/out", settings, tmp_path)
    again = onrecord(f"align rec --out {tmp_path}/out", settings, tmp_path)
    assert again.returncode == 1
    assert again.stderr.startswith("onrecord: ")
    assert again.stderr.endswith("is there, and is not written over: name another folder with --out, or move it away\n")


def test_a_recording_that_nobody_knows_is_named(settings: dict[str, str], tmp_path: Path) -> None:
    told = onrecord(f"align nothing --out {tmp_path}/out", settings, tmp_path)
    assert told.returncode == 1
    assert "the log has no recording 'nothing'" in told.stderr
    assert not (tmp_path / "out").exists()
