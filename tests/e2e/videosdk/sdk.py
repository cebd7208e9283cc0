"""The official server SDK, driven from here: each call is one of the npm package, each answer what it returned."""

from __future__ import annotations

import asyncio
import itertools
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.node import NODE

_HERE = Path(__file__).parent
_ANSWER_SECONDS = 40
#: Longer lines than asyncio's 64 KiB: a list over all its pages is one.
_LONGEST_LINE = 1 << 24


class SdkError(Exception):
    """What the SDK threw."""

    def __init__(self, call: str, thrown: dict[str, Any]) -> None:
        self.kind, self.status, self.code, self.message = (
            thrown[name] for name in ("class", "status", "code", "message")
        )
        super().__init__(f"{call}: {self.kind} {self.status} {self.code}: {self.message}")


@dataclass(frozen=True, slots=True)
class Walked:
    """A list, over all its pages."""

    items: list[dict[str, Any]]
    #: How many were on the first page.
    first: int
    total: int

    def ids(self) -> list[str]:
        return [each["id"] for each in self.items]


class Sdk:
    """A client of the SDK, in a Node process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}

    @classmethod
    @asynccontextmanager
    async def started(cls, packages: Path, **options: Any) -> AsyncIterator[Sdk]:
        """Run one with these options of `new VideoSDK(…)`."""
        process = await _node("driver.mjs", str(packages), json.dumps(options))
        sdk = cls(process)
        reading = asyncio.create_task(sdk._read())
        try:
            yield sdk
        finally:
            await _ended(process, reading)

    async def call(self, path: str, *args: Any) -> Any:
        """Call a method by its path, `rooms.create`. Raises SdkError when it throws, and TimeoutError."""
        number = next(self._numbers)
        answered = self._asked[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, "call": path, "args": args}).encode() + b"\n")
        async with asyncio.timeout(_ANSWER_SECONDS):
            answer = await answered
        if "error" in answer:
            raise SdkError(path, answer["error"])
        return answer.get("result")

    async def walk(self, path: str, **params: Any) -> Walked:
        """Call a method that lists, and return all of its pages."""
        return Walked(**await self.call(path, params))

    async def refused(self, path: str, *args: Any) -> tuple[str, int | None, str | None]:
        """Call a method that has to throw; return the class, the HTTP status and the code of what it threw."""
        try:
            result = await self.call(path, *args)
        except SdkError as error:
            return error.kind, error.status, error.code
        raise AssertionError(f"{path} returned {result!r}")

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            answer = json.loads(line)
            self._asked.pop(answer["id"]).set_result(answer)
        for waiting in self._asked.values():
            waiting.set_exception(ConnectionError("the Node process ended"))


async def verdicts(posted: list[dict[str, str]]) -> list[dict[str, bool]]:
    """Return how receivers judge what was posted: objects with `body` (base64), `signature` and `publicKey`."""
    process = await _node("receivers.mjs")
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in posted)
    async with asyncio.timeout(_ANSWER_SECONDS):
        output, _ = await process.communicate(lines)
    assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


async def _node(script: str, *arguments: str) -> Process:
    # No NODE_OPTIONS and no proxies of whoever runs the tests.
    return await asyncio.create_subprocess_exec(
        NODE, _HERE / script, *arguments, stdin=PIPE, stdout=PIPE, env={"NODE_ENV": "test"}, limit=_LONGEST_LINE
    )


async def _ended(process: Process, reading: asyncio.Task[None]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await reading
            await process.wait()
    finally:
        reading.cancel()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
