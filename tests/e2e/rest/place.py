"""The system that is walked against: `onrecord up`, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.processes import free_port

_START_SECONDS, _STOP_SECONDS = 120, 30


@dataclass(frozen=True, slots=True)
class Place:
    url: str
    settings: Mapping[str, str]
    folder: Path

    @property
    def storage(self) -> Path:
        """Where files are stored."""
        return self.folder / "recordings"

    @classmethod
    @asynccontextmanager
    async def up(cls, settings: Mapping[str, str], folder: Path) -> AsyncIterator[Place]:
        """Run it while the context lasts. Raises TimeoutError."""
        port, log = free_port(), folder / "onrecord.log"
        place = cls(f"http://127.0.0.1:{port}", settings, folder)
        command = [str(Path(sys.executable).with_name("onrecord")), "up"]
        environment = {**os.environ, **settings, "ONRECORD_HTTP_PORT": str(port)}
        with log.open("ab") as file:
            process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=file, stderr=file)
        try:
            assert await place._ready(process), f"onrecord ended: {log.read_text(errors='replace')[-2000:]}"
            yield place
        finally:
            await _stopped(process)

    async def _ready(self, process: asyncio.subprocess.Process) -> bool:
        """Wait until it is; return False when it ends before."""
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(_START_SECONDS):
            while process.returncode is None:
                with suppress(httpx.HTTPError):
                    if (await http.get(f"{self.url}/readyz")).status_code == 200:
                        return True
                await asyncio.sleep(0.05)  # between two looks; the deadline is above
        return False


async def _stopped(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
