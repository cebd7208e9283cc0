"""Examples of participant and track recordings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.gateway.entrypoints.examples.common import (
    END,
    META,
    NO_ROOM,
    PAGE,
    RECORDING_ID,
    ROOM_ID,
    SESSION_ID,
    SIZE,
    START,
    URL,
    WHO,
)
from services.gateway.entrypoints.openapi import Route, Told
from shared.contracts import actors

_TRACK_ID = "66976600a8faa5fa9694945d"
_WEBHOOK = {
    "totalCount": 1,
    "successCount": 1,
    "data": [{"type": "participant-recording-started", "success": True}],
}
_HISTORY = {
    "type": "participant-recording.started.v1",
    "at": START,
    "actor": actors.service("recorder"),
    "position": 2,
    "data": {"participant_recording_id": RECORDING_ID, "worker_id": "7f3c"},
}
_HOW = {"webhookUrl": "https://example.org/hook", "bucketDirPath": "team/calls"}
_NO_RECORDING = {404: ("recording_not_found",)}
_NO_FILE = {404: ("recording_not_found", "file_not_found")}
_NOTHING_RUNS = {**NO_ROOM, 404: ("session_not_found", "not_recording")}
_NOT_NOW = {**_NOTHING_RUNS, 409: ("not_started",)}
_NOT_STARTED = {
    400: ("room_not_found", "unsupported_file_format"),
    403: ("consent_required",),
    404: ("session_not_found",),
    409: ("already_recording",),
}


def _recording(kind: str, path: str) -> dict[str, Any]:
    tracks, one = ("", RECORDING_ID) if kind == "audio_video" else ("track/", _TRACK_ID)
    file = {
        "meta": META,
        "_id": "6697685c6eaaaac67ea18130",
        "userId": "5f8a1c2e9b7d4c3f6e0a1b2d",
        "filePath": path,
        "fileUrl": f"{URL}/recordings/participant/{tracks}{one}/file?index=0",
        **SIZE,
        "__v": 0,
    }
    return {
        "sessionId": SESSION_ID,
        "participantId": "alice",
        "kind": kind,
        "fileFormat": "webm",
        "start": START,
        "end": END,
        "mode": "participant" if kind == "audio_video" else "track",
        "region": "default",
        "files": [file],
        "roomId": ROOM_ID,
        "webhook": _WEBHOOK,
        "id": one,
        "participantName": "Alice",
    }


def _recordings(below: str, called: str, subject: Mapping[str, Any], recording: Mapping[str, Any]) -> dict[Route, Told]:
    path, tag = f"/v2/recordings/participant{below}", f"{called} recordings"
    kinds = ("unsupported_kind",) if below else ()
    not_started = {**_NOT_STARTED, 400: (*_NOT_STARTED[400], *kinds)}
    running, now = ({**each, 400: ("room_not_found", *kinds)} for each in (_NOTHING_RUNS, _NOT_NOW))
    return {
        ("post", f"{path}/start"): Told(
            tag, {**subject, **_HOW}, f"{called} recording started successfully.", not_started
        ),
        ("post", f"{path}/stop"): Told(tag, subject, f"{called} recording ended successfully.", running),
        ("post", f"{path}/pause"): Told(tag, subject, f"{called} recording paused successfully.", now),
        ("post", f"{path}/resume"): Told(tag, subject, f"{called} recording resumed successfully.", now),
        ("get", path): Told(tag, None, {"pageInfo": PAGE, "data": [recording]}),
        ("get", f"{path}/{{id}}"): Told(tag, None, recording, _NO_RECORDING),
        ("delete", f"{path}/{{id}}"): Told(
            tag,
            None,
            f"{called.title()} Recording deleted successfully.",
            {**_NO_RECORDING, 409: ("recording_running",)},
        ),
        ("get", f"{path}/{{id}}/events"): Told(tag, None, {"data": [_HISTORY]}, _NO_RECORDING),
        ("get", f"{path}/{{id}}/file"): Told(tag, None, None, _NO_FILE),
    }


_PATH = f"{SESSION_ID}/alice"
PARTICIPANTS: dict[Route, Told] = _recordings(
    "", "participant", WHO, _recording("audio_video", f"{_PATH}/participant_recording_alice_1784358630247.webm")
)
_TIMELINE = {
    "version": 1,
    "room_id": ROOM_ID,
    "session_id": SESSION_ID,
    "participant_id": "alice",
    "participant_recording_id": RECORDING_ID,
    "recording_id": None,
    "file": {
        "path": f"{_PATH}/participant_recording_alice_1784358630247.webm",
        "size_bytes": 4711,
        "sha256": "ab" * 32,
        "duration_ms": 9000,
        "width": 640,
        "height": 480,
        "video_codec": "vp8",
        "audio_codec": "opus",
        "video_frames": 210,
        "audio_packets": 450,
    },
    "begin": "2026-07-18T07:10:30.247000Z",
    "end": "2026-07-18T07:10:39.247000Z",
    "tracks": [
        {"track": "audio", "codec": "opus", "gaps": []},
        {
            "track": "video",
            "codec": "vp8",
            "gaps": [
                {
                    "begin_ms": 3000,
                    "end_ms": 5000,
                    "begin": "2026-07-18T07:10:33.247000Z",
                    "end": "2026-07-18T07:10:35.247000Z",
                    "reason": "camera_off",
                }
            ],
        },
    ],
    "gaps_left_out": 0,
    "gaps_left_out_ms": 0,
    "skew_ms": 12.5,
    "log": {
        "stream": f"participant-recording-{SESSION_ID}:alice",
        "started": {"position": 2, "global_position": 41},
        "latest": {"position": 5, "global_position": None},
    },
}
PARTICIPANTS |= {
    ("get", "/v2/recordings/participant/{id}/timeline"): Told("participant recordings", None, _TIMELINE, _NO_FILE)
}
TRACKS: dict[Route, Told] = _recordings(
    "/track",
    "track",
    {**WHO, "kind": "video"},
    _recording("video", f"{_PATH}/video/track_recording_alice_video_1784358630247.webm"),
)
