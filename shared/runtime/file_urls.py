"""Where finished files are fetched from the gateway. A token is needed there."""

from __future__ import annotations

from shared.contracts.merge import MergeLayout
from shared.contracts.participant_recording import RecordingKind


def recording_file_url(public_url: str, kind: RecordingKind, participant_recording_id: str, index: int) -> str:
    """Return the URL of one of the recording's files, counted from 0."""
    base = f"{public_url.rstrip('/')}/v2/recordings/participant"
    if kind == "audio_video":
        return f"{base}/{participant_recording_id}/file" + (f"?index={index}" if index else "")
    return f"{base}/track/{participant_recording_id}/file?index={index}"


def merge_file_url(public_url: str, layout: MergeLayout, merge_id: str) -> str:
    folder = "recordings/participant/merge" if layout == "stereo" else "transcodings"
    return f"{public_url.rstrip('/')}/v2/{folder}/{merge_id}/file"
