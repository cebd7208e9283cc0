"""Examples of merges and transcodings."""

from __future__ import annotations

from typing import Any

from services.gateway.entrypoints.examples.common import (
    END,
    MERGE_ID,
    META,
    OTHER_RECORDING_ID,
    PAGE,
    RECORDING_ID,
    ROOM_ID,
    SESSION_ID,
    SIZE,
    START,
    URL,
)
from services.gateway.entrypoints.openapi import Route, Told

_MERGE: dict[str, Any] = {
    "id": MERGE_ID,
    "channel1": [{"recordingId": RECORDING_ID, "participantId": "alice"}],
    "channel2": [{"recordingId": OTHER_RECORDING_ID, "participantId": "bob"}],
    "start": START,
    "status": "running",
    "progress": 0,
    "meetingId": ROOM_ID,
    "sessionId": SESSION_ID,
}
_FILE: dict[str, Any] = {
    "id": "6697685c6eaaaac67ea18131",
    "userStorage": None,
    "createdAt": END,
    "updatedAt": END,
}
_MERGED = {
    **_MERGE,
    "end": END,
    "status": "completed",
    "progress": 100,
    "file": {
        **_FILE,
        "meta": {"format": "mp3", "duration": 24.989},
        "filePath": f"{SESSION_ID}/merge_recording_{MERGE_ID}.mp3",
        "fileUrl": f"{URL}/recordings/participant/merge/{MERGE_ID}/file",
        "type": "audio",
        "size": 399_824,
        "ratio": {"audio": 16_000},
    },
}
_TRANSCODING: dict[str, Any] = {
    "id": MERGE_ID,
    "recordingIds": [RECORDING_ID, OTHER_RECORDING_ID],
    "roomId": ROOM_ID,
    "sessionId": SESSION_ID,
    "status": "pending",
    "progress": 0,
    "task": "composite-merge",
    "startedAt": None,
    "stoppedAt": None,
    "file": None,
    "webhook": {"totalCount": 0, "successCount": 0, "data": []},
}
_TRANSCODED = {
    **_TRANSCODING,
    "status": "completed",
    "progress": 100,
    "startedAt": START,
    "stoppedAt": END,
    "file": {
        **_FILE,
        **SIZE,
        "meta": {**META, "format": "mp4"},
        "filePath": f"{SESSION_ID}/composite_recording_{MERGE_ID}.mp4",
        "fileUrl": f"{URL}/transcodings/{MERGE_ID}/file",
    },
}
_NO_MERGE = {404: ("merge_not_found",)}
_NO_MERGE_FILE = {404: ("merge_not_found", "file_not_found")}

MERGES: dict[Route, Told] = {
    ("post", "/v2/recordings/participant/merge"): Told(
        "merges",
        {
            "sessionId": SESSION_ID,
            "channel1": [{"participantId": "alice"}],
            "channel2": [{"participantId": "bob", "recordingId": OTHER_RECORDING_ID}],
        },
        {"message": "Merge recording job started successfully.", "recording": _MERGE},
        {
            400: ("unsupported_kind", "not_supported"),
            404: ("session_not_found", "recording_not_found"),
            409: ("already_merging", "recording_running"),
        },
    ),
    ("get", "/v2/recordings/participant/merge"): Told("merges", None, {"pageInfo": PAGE, "recordings": [_MERGED]}),
    ("get", "/v2/recordings/participant/merge/{merge_id}"): Told("merges", None, _MERGED, _NO_MERGE),
    ("get", "/v2/recordings/participant/merge/{merge_id}/file"): Told("merges", None, None, _NO_MERGE_FILE),
    ("post", "/v2/transcodings/merge"): Told(
        "transcodings",
        {"recordingIds": _TRANSCODING["recordingIds"], "webhookUrl": "https://example.org/hook"},
        _TRANSCODING,
        {
            400: ("several_sessions", "not_supported"),
            404: ("recording_not_found",),
            409: ("already_merging", "recording_running"),
        },
    ),
    ("get", "/v2/transcodings"): Told("transcodings", None, {"pageInfo": PAGE, "data": [_TRANSCODED]}),
    ("get", "/v2/transcodings/{merge_id}"): Told("transcodings", None, _TRANSCODED, _NO_MERGE),
    ("post", "/v2/transcodings/{merge_id}/cancel"): Told(
        "transcodings",
        None,
        {**_TRANSCODING, "status": "cancelled", "stoppedAt": END},
        {**_NO_MERGE, 409: ("merge_not_running",)},
    ),
    ("get", "/v2/transcodings/{merge_id}/file"): Told("transcodings", None, None, _NO_MERGE_FILE),
}
