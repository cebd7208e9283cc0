"""Services as processes of their own, to be measured, killed and started again."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx

from shared.runtime.errors import StartupError

_START_SECONDS = 120
_STOP_SECONDS = 30
#: Below those that systems give to outgoing connections.
_PORTS = range(10_000, 30_000)
#: Of what a process wrote before it ended, as much as tells why.
_LAST_WORDS = 2000


class ServiceProcess:
    """One service, run as `python -m services.<name>` on a port of its own."""

    def __init__(self, name: str, settings: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.port = free_port()
        self._settings = settings
        self._log = log
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_started(self) -> bool:
        """Whether it was ever started; it may have ended since."""
        return self._process is not None

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises StartupError when it ends before, and TimeoutError."""
        environment = {**os.environ, **self._settings, "ONRECORD_HTTP_PORT": str(self.port)}
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", f"services.{self.name}", env=environment, stdout=log, stderr=log
            )
        await self._ready()

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to end, and return its exit status. Raises TimeoutError when it does not, after killing it."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise

    async def _ready(self) -> None:
        assert self._process is not None
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(_START_SECONDS):
            while self._process.returncode is None:
                with suppress(httpx.HTTPError):
                    if (await http.get(f"{self.url}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)  # between two looks; the deadline is above
        raise StartupError(f"{self.name} ended: {self.last_words()}")

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-_LAST_WORDS:].strip()


def free_port() -> int:
    """Return a port that nobody listens at, and that no outgoing connection is given meanwhile."""
    while True:
        port = secrets.choice(_PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
