from __future__ import annotations

import json
from typing import Any

import pytest

from services.notifier.payload import webhook_body
from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingStopped
from shared.contracts.recording import RecordingFailed, RecordingRequested, RecordingStarted, RecordingStopped
from shared.contracts.registry import EVENTS
from tests.support.contracts import samples
from tests.support.moments import at
from tests.support.participant_recordings import FILE, failed, requested, started, stop_requested, stopped

REC = {"room_id": "r", "session_id": "s", "recording_id": "rec"}
ROOM = {"meetingId": "r", "sessionId": "s"}
ANN = {**ROOM, "participantId": "ann"}

TOLD: list[tuple[Event, str, dict[str, Any]]] = [
    (RecordingRequested(at=at(), **REC, requested_by="ann"), "recording-starting", ROOM),
    (RecordingStarted(at=at(), **REC, worker_id="w"), "recording-started", ROOM),
    (RecordingStopped(at=at(), **REC, reason="requested"), "recording-stopped", ROOM),
    (RecordingFailed(at=at(), **REC, reason="no worker answered"), "recording-failed", ROOM),
    (requested(), "participant-recording-starting", {**ANN, "fileFormat": "webm"}),
    (started(), "participant-recording-started", {**ANN, "fileFormat": "webm"}),
    (stop_requested(), "participant-recording-stopping", {**ANN, "fileFormat": "webm"}),
    (
        stopped(),
        "participant-recording-stopped",
        {**ANN, "fileDetails": [{"filePath": FILE.path, "fileUrl": None}]},
    ),
    (failed(), "participant-recording-failed", ANN),
]


@pytest.mark.parametrize(("event", "webhook_type", "data"), TOLD, ids=[event.type for event, _, _ in TOLD])
def test_a_webhook_tells_of_every_recording_event(event: Event, webhook_type: str, data: dict[str, Any]) -> None:
    body = webhook_body(event)
    assert body is not None
    assert json.loads(body) == {"webhookType": webhook_type, "data": data}


def test_a_webhook_tells_of_nothing_else() -> None:
    told = {type(event) for event, _, _ in TOLD}
    silent = {sample.type for sample in samples() if webhook_body(sample) is None}
    assert silent == {wire_type for wire_type, contract in EVENTS.items() if contract not in told}


def test_the_bytes_are_what_a_receiver_gets_who_parses_and_writes_them_anew() -> None:
    """`JSON.stringify` puts no white space, keeps the order of keys and leaves every letter as it is."""
    file = FILE.model_copy(update={"path": 's/åsa/grüße "日本" \u2028 \x7f 😀.webm'})
    event = ParticipantRecordingStopped.model_validate({**stopped().model_dump(), "file": file.model_dump()})
    assert (
        webhook_body(event)
        == (
            '{"webhookType":"participant-recording-stopped",'
            '"data":{"meetingId":"r","sessionId":"s","participantId":"ann",'
            '"fileDetails":[{"filePath":"s/åsa/grüße \\"日本\\" \u2028 \x7f 😀.webm","fileUrl":null}]}}'
        ).encode()
    )


@pytest.mark.parametrize("event", [event for event, _, _ in TOLD], ids=lambda event: event.type)
def test_every_body_is_compact(event: Event) -> None:
    body = webhook_body(event)
    assert body is not None
    assert body == json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()
