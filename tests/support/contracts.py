"""The stored sample of every event type."""

from __future__ import annotations

from pathlib import Path

from shared.contracts.message import Event
from shared.contracts.registry import EVENTS

DIRECTORY = Path(__file__).parents[1] / "data" / "events"


def sample(wire_type: str) -> bytes:
    """The bytes as the log holds them."""
    return (DIRECTORY / f"{wire_type}.json").read_bytes()


def samples() -> list[Event]:
    return [contract.model_validate_json(sample(wire_type)) for wire_type, contract in EVENTS.items()]
