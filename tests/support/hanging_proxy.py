"""A proxy whose connections can be made to hang: they stay open, and nothing comes through any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.support.proxy import Proxy, _Streams

_BYTES = 65536


class HangingProxy(Proxy):
    """Has connections hang for ever; those that are made after it answers again are as good as new."""

    def __init__(self, url: str, standard_port: int) -> None:
        super().__init__(url, standard_port)
        self.answer()

    def hang(self) -> None:
        self._flowing.clear()

    def answer(self) -> None:
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def _carry(self, client: _Streams) -> None:
        server, flowing = await self._connect(), self._flowing
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(client[0], server[1], flowing))
                group.create_task(_pump(server[0], client[1], flowing))
        finally:
            for writer in (client[1], server[1]):
                writer.transport.abort()


@asynccontextmanager
async def hanging(url: str) -> AsyncIterator[HangingProxy]:
    """Put one before the PostgreSQL at this address."""
    proxy = HangingProxy(url, 5432)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_BYTES):
            await flowing.wait()
            writer.write(data)
            await writer.drain()
    writer.close()
