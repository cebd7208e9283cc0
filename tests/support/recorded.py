"""What happens to participant recordings, merges and their webhooks, told in few words."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from shared.contracts.merge import MergedFile, MergeEvent, MergeInput, merge_set
from shared.contracts.participant_recording import (
    ParticipantRecordingDeleted,
    ParticipantRecordingEvent,
    RecordedFile,
    RecordingKind,
)
from shared.contracts.webhook import WebhookDelivered, WebhookFailed
from tests.support.moments import at

Recorded = TypeVar("Recorded", bound=ParticipantRecordingEvent)
Merged = TypeVar("Merged", bound=MergeEvent)

HOOK = "https://target.example/hook"


def recorded_file(path: str = "s/ann/participant_recording_ann_1.webm", **fields: Any) -> RecordedFile:
    usual = {
        "size_bytes": 21_724_519,
        "sha256": "ab" * 32,
        "duration_ms": 598_000,
        "width": 640,
        "height": 360,
        "video_codec": "vp8",
        "audio_codec": "opus",
        "video_frames": 270,
        "audio_packets": 450,
    }
    return RecordedFile.model_validate({"path": path, **usual, **fields})


def recorded(
    what: type[Recorded],
    one: str = "one",
    second: float = 0,
    *,
    who: str = "ann",
    kind: RecordingKind = "audio_video",
    room: str = "r",
    session: str = "s",
    **fields: Any,
) -> Recorded:
    """Say what happened to the recording `one`; fields that nobody named are some or other."""
    about = {"room_id": room, "session_id": session, "participant_id": who, "participant_recording_id": one}
    reason = "requested" if what is ParticipantRecordingDeleted else "disk full"
    usual = {"worker_id": "w", "reason": reason, "code": "consent_required", "file": recorded_file()}
    more = {"until": at(60), "begin": at(second - 1), "deleted_by": "server:key", "paths": ("p",)}
    return what.model_validate({"at": at(second), "kind": kind, **about, **usual, **more, **fields})


def merged(
    what: type[Merged], one: str = "m", second: float = 0, *, room: str = "r", session: str = "s", **fields: Any
) -> Merged:
    """Say what happened to the merge `one`."""
    inputs = (MergeInput(participant_id="ann", participant_recording_id="one"),)
    about = {"room_id": room, "session_id": session, "merge_id": one, "set_id": merge_set("stereo", inputs)}
    file = MergedFile(path="s/merge_recording_m.mp3", size_bytes=9, sha256="cd" * 32, duration_ms=3)
    usual = {"layout": "stereo", "inputs": inputs, "worker_id": "w", "percent": 40, "file": file}
    more = {"reason": "no file", "cancelled_by": "server:key"}
    return what.model_validate({"at": at(second), **about, **usual, **more, **fields})


def posted(
    event_id: UUID, webhook_type: str, second: float = 0, *, delivered: bool, url: str = HOOK
) -> WebhookDelivered | WebhookFailed:
    """Say how an attempt to tell a target of an event went."""
    about: dict[str, Any] = {"room_id": "r", "event_id": event_id, "url": url, "webhook_type": webhook_type}
    if delivered:
        return WebhookDelivered(at=at(second), **about, status=200)
    return WebhookFailed(at=at(second), **about, reason="the target answered 500", status=500)
