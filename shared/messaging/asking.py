"""Asking the services that own other streams."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from shared.contracts.message import Command, Contract
from shared.contracts.reply import Refused
from shared.eventsourcing.codec import Context
from shared.eventsourcing.decider import RefusedError
from shared.messaging.bus import Bus
from shared.messaging.message import command_message, read_reply

Answer = TypeVar("Answer", bound=Contract)


class CommandRefusedError(RefusedError):
    """The service that owns the stream decided against it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message)
        self.code = refused.code


class Owners:
    """The services that own the streams, as another one asks them."""

    def __init__(self, bus: Bus, timeout: float) -> None:
        self._bus = bus
        self._timeout = timeout

    @property
    def patience(self) -> timedelta:
        """How long an answer is waited for. A command that lapses is not begun later."""
        return timedelta(seconds=self._timeout)

    async def ask(self, command: Command, context: Context, answer: type[Answer]) -> Answer:
        """Have the owner decide the command. Raises CommandRefusedError, and BusError when nobody answers in time."""
        message = command_message(command, context, self._timeout)
        reply = read_reply(await self._bus.ask(command.addressee, message, self._timeout), answer)
        if isinstance(reply, Refused):
            raise CommandRefusedError(reply)
        return reply
