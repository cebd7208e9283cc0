"""The sender, run beside what is measured."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from services.bench.media.frames import SentFrames
from services.bench.media.outgoing import Ports
from shared.runtime.errors import StartupError

_REPORT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, in the order in which participants were added."""

    frames: Sequence[SentFrames]
    #: How much later than due packets were sent.
    late_p99_ms: float
    late_most_ms: float


class Sender:
    """Sends until it is told to end."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout

    @property
    def pid(self) -> int:
        return self._process.pid

    async def add(self, ports: Ports) -> None:
        """Send for one more participant, to these ports, whoever listens there."""
        self._stdin.write(json.dumps(asdict(ports)).encode() + b"\n")
        await self._stdin.drain()

    async def end(self) -> Sent:
        """Send no more; return what was sent. Raises StartupError when it had ended by itself."""
        self._stdin.close()
        told = await self._stdout.read()
        if await self._process.wait() != 0:
            raise StartupError("the sender of media ended before it was told to: see what it wrote above")
        report = json.loads(told)
        frames = [SentFrames(each["begin"], each["numbers"]) for each in report["sent"]]
        return Sent(frames, report["lateMs"]["p99"], report["lateMs"]["max"])


@asynccontextmanager
async def sending(folder: Path) -> AsyncIterator[Sender]:
    """Run a sender of the clip in the folder while the context lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__.replace("sending", "sender"), str(folder), stdin=PIPE, stdout=PIPE
    )
    try:
        yield Sender(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
