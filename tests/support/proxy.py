"""A TCP proxy before a real server, by which tests take the server away and give it back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

from tests.support.processes import free_port

_BYTES = 65536

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """Carries bytes between its port and a server."""

    def __init__(self, url: str, standard_port: int) -> None:
        self._url = url
        self._standard_port = standard_port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._port = free_port()
        #: How often a client has said something so far.
        self.requests = 0

    @property
    def url(self) -> str:
        """The server's address, through the proxy."""
        parts = urlsplit(self._url)
        login, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{login}{at}127.0.0.1:{self._port}", query="").geturl()

    async def open(self) -> None:
        """Let connections through again."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)

    async def close(self) -> None:
        """Break all connections and refuse new ones."""
        if self._server:
            self._server.close()
            self._server = None
        await self.break_connections()

    async def break_connections(self) -> None:
        """Break the connections there are; new ones get through."""
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._carry((reader, writer)))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)
        # Here as well: what is cancelled before it has begun has no `finally`.
        connection.add_done_callback(lambda _: writer.transport.abort())

    async def _carry(self, client: _Streams) -> None:
        server = await self._connect()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(client[0], server[1], self._count))
                group.create_task(_pump(server[0], client[1], lambda: None))
        finally:
            for writer in (client[1], server[1]):
                writer.transport.abort()

    def _count(self) -> None:
        self.requests += 1

    async def _connect(self) -> _Streams:
        parts = urlsplit(self._url)
        port = parts.port or self._standard_port
        folder = parse_qs(parts.query).get("host", [""])[0]
        if folder.startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        return await asyncio.open_connection(parts.hostname, port)


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """Put a proxy before the server at this address of PostgreSQL or RabbitMQ."""
    proxy = Proxy(url, 5672 if url.startswith("amqp") else 5432)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, read: Callable[[], None]) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_BYTES):
            read()
            writer.write(data)
            await writer.drain()
    writer.close()
