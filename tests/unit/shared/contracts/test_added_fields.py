"""Fields that events did not have at first: what was stored without them is the same, and reads as before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.contracts.message import Event
from shared.contracts.participant_recording import ParticipantRecordingDeleted
from shared.contracts.recording import RecordingStopped
from shared.contracts.registry import EVENTS
from shared.contracts.room import RoomCreated, SessionStarted
from tests.support.contracts import sample

ADDED: list[tuple[type[Event], str, Any, Any]] = [
    (RoomCreated, "withdrawal_policy", "keep", "erase"),
    (SessionStarted, "withdrawal_policy", "keep", "erase"),
    (RecordingStopped, "discarded", False, True),
    (ParticipantRecordingDeleted, "reason", "requested", "withdrawn"),
    (ParticipantRecordingDeleted, "written_by", None, "worker"),
]


@pytest.mark.parametrize(("contract", "name", "as_before", "new"), ADDED)
def test_it_is_written_where_it_says_more_than_events_did_before(
    contract: type[Event], name: str, as_before: Any, new: Any
) -> None:
    event = EVENTS[contract.type].model_validate_json(sample(contract.type))
    assert getattr(event, name) == as_before
    assert name not in json.loads(event.encode())
    said = event.model_copy(update={name: new}).encode()
    assert json.loads(said)[name] == new
    assert getattr(EVENTS[contract.type].model_validate_json(said), name) == new
