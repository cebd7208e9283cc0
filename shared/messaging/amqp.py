"""Queues and messages in the terms of AMQP 0-9-1 and RabbitMQ."""

from __future__ import annotations

from uuid import UUID

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from pamqp.common import FieldValue

from shared.messaging.errors import MalformedMessageError
from shared.messaging.message import Message
from shared.messaging.topology import DEAD_LETTERS, Queue

#: A message that comes this often without being settled ends the processes that take it. Far above any number of
#: attempts: the broker also counts deliveries that merely waited in a consumer whose connection was lost.
_DELIVERIES = 20


def queue_arguments(queue: Queue) -> dict[str, FieldValue]:
    arguments: dict[str, FieldValue] = {
        "x-dead-letter-exchange": DEAD_LETTERS,
        "x-dead-letter-routing-key": queue.name,
    }
    if queue.shared:
        arguments |= {"x-queue-type": "quorum", "x-delivery-limit": _DELIVERIES}
    if queue.shared and queue.ordered:
        arguments["x-single-active-consumer"] = True
    return arguments


def to_amqp(message: Message, question: str | None = None, *, reply_to: str | None = None) -> aio_pika.Message:
    return aio_pika.Message(
        message.payload,
        type=message.type,
        message_id=str(message.id),
        headers=dict(message.headers),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        reply_to=reply_to,
        correlation_id=question,
    )


def from_amqp(incoming: AbstractIncomingMessage) -> Message:
    headers = {name: str(value) for name, value in incoming.headers.items()}
    try:
        return Message(incoming.type or "", incoming.body, UUID(incoming.message_id or ""), headers)
    except ValueError as error:
        raise MalformedMessageError(incoming.type or "", "no message id") from error
