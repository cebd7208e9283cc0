"""A headless Chromium that is told what to do by its DevTools protocol. Camera and microphone are made up."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from shared.concurrency.supervision import supervised
from shared.runtime.errors import StartupError

#: What its program is called.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--use-fake-device-for-media-stream=fps=10",  # several encode on few cores
    "--use-fake-ui-for-media-stream",
    "--no-first-run",
)
_START_SECONDS = 30
_ANSWER_SECONDS = 30
_POLL_SECONDS = 0.1
_END_SECONDS = 5


class Tab:
    """One page in it."""

    def __init__(self, devtools: DevTools, session: str) -> None:
        self._devtools = devtools
        self._session = session

    async def run(self, script: str) -> Any:
        """Evaluate an expression in the page, and return its value as JSON has it. Raises StartupError."""
        asked = {"expression": script, "awaitPromise": True, "returnByValue": True}
        answer = await self._devtools.ask("Runtime.evaluate", asked, self._session)
        if "exceptionDetails" in answer:
            raise StartupError(f"the page failed at {script!r}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def until(self, condition: str, within: float = _ANSWER_SECONDS) -> None:
        """Wait until an expression is true there. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while True:
                if await self.run(condition):
                    return
                await asyncio.sleep(_POLL_SECONDS)


class DevTools:
    """The connection by which it is told (https://chromedevtools.github.io/devtools-protocol/)."""

    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def open(self, url: str) -> Tab:
        """Open a page that shares nothing with the others. Raises StartupError."""
        context = await self.ask("Target.createBrowserContext")
        target = await self.ask("Target.createTarget", {"url": url, **context})
        attached = await self.ask("Target.attachToTarget", {**target, "flatten": True})
        return Tab(self, attached["sessionId"])

    async def ask(
        self, method: str, parameters: dict[str, Any] | None = None, session: str | None = None
    ) -> dict[str, Any]:
        number = next(self._numbers)
        self._answers[number] = answered = asyncio.get_running_loop().create_future()
        asked = {"id": number, "method": method, "params": parameters or {}}
        await self._websocket.send(json.dumps(asked | ({"sessionId": session} if session else {})))
        async with asyncio.timeout(_ANSWER_SECONDS):
            answer = await answered
        if "error" in answer:
            raise StartupError(f"Chromium refused {method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    async def listen(self) -> None:
        """Take answers, until the connection ends."""
        with suppress(ConnectionClosed):
            async for text in self._websocket:
                told = json.loads(text)
                answered = self._answers.pop(told.get("id"), None)
                if answered and not answered.done():
                    answered.set_result(told)


def installed_chromium() -> str | None:
    """Return its program's path; None: there is none on the PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@asynccontextmanager
async def chromium() -> AsyncIterator[DevTools]:
    """Run one while the context lasts. Raises StartupError when there is none."""
    program = installed_chromium()
    if program is None:
        raise StartupError(f"there is no Chromium on the PATH, none of {', '.join(NAMES)}: install one")
    with tempfile.TemporaryDirectory(prefix="onrecord-chromium-", ignore_cleanup_errors=True) as folder:
        # Its sandbox does not run as root.
        options = [*_OPTIONS, f"--user-data-dir={folder}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        process = await asyncio.create_subprocess_exec(program, *options, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
        try:
            async with connect(await _address(process, Path(folder)), max_size=None) as websocket:
                devtools = DevTools(websocket)
                async with supervised(devtools.listen()):
                    yield devtools
        finally:
            await _end(process)


async def _address(process: Process, folder: Path) -> str:
    """Return where it listens, which it writes into its folder."""
    told = folder / "DevToolsActivePort"
    with suppress(TimeoutError):
        async with asyncio.timeout(_START_SECONDS):
            while process.returncode is None:
                if told.exists() and len(lines := told.read_text().split()) == 2:
                    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
                await asyncio.sleep(_POLL_SECONDS)
    raise StartupError("Chromium did not start: see what it says when it is started by hand")


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _END_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
