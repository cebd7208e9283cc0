"""A participant recording as REST v2 shows it: VideoSDK's object.

Its JSON is what `JSON.stringify(JSON.parse(...))` makes of it again: no number is written as `58.0` or as `1e-07`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from services.gateway.hex_ids import hex_id
from services.gateway.projections.kept_recordings import Delivery, KeptRecording
from shared.contracts.participant_recording import RecordedFile
from shared.eventsourcing.event import StoredEvent
from shared.runtime.file_urls import recording_file_url
from shared.runtime.moments import moment

#: There is but one.
_REGION = "default"
#: Digits behind the point; more would be written with an exponent when they are small.
_DIGITS = 4


def recording_object(recording: KeptRecording, public_url: str) -> dict[str, Any]:
    """Return the documented fields, and those of ours that hold: participantName, and recordingId of a room's."""
    shown = {
        "sessionId": recording.session_id,
        "participantId": recording.participant_id,
        "kind": recording.kind,
        "fileFormat": "webm",
        "start": moment(recording.started_at) if recording.started_at else None,
        "end": moment(recording.ended_at) if recording.ended_at else None,
        "mode": "participant" if recording.kind == "audio_video" else "track",
        "region": _REGION,
        "files": [_file(recording, file, index, public_url) for index, file in enumerate(recording.files)],
        "roomId": recording.room_id,
        "webhook": webhook_summary(recording.deliveries),
        "id": recording.id,
    }
    beside = {"participantName": recording.participant_name, "recordingId": recording.recording_id}
    return shown | {name: value for name, value in beside.items() if value is not None}


def webhook_summary(deliveries: Sequence[Delivery]) -> dict[str, Any]:
    """Return how webhooks went: of each that was posted, whether it was delivered in the end."""
    return {
        "totalCount": len(deliveries),
        "successCount": sum(each.delivered for each in deliveries),
        "data": [{"type": each.webhook_type, "success": each.delivered} for each in deliveries],
    }


def file_measures(size_bytes: int, duration_ms: int, width: int, height: int, file_format: str) -> dict[str, Any]:
    """Return what VideoSDK says of every file: its meta, type, size, and bytes per second by its height."""
    resolution = {"resolution": {"width": width, "height": height}} if height else {}
    per_second = size_bytes * 1000 / duration_ms if duration_ms else 0
    return {
        "meta": {**resolution, "format": file_format, "duration": number(duration_ms / 1000)},
        "type": "video" if height else "audio",
        "size": size_bytes,
        "ratio": {str(height) if height else "audio": number(per_second)},
    }


def number(value: float) -> int | float:
    """Return the number as JavaScript writes it: a whole one has no point, a small one no exponent."""
    rounded = round(value, _DIGITS)
    return int(rounded) if rounded == int(rounded) else rounded


def event_object(stored: StoredEvent) -> dict[str, Any]:
    """Return an event as the log holds it, but for details that are nobody's outside."""
    data = {name: value for name, value in json.loads(stored.payload).items() if name != "details"}
    return {
        "type": stored.type,
        "at": moment(stored.occurred_at),
        "actor": stored.actor,
        "position": stored.position,
        "data": data,
    }


def _file(recording: KeptRecording, file: RecordedFile, index: int, public_url: str) -> dict[str, Any]:
    measures = file_measures(file.size_bytes, file.duration_ms, file.width, file.height, "webm")
    return {
        "meta": measures["meta"],
        "_id": hex_id(recording.id, index),
        "userId": hex_id(recording.room_id),
        "filePath": file.path,
        "fileUrl": recording_file_url(public_url, recording.kind, recording.id, index),
        "type": measures["type"],
        "size": measures["size"],
        "ratio": measures["ratio"],
        "__v": 0,
    }
