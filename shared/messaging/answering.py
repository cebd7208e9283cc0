"""Answering commands: from a message to its handler and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from shared.concurrency.clock import Clock, utc_now
from shared.contracts.message import Command
from shared.eventsourcing.codec import Context
from shared.eventsourcing.decider import RefusedError
from shared.messaging.bus import Answerer
from shared.messaging.errors import MalformedMessageError
from shared.messaging.message import Message, asked_command, has_lapsed, refusal

#: Takes the command type it is listed under.
CommandAnswerer = Callable[[Any, Context], Awaitable[Message]]


def answering(handlers: Mapping[type[Command], CommandAnswerer], clock: Clock = utc_now) -> Answerer:
    """Return what answers each command by its handler, a RefusedError by its refusal, and nothing that has lapsed."""

    async def answer(message: Message) -> Message:
        command, context = asked_command(message)
        handler = handlers.get(type(command))
        if handler is None:
            raise MalformedMessageError(message.type, "no command of this service")
        if has_lapsed(message, clock()):
            return refusal("lapsed", f"{message.type} came too late: whoever asked was told that it failed")
        try:
            return await handler(command, context)
        except RefusedError as error:
            return refusal(error.code, str(error))

    return answer
