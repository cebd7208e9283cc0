"""Rows of the projection of participant recordings and merges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from services.gateway.projections.kept_recordings import KeptMerge, KeptRecording
from shared.contracts.merge import MergedFile, MergeInput
from shared.contracts.participant_recording import RecordedFile

RECORDING_FIELDS = (
    "id",
    "position",
    "room_id",
    "session_id",
    "participant_id",
    "kind",
    "recording_id",
    "state",
    "storage_prefix",
    "started_at",
    "ended_at",
    "reason",
    "files",
)
MERGE_FIELDS = (
    "id",
    "position",
    "set_id",
    "room_id",
    "session_id",
    "layout",
    "inputs",
    "state",
    "requested_at",
    "storage_prefix",
    "percent",
    "started_at",
    "ended_at",
    "reason",
    "file",
)
_FILES = TypeAdapter(tuple[RecordedFile, ...])
_INPUTS = TypeAdapter(tuple[MergeInput, ...])


def recording_of(row: Mapping[str, Any], **beside: Any) -> KeptRecording:
    """Return what a row holds, and what is kept beside it."""
    return KeptRecording(**{**row, **beside, "files": _FILES.validate_json(row["files"])})


def recording_row(recording: KeptRecording) -> list[object]:
    written = {"files": _FILES.dump_json(recording.files).decode()}
    return [written[name] if name in written else getattr(recording, name) for name in RECORDING_FIELDS]


def merge_of(row: Mapping[str, Any], **beside: Any) -> KeptMerge:
    """Return what a row holds, and what is kept beside it."""
    file = MergedFile.model_validate_json(row["file"]) if row["file"] else None
    return KeptMerge(**{**row, **beside, "inputs": _INPUTS.validate_json(row["inputs"]), "file": file})


def merge_row(merge: KeptMerge) -> list[object]:
    file = merge.file.model_dump_json() if merge.file else None
    written = {"inputs": _INPUTS.dump_json(merge.inputs).decode(), "file": file}
    return [written[name] if name in written else getattr(merge, name) for name in MERGE_FIELDS]
