"""An example of every message on the bus, as documents show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from shared.contracts import actors
from shared.contracts.message import Contract
from shared.contracts.participant_recording import ParticipantRecordingAccepted
from shared.contracts.recording import ConfirmRecording
from shared.contracts.registry import COMMANDS, EVENTS
from shared.contracts.reply import Accepted, Refused
from shared.contracts.rtp_source import RtpPorts, RtpSourceOpened
from shared.contracts.watermark import Watermark
from shared.contracts.whip_session import WhipSessionOpened, WhipSessionPatched
from shared.eventsourcing.codec import Context
from shared.eventsourcing.event import StoredEvent
from shared.messaging.message import Message, command_message, contract_message, event_message

_SAMPLES = Path(__file__).parents[2] / "tests" / "data" / "events"

_NOW = datetime(2026, 11, 20, 9, 30, 15, 123456, UTC)
_ALICE = "3a0c9a3e-52a5-4a0f-9c60-0d3b7f6f2b11"
_CONTEXT = Context(
    actors.participant(_ALICE),
    UUID("0b9c1f3e-6a57-4ad1-8a4c-0f6b1c2d3e50"),
    UUID("0b9c1f3e-6a57-4ad1-8a4c-0f6b1c2d3e51"),
)
_FILE = "0e6b2c1a7f105d3c9b0e2f4a"
_WORKER = "recorder-7c9d-2"
_OF_WORKER = replace(_CONTEXT, actor=actors.worker(_WORKER))

#: Of all commands together: each takes the fields that it has.
_ASKED = {
    "at": _NOW,
    "room_id": "abcd-efgh-ijkl",
    "session_id": "5f1d7e0c2a9b4c3d8e6f7a01",
    "participant_id": _ALICE,
    "consent": True,
    "text_version": "2026-11",
    "recording_id": "9d3f0f6e-3a57-4ad1-8a4c-0f6b1c2d3e4f",
    "worker_id": _WORKER,
    "video": {"codec": "vp8", "payload_type": 96},
    "audio": {"codec": "opus", "payload_type": 111},
    "participant_recording_id": _FILE,
    "consents": True,
    "present": True,
    "attested_by": "key",
    "reference": "contract 4711",
    "webhook_url": "https://example.org/hook",
    "storage_prefix": "team/meetings",
    "deleted_by": actors.server("key"),
    "cancelled_by": actors.server("key"),
    "requested_by": actors.server("key"),
    "merge_id": "7b0e6b2c-1a7f-4d3c-9b0e-2f4a6c8e0d1b",
    "set_id": "cd" * 16,
    "layout": "stereo",
    "inputs": [{"participant_id": _ALICE, "participant_recording_id": _FILE}],
    "whip_session_id": "sJ0dR1h2bGk4Zk9vYw",
    "offer": "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n…",
    "fragment": "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n…",
    "ice": "x7Yq",
    "webhook_id": "9d3f0f6e-3a57-5ad1-8a4c-0f6b1c2d3e4f",
}
_OTHERS: Mapping[str, Contract] = {
    Accepted.type: Accepted(),
    Refused.type: Refused(
        code="lapsed", message="rtp-source.open.v1 came too late: whoever asked was told that it failed"
    ),
    RtpSourceOpened.type: RtpSourceOpened(
        host="127.0.0.1",
        video=RtpPorts(rtp_port=41022, rtcp_port=41023),
        audio=RtpPorts(rtp_port=49716, rtcp_port=49717),
    ),
    WhipSessionOpened.type: WhipSessionOpened(
        worker_id=_WORKER,
        whip_session_id="sJ0dR1h2bGk4Zk9vYw",
        answer="v=0\r\no=onrecord 4611731400430051337 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n…",
        ice="x7Yq",
    ),
    WhipSessionPatched.type: WhipSessionPatched(ice="x7Yq"),
    ParticipantRecordingAccepted.type: ParticipantRecordingAccepted(participant_recording_id=_FILE),
    Watermark.type: Watermark(at=_NOW, global_position=4711),
}
_COMMAND_SECONDS = 5


def example(wire_type: str) -> Message:
    """Return a message of that wire type."""
    if wire_type in EVENTS:
        return event_message(_stored(wire_type))
    if wire_type in COMMANDS:
        context = _OF_WORKER if wire_type == ConfirmRecording.type else _CONTEXT
        return command_message(COMMANDS[wire_type].model_validate(_ASKED), context, _COMMAND_SECONDS)
    return contract_message(_OTHERS[wire_type], wire_type)


def _stored(wire_type: str) -> StoredEvent:
    payload = (_SAMPLES / f"{wire_type}.json").read_bytes()
    event = EVENTS[wire_type].model_validate_json(payload)
    return StoredEvent(
        stream=event.stream,
        position=3,
        global_position=4711,
        id=UUID("019aa0c5-7d53-7000-8000-0f6b1c2d3e4f"),
        type=wire_type,
        payload=payload,
        occurred_at=event.at,
        actor=_CONTEXT.actor,
        causation_id=_CONTEXT.causation_id,
        correlation_id=_CONTEXT.correlation_id,
    )
