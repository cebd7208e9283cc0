"""Publishing to RabbitMQ with its confirms."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import takewhile

from aio_pika.abc import AbstractChannel
from aiormq.abc import ConfirmationFrameType
from aiormq.channel import Channel
from pamqp.commands import Basic

from shared.messaging.amqp import Letter
from shared.messaging.errors import BusUnavailableError
from shared.messaging.faults import told, translated
from shared.messaging.link import Link, driver

_CONFIRM_SECONDS = 10

_Sending = asyncio.Task[ConfirmationFrameType | None]


class Publisher:
    """One channel to publish on, opened anew when it was lost."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()

    async def publish(self, exchange: str, letters: Sequence[Letter], *, mandatory: bool = False) -> None:
        """Publish in this order; return once the broker has confirmed all. Raises BusUnavailableError.

        What is `mandatory` is confirmed only when there was a queue for it.
        """
        if not letters:
            return
        with translated():
            channel = await self._opened()
            sending = _send(await driver(channel), exchange, letters, mandatory=mandatory)
        try:
            _, late = await asyncio.wait(sending, timeout=_CONFIRM_SECONDS)
        finally:
            await _cancel(sending)
        if late:  # what was sent and not confirmed belongs to no later publishing
            await self._link.discard(channel)
        _require_confirmed(sending)

    async def _opened(self) -> AbstractChannel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._link.channel()
            return self._channel


def _send(channel: Channel, exchange: str, letters: Sequence[Letter], *, mandatory: bool) -> list[_Sending]:
    # All on one channel of one connection: when it breaks, what follows is not sent either. Several channels were
    # measured to be no quicker: what costs is the driver's work for each message. Only the last one waits until the
    # socket has taken all; that the driver does so for each message cost a tenth.
    last = len(letters) - 1
    return [
        asyncio.create_task(
            channel.basic_publish(
                letter.body,
                exchange=exchange,
                routing_key=letter.key,
                properties=letter.properties,
                mandatory=mandatory,
                wait=number == last,
            )
        )
        for number, letter in enumerate(letters)
    ]


async def _cancel(sending: list[_Sending]) -> None:
    unsettled = [task for task in sending if not task.done()]
    for task in unsettled:
        task.cancel()
    await asyncio.gather(*unsettled, return_exceptions=True)
    for task in sending:
        _fault(task)  # what failed after the first one interests nobody, but asyncio reports what nobody looked at


def _require_confirmed(sending: list[_Sending]) -> None:
    confirmed = sum(1 for _ in takewhile(_is_confirmed, sending))
    if confirmed < len(sending):
        error = _fault(sending[confirmed])
        raise BusUnavailableError(told(error) if error else "not confirmed", confirmed) from error


def _is_confirmed(task: _Sending) -> bool:
    # What is returned for want of a queue has its own message as the result.
    return _fault(task) is None and not task.cancelled() and isinstance(task.result(), Basic.Ack)


def _fault(task: _Sending) -> BaseException | None:
    return None if task.cancelled() else task.exception()
