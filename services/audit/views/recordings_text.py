"""The recordings of the log in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.audit.projections.recordings import RecordingOnRecord
from services.audit.views.telling import timestamp
from shared.runtime.printable import shown


def show_recordings(console: Console, recordings: list[RecordingOnRecord]) -> None:
    if not recordings:
        console.print("The log has no recordings.")
        return
    table = Table(expand=True)
    for heading in ("recording", "room", "session", "begin", "end", "files of"):
        table.add_column(heading, overflow="fold")
    table.columns[0].no_wrap = True  # it is what one wants to copy
    for one in recordings:
        table.add_row(
            *(Text(shown(identifier)) for identifier in (one.recording_id, one.room_id, one.session_id)),
            timestamp(one.begin) if one.begin else "never",
            Text(shown(_end(one))),
            Text(shown(", ".join(one.participants))),
        )
    console.print(table)
    console.print("onrecord audit timeline RECORDING shows one of them.")


def _end(one: RecordingOnRecord) -> str:
    if one.failure is not None:
        return f"failed: {one.failure}"
    if one.end:
        return timestamp(one.end)
    return "paused" if one.paused else "still running"
