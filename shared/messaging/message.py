"""A message on the bus, and what the log and the contracts become as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from pydantic import ValidationError

from shared.contracts.message import Command, Contract
from shared.contracts.registry import COMMANDS
from shared.contracts.reply import Accepted, Refused
from shared.eventsourcing.codec import Context
from shared.eventsourcing.event import StoredEvent
from shared.messaging.errors import MalformedMessageError

Answer = TypeVar("Answer", bound=Contract)


@dataclass(frozen=True, slots=True)
class Message:
    """Bytes with a type. On the events exchange, the type is the routing key."""

    type: str
    payload: bytes
    id: UUID = field(default_factory=uuid4)
    headers: Mapping[str, str] = field(default_factory=dict)


def event_message(stored: StoredEvent) -> Message:
    """Return what the relay publishes: the stored bytes, untouched, with the rest as headers."""
    headers = {
        "stream": stored.stream,
        "position": str(stored.position),
        "global-position": str(stored.global_position or 0),
        "occurred-at": stored.occurred_at.isoformat(),
        "actor": stored.actor,
        "causation-id": str(stored.causation_id),
        "correlation-id": str(stored.correlation_id),
    }
    return Message(stored.type, stored.payload, stored.id, headers)


def stored_event(message: Message) -> StoredEvent:
    """Return the event that a published message carries. Raises MalformedMessageError."""
    headers = message.headers
    try:
        return StoredEvent(
            stream=headers["stream"],
            position=int(headers["position"]),
            global_position=int(headers["global-position"]),
            id=message.id,
            type=message.type,
            payload=message.payload,
            occurred_at=datetime.fromisoformat(headers["occurred-at"]),
            actor=headers["actor"],
            causation_id=UUID(headers["causation-id"]),
            correlation_id=UUID(headers["correlation-id"]),
        )
    except (KeyError, ValueError) as error:
        raise MalformedMessageError(message.type, f"bad or missing header: {error}") from error


def contract_message(contract: Contract, wire_type: str, headers: Mapping[str, str] | None = None) -> Message:
    """Return a message that carries a contract which is no event."""
    return Message(wire_type, contract.model_dump_json(exclude_none=True).encode(), headers=headers or {})


def command_message(command: Command, context: Context, within: float) -> Message:
    """Return a command on its way to its owner. Asked again in the same context, it is the same message.

    Its id is what led to it, and so the cause of what it leads to: its owner finds it in the stream. A context is for
    one command. A command that lapses does so `within` seconds of its moment.
    """
    headers = {"actor": context.actor, "correlation-id": str(context.correlation_id)}
    if command.lapses:
        headers["lapses-at"] = (command.at + timedelta(seconds=within)).isoformat()
    return replace(contract_message(command, command.type, headers), id=context.causation_id)


def has_lapsed(message: Message, now: datetime) -> bool:
    """Tell whether a command has lapsed: nobody waits for it any more. Raises MalformedMessageError."""
    lapses_at = message.headers.get("lapses-at")
    try:
        return lapses_at is not None and datetime.fromisoformat(lapses_at) < now
    except (ValueError, TypeError) as error:
        raise MalformedMessageError(message.type, f"bad header lapses-at: {error}") from error


def asked_command(message: Message) -> tuple[Command, Context]:
    """Return the command of a message and who asked. Raises MalformedMessageError."""
    contract = COMMANDS.get(message.type)
    if contract is None:
        raise MalformedMessageError(message.type, "no such command")
    try:
        correlation = UUID(message.headers["correlation-id"])
        context = Context(message.headers["actor"], message.id, correlation)
        return contract.model_validate_json(message.payload), context
    except (KeyError, ValueError) as error:
        raise MalformedMessageError(message.type, str(error)) from error


def read_reply(message: Message, answer: type[Answer]) -> Answer | Refused:
    """Return the owner's answer as `answer`, or its refusal. Raises MalformedMessageError."""
    try:
        if message.type == Refused.type:
            return Refused.model_validate_json(message.payload)
        return answer.model_validate_json(message.payload)
    except ValidationError as error:
        raise MalformedMessageError(message.type, str(error)) from error


ACCEPTED = contract_message(Accepted(), Accepted.type)


def refusal(code: str, reason: str) -> Message:
    return contract_message(Refused(code=code, message=reason), Refused.type)
