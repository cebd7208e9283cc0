"""What the demo shows at its end, from the log and from the files themselves."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from services.audit.projections.timeline import FileOnRecord, ParticipantTimeline, Timeline

#: Characters of a timeline bar.
_BAR = 36


def as_json(told: Timeline, storage_root: Path) -> dict[str, Any]:
    """Return the report for programs. Times are ISO 8601 in UTC, durations in ms."""
    return {
        "sessionId": told.session_id,
        "recordingId": told.recording_ids[-1],
        "files": [_file(each, storage_root) for each in sorted(told.files, key=lambda each: each.participant_id)],
        "participantsWithoutFile": sorted(told.participants.keys() - {each.participant_id for each in told.files}),
    }


def _file(on_record: FileOnRecord, storage_root: Path) -> dict[str, Any]:
    file = on_record.file
    return {
        "participantId": on_record.participant_id,
        "path": str(storage_root / file.path),
        "start": _timestamp(on_record.start),
        "end": _timestamp(on_record.end),
        "durationMs": file.duration_ms,
        "width": file.width,
        "height": file.height,
        "videoCodec": file.video_codec,
        "audioCodec": file.audio_codec,
        "videoFrames": file.video_frames,
        "audioPackets": file.audio_packets,
    }


def show(console: Console, told: Timeline, storage_root: Path, decode_errors: dict[str, str]) -> None:
    """Print a table of the files and the timeline of who was recorded when."""
    console.print(_files_table(told, decode_errors))
    console.print(f"in {storage_root / told.session_id}\n", soft_wrap=True)
    console.print(_timeline_table(told))


def _files_table(told: Timeline, decode_errors: dict[str, str]) -> Table:
    table = Table(title="Files", title_justify="left")
    for heading in ("file of", "codecs", "picture", "duration", "frames", "packets", "KiB", "decodes"):
        table.add_column(heading, justify="left" if heading in {"file of", "codecs"} else "right", no_wrap=True)
    for each in sorted(told.files, key=lambda each: each.participant_id):
        file = each.file
        table.add_row(
            each.participant_id,
            f"{file.video_codec}+{file.audio_codec}",
            f"{file.width}x{file.height}",
            f"{file.duration_ms / 1000:.2f} s",
            str(file.video_frames),
            str(file.audio_packets),
            f"{file.size_bytes / 1024:.0f}",
            "with errors" if decode_errors.get(each.participant_id) else "cleanly",
        )
    return table


def _timeline_table(told: Timeline) -> Table:
    begin = min((each.start for each in told.files), default=None)
    end = max((each.end for each in told.files), default=None)
    table = Table(title="Who was recorded when: █ picture and sound, ░ black and silence", title_justify="left")
    for heading in ("who", "timeline", "recorded"):
        table.add_column(heading, no_wrap=True)
    if begin is None or end is None:
        return table
    files = {each.participant_id: each for each in told.files}
    for name, participant in sorted(told.participants.items()):
        spans = ", ".join(_seconds(span.begin, span.end or end, begin) for span in participant.spans)
        table.add_row(name, _bar(participant, files.get(name), begin, end), spans or "never: no consent")
    return table


def _bar(participant: ParticipantTimeline, file: FileOnRecord | None, begin: datetime, end: datetime) -> str:
    step = (end - begin) / _BAR
    moments = [begin + step * (n + 0.5) for n in range(_BAR)]
    return "".join(_mark(participant, file, moment) for moment in moments)


def _mark(participant: ParticipantTimeline, file: FileOnRecord | None, moment: datetime) -> str:
    if any(span.begin <= moment and (span.end is None or moment < span.end) for span in participant.spans):
        return "█"
    return "░" if file and file.start <= moment < file.end else " "


def _seconds(begin: datetime, end: datetime, zero: datetime) -> str:
    return f"{(begin - zero).total_seconds():.1f} to {(end - zero).total_seconds():.1f} s"


def _timestamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
