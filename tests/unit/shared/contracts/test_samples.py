"""What was ever written must be readable for ever: samples are added, and never changed."""

from __future__ import annotations

import pytest

from shared.contracts.gaps import FileGaps, Gap
from shared.contracts.participant_recording import ParticipantRecordingStopped
from shared.contracts.registry import COMMANDS, EVENTS
from tests.support.contracts import DIRECTORY, sample


def test_every_event_type_has_a_sample() -> None:
    assert {path.stem for path in DIRECTORY.glob("*.json")} >= EVENTS.keys()


@pytest.mark.parametrize("wire_type", [path.stem for path in sorted(DIRECTORY.glob("*.json"))])
def test_a_stored_event_still_loads_and_is_written_as_the_same_bytes(wire_type: str) -> None:
    assert EVENTS[wire_type].model_validate_json(sample(wire_type)).encode() == sample(wire_type)


@pytest.mark.parametrize("wire_type", sorted(EVENTS))
def test_an_event_with_fields_of_a_newer_version_loads(wire_type: str) -> None:
    newer = sample(wire_type).replace(b"{", b'{"field_of_tomorrow":[1],', 1)
    assert EVENTS[wire_type].model_validate_json(newer).encode() == sample(wire_type)


@pytest.mark.parametrize("wire_type", sorted(EVENTS))
def test_an_event_knows_its_stream(wire_type: str) -> None:
    stream = EVENTS[wire_type].model_validate_json(sample(wire_type)).stream
    category, _, _ = wire_type.partition(".")
    assert stream.startswith(f"{category}-")


def test_a_file_that_was_stopped_before_its_gaps_were_told_tells_none() -> None:
    stopped = ParticipantRecordingStopped.model_validate_json(sample(ParticipantRecordingStopped.type))
    assert stopped.gaps is None
    told = stopped.model_copy(
        update={"gaps": FileGaps(longest=(Gap(track="audio", begin_ms=1, end_ms=2, reason="lost"),))}
    )
    assert ParticipantRecordingStopped.model_validate_json(told.encode()) == told


def test_every_wire_type_bears_a_version_and_is_used_once() -> None:
    wire_types = [*EVENTS, *COMMANDS]
    assert all(wire_type.rpartition(".v")[2].isdigit() for wire_type in wire_types)
    assert len(wire_types) == len(set(wire_types))
