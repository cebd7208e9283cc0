"""Queues and messages in the terms of AMQP 0-9-1 and RabbitMQ."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from aio_pika.abc import AbstractIncomingMessage
from pamqp.commands import Basic
from pamqp.common import FieldValue

from shared.messaging.dead_letter import DeadLetter
from shared.messaging.errors import MalformedMessageError
from shared.messaging.message import Message
from shared.messaging.topology import DEAD_LETTERS, Queue

#: A message that comes this often without being settled ends the processes that take it. Far above any number of
#: attempts: the broker also counts deliveries that merely waited in a consumer whose connection was lost.
_DELIVERIES = 20
_PERSISTENT = 2


def queue_arguments(queue: Queue) -> dict[str, FieldValue]:
    arguments: dict[str, FieldValue] = {
        "x-dead-letter-exchange": DEAD_LETTERS,
        "x-dead-letter-routing-key": queue.name,
    }
    if queue.shared:
        arguments |= {"x-queue-type": "quorum", "x-delivery-limit": _DELIVERIES}
    return arguments


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way to an exchange."""

    key: str
    body: bytes
    properties: Basic.Properties


def to_amqp(key: str, message: Message, question: str | None = None, *, reply_to: str | None = None) -> Letter:
    properties = Basic.Properties(
        message_type=message.type,
        message_id=str(message.id),
        headers=dict(message.headers),
        content_type="application/json",
        delivery_mode=_PERSISTENT,
        reply_to=reply_to,
        correlation_id=question,
    )
    return Letter(key, message.payload, properties)


def buried(incoming: AbstractIncomingMessage, letter: DeadLetter) -> Letter:
    """Return the message as it came, with the reason for its death added to its headers."""
    properties = Basic.Properties(
        content_type=incoming.content_type,
        content_encoding=incoming.content_encoding,
        headers={**incoming.headers, **letter.headers},
        delivery_mode=_PERSISTENT,
        correlation_id=incoming.correlation_id,
        reply_to=incoming.reply_to,
        message_id=incoming.message_id,
        timestamp=incoming.timestamp,
        message_type=incoming.type,
        app_id=incoming.app_id,
        # Not the expiration: dead letters wait for people. Nor the user: the broker refuses another one's than ours.
    )
    return Letter(letter.queue, incoming.body, properties)


def from_amqp(incoming: AbstractIncomingMessage) -> Message:
    headers = {name: str(value) for name, value in incoming.headers.items()}
    try:
        return Message(incoming.type or "", incoming.body, UUID(incoming.message_id or ""), headers)
    except ValueError as error:
        raise MalformedMessageError(incoming.type or "", "no message id") from error
