"""Serving HTTP within a service."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Annotated

import uvicorn
from fastapi import APIRouter, FastAPI, Response, Security
from fastapi.security import APIKeyHeader
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.concurrency.supervision import single_error
from shared.runtime.errors import SettingError
from shared.runtime.loop_lag import watch_loop
from shared.runtime.websockets import WebSocketProtocol

#: How long open connections may take to end at shutdown.
_GRACE_SECONDS = 3
_BACKLOG = 1024
#: How often a WebSocket client is asked whether it is there, and how long it may take to answer.
_PING_SECONDS, _PONG_SECONDS = 15, 20

#: The header that carries a token; `Tokens.read` takes it as it is. In OpenAPI it is what secures a route.
Authorization = Annotated[
    str | None,
    Security(
        APIKeyHeader(
            name="Authorization",
            scheme_name="token",
            description="A JWT as `onrecord token` makes it: bare, or after `Bearer `.",
            auto_error=False,
        )
    ),
]

Ready = Callable[[], Awaitable[bool]]


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to the process it is part of, and wakes that once a second, not ten times."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told_to_stop = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._told_to_stop.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # which sets the date that answers bear
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._told_to_stop.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: FastAPI, host: str, port: int) -> AsyncIterator[int]:
    """Serve the app while the context lasts; yield the port. Raises SettingError when it is taken."""
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws=WebSocketProtocol,
        ws_max_size=2**20,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PONG_SECONDS,
        # Messages are small, and compression would hold more memory for each connection than all the rest.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config)
    with single_error():
        async with asyncio.TaskGroup() as group:
            task = group.create_task(server.serve(sockets=[listener]))
            lag = group.create_task(watch_loop())
            try:
                yield listener.getsockname()[1]
            finally:
                lag.cancel()
                # Waited for here: a body that failed would have the group cut it off before it has closed its socket.
                server.stop()
                await asyncio.wait({task})


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        setting = "ONRECORD_HTTP_HOST and ONRECORD_HTTP_PORT"
        raise SettingError(setting, f"name an address that cannot be used: {_reason(error, host, port)}") from error


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{host}:{port} is taken by another program"
    return f"{host}:{port}: {error.strerror}"


def health_router(ready: Ready) -> APIRouter:
    """Return liveness, readiness and metrics, as every service has them."""
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> Response:
        return Response("ok", media_type="text/plain")

    @router.get("/readyz")
    async def readyz() -> Response:
        return Response("ok") if await ready() else Response("not ready", status_code=503)

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
