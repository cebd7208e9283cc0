"""A proxy that cuts connections in the middle of what they carry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

from tests.support.proxy import Proxy, _Streams

_BYTES = 65536

Direction = Literal["to the server", "from the server"]


class _CutError(Exception):
    """The byte has come after which nothing follows."""


class CuttingProxy(Proxy):
    """Lets so many more bytes pass in one direction, cuts the connection that carried the last of them, and goes on."""

    def __init__(self, url: str, standard_port: int) -> None:
        super().__init__(url, standard_port)
        self._left: dict[Direction, int | None] = {}
        #: How often it has cut.
        self.cuts = 0

    def cut_after(self, count: int, direction: Direction) -> None:
        """Cut after so many bytes from now; the last frame may go through in part."""
        self._left[direction] = count

    async def _carry(self, client: _Streams) -> None:
        server = await self._connect()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(client[0], server[1], "to the server"))
                group.create_task(self._pump(server[0], client[1], "from the server"))
        except* _CutError:
            self.cuts += 1
        finally:
            for writer in (client[1], server[1]):
                writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_BYTES):
                left = self._left.get(direction)
                writer.write(data[:left])
                await writer.drain()
                if left is not None:
                    self._spend(len(data), left, direction)
        writer.close()

    def _spend(self, count: int, left: int, direction: Direction) -> None:
        self._left[direction] = left - count if count < left else None
        if count >= left:
            raise _CutError


@asynccontextmanager
async def cutting(url: str) -> AsyncIterator[CuttingProxy]:
    """Put one before the server at this address of PostgreSQL or RabbitMQ."""
    proxy = CuttingProxy(url, 5672 if url.startswith("amqp") else 5432)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
