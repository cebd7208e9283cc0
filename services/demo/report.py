"""What the demo shows at its end, from the log and from the files themselves."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from services.audit.projections.files import FileOnRecord
from services.audit.projections.line import Span, Status
from services.audit.projections.participant_timeline import ParticipantTimeline
from services.audit.projections.timeline import RecordingTimeline
from shared.contracts.participant_recording import RecordedFile

#: Characters of a timeline bar.
_BAR = 36
_MARKS: dict[Status, str] = {"recorded": "█", "blank": "░", "none": " "}


def as_json(told: RecordingTimeline, storage_root: Path) -> dict[str, Any]:
    """Return the report for programs. Times are ISO 8601 in UTC, durations in ms."""
    files = _in_place(told)
    return {
        "sessionId": told.session_id,
        "recordingId": told.recording_id,
        "files": [_file(on_record, file, storage_root) for on_record, file in files],
        "participantsWithoutFile": sorted(
            {participant.participant_id for participant in told.participants}
            - {on_record.participant_id for on_record, _ in files}
        ),
    }


def _in_place(told: RecordingTimeline) -> list[tuple[FileOnRecord, RecordedFile]]:
    return [(on_record, on_record.file) for on_record in told.files if on_record.file]


def _file(on_record: FileOnRecord, file: RecordedFile, storage_root: Path) -> dict[str, Any]:
    return {
        "participantId": on_record.participant_id,
        "path": str(storage_root / file.path),
        "start": _timestamp(on_record.begin),
        "end": _timestamp(on_record.ended.moment if on_record.ended else on_record.begin),
        "durationMs": file.duration_ms,
        "width": file.width,
        "height": file.height,
        "videoCodec": file.video_codec,
        "audioCodec": file.audio_codec,
        "videoFrames": file.video_frames,
        "audioPackets": file.audio_packets,
    }


def show(console: Console, told: RecordingTimeline, storage_root: Path, decode_errors: dict[str, str]) -> None:
    """Print a table of the files and the timeline of who was recorded when."""
    console.print(_files_table(told, decode_errors))
    console.print(f"in {storage_root / told.session_id}\n", soft_wrap=True)
    console.print(_timeline_table(told))


def _files_table(told: RecordingTimeline, decode_errors: dict[str, str]) -> Table:
    table = Table(title="Files", title_justify="left")
    for heading in ("file of", "codecs", "picture", "duration", "frames", "packets", "KiB", "decodes"):
        table.add_column(heading, justify="left" if heading in {"file of", "codecs"} else "right", no_wrap=True)
    for on_record, file in _in_place(told):
        table.add_row(
            on_record.participant_id,
            f"{file.video_codec}+{file.audio_codec}",
            f"{file.width}x{file.height}",
            f"{file.duration_ms / 1000:.2f} s",
            str(file.video_frames),
            str(file.audio_packets),
            f"{file.size_bytes / 1024:.0f}",
            "with errors" if decode_errors.get(on_record.participant_id) else "cleanly",
        )
    return table


def _timeline_table(told: RecordingTimeline) -> Table:
    table = Table(title="Who was recorded when: █ picture and sound, ░ black and silence", title_justify="left")
    for heading in ("who", "timeline", "recorded"):
        table.add_column(heading, no_wrap=True)
    begin, end = told.begin.moment, told.until
    for participant in told.participants:
        spans = ", ".join(_seconds(span, begin, end) for span in participant.recorded)
        table.add_row(participant.participant_id, _bar(participant, begin, end), spans or "never: no consent")
    return table


def _bar(participant: ParticipantTimeline, begin: datetime, end: datetime) -> str:
    step = (end - begin) / _BAR
    return "".join(_mark(participant, begin + step * (n + 0.5)) for n in range(_BAR))


def _mark(participant: ParticipantTimeline, moment: datetime) -> str:
    part = next((part for part in participant.parts if part.end is None or moment < part.end.moment), None)
    return _MARKS[part.status] if part else " "


def _seconds(span: Span, zero: datetime, end: datetime) -> str:
    first, last = span.begin.moment if span.begin else zero, span.end.moment if span.end else end
    return f"{(first - zero).total_seconds():.1f} to {(last - zero).total_seconds():.1f} s"


def _timestamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
