"""The connection to RabbitMQ, and the topology on it: what is lost of either is back soon.

aio-pika can restore connections, channels and consumers by itself, and has lost some of them on the way. Here nothing
is restored: what is lost is dropped and made anew, by one loop for the connection and one for each consumer.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.connection import make_url
from aiormq.channel import Channel
from aiormq.exceptions import ChannelInvalidStateError

from shared.messaging.declaring import ANSWER_SECONDS, declare_topology, require_topology
from shared.messaging.faults import ended, told, uncancelled, unless, with_patience

_log = structlog.get_logger()

_CONNECT_SECONDS = 10
#: Between attempts to come back.
_RETRY_SECONDS = 0.5
#: Between looks at the topology. A publisher must not publish into nothing for more than two seconds.
_LOOK_SECONDS = 1.5


class Link:
    """One connection at a time. Nobody gets it before the topology is declared."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AbstractConnection | None = None
        #: By which we see that the topology is there: its absence ends this channel and no other.
        self._watching: AbstractChannel | None = None
        self._broken = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and stay connected. Raises one of FAULTS; those that come later are waited out."""
        _require_address(self._url)
        await self._connect()
        self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        if self._keeping:
            await ended(self._keeping)
        await self._disconnect()

    async def channel(self) -> AbstractChannel:
        """Open a channel. Raises one of FAULTS."""
        if not self._connection or not self._connection.connected.is_set():
            raise ChannelInvalidStateError("not connected")
        return await _channel(self._connection)

    async def discard(self, channel: AbstractChannel) -> None:
        """End a channel for certain. Where the broker does not confirm that, the whole connection is dropped."""
        if not channel.is_closed and not await with_patience(channel.close()) and not channel.is_closed:
            self._broken.set()

    async def _keep(self) -> None:
        while True:
            try:
                with uncancelled():
                    await self._look()
            except Exception as error:  # noqa: BLE001  whatever it was, this loop must not end
                _log.warning("broker or topology lost", error=told(error))
                await self._restore()

    async def _look(self) -> None:
        """Return if all is there after a while. Raises one of FAULTS as soon as it is not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._broken.wait()
        if self._broken.is_set() or not self._watching:
            raise ChannelInvalidStateError("connection broken")
        # A connection that is being closed may leave a question without an answer.
        await unless(self._broken, require_topology(self._watching))

    async def _restore(self) -> None:
        while True:
            try:
                with uncancelled():
                    await self._make_good()
            except Exception as error:  # noqa: BLE001  the same
                _log.warning("broker not reached", error=told(error))
                self._broken.set()
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                _log.info("broker and topology are back")
                return

    async def _make_good(self) -> None:
        if self._watching:
            await self.discard(self._watching)
        if self._connection and not self._broken.is_set():
            self._watching = await _declared(self._connection)
        else:
            await self._disconnect()
            await self._connect()

    async def _connect(self) -> None:
        connection = aio_pika.Connection(make_url(self._url))
        try:
            await connection.connect(timeout=_CONNECT_SECONDS)
            self._broken = broken = asyncio.Event()
            connection.close_callbacks.add(lambda *_: broken.set())
            self._watching = await _declared(connection)
        except BaseException:
            # Also one that did not come about: it would close itself when it is collected, where no loop may run.
            await with_patience(connection.close())
            raise
        self._connection = connection

    async def _disconnect(self) -> None:
        connection, self._connection, self._watching = self._connection, None, None
        if connection:
            await with_patience(connection.close())


async def driver(channel: AbstractChannel) -> Channel:
    """Return the driver's channel below. aio-pika's own abstraction of it hides some of what it can do."""
    below = await channel.get_underlay_channel()
    assert isinstance(below, Channel), "it makes no others"
    return below


async def _declared(connection: AbstractConnection) -> AbstractChannel:
    channel = await _channel(connection)
    await declare_topology(channel)
    return channel


async def _channel(connection: AbstractConnection) -> AbstractChannel:
    async with asyncio.timeout(ANSWER_SECONDS):
        return await connection.channel(publisher_confirms=True, on_return_raises=False)


def _require_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"amqp", "amqps"} or not parts.hostname:
        raise ValueError("not an address like amqp://user:password@host/vhost")
