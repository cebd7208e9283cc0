"""A peer at work: one process of it for each participant."""

from __future__ import annotations

import asyncio
import signal
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from services.bench.media.first_media import first_media
from services.bench.media.outgoing import Ports
from services.bench.media.peers import Peer
from services.bench.media.sending import Sender
from services.bench.system import bench_folder
from services.recorder.media.sources.ports import Host, Pair
from shared.runtime.errors import StartupError

_HOST = Host.named("127.0.0.1")
_PORTS = range(10_000, 30_000)
_END_SECONDS = 20


class PeerProcesses:
    """Recorders: a program that knows nothing of the others that run beside it."""

    def __init__(self, peer: Peer, ffmpeg: Path, folder: Path, signs: Collection[bytes]) -> None:
        self._peer = peer
        self._ffmpeg = ffmpeg
        self._folder = folder
        self._signs = signs
        #: Of each participant, two pairs of sockets, which keep its ports from others until they are recorded.
        self._kept: list[tuple[Pair, Pair]] = []
        self._ports: list[Ports] = []
        self._processes: list[Process] = []

    def pids(self) -> Sequence[int]:
        return [process.pid for process in self._processes]

    async def bring(self, sender: Sender) -> None:
        kept = _HOST.bind_pair(_PORTS), _HOST.bind_pair(_PORTS)
        self._kept.append(kept)
        self._ports.append(Ports(_HOST.name, *([each.getsockname()[1] for each in pair] for pair in kept)))
        await sender.add(self._ports[-1])

    async def record(self, number: int) -> float:
        self._let_go_of_ports(number)
        file, begin = self._file(number), time.monotonic()
        argv = self._peer.command(self._ffmpeg, self._ports[number], file)
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(*argv, stdin=DEVNULL, stdout=log, stderr=log)
        self._processes.append(process)
        return await first_media(lambda: file, self._signs) - begin

    async def stop(self) -> Mapping[int, Path]:
        """End all files, as each program does when it is interrupted. Raises StartupError when one cannot."""
        await asyncio.gather(*(self._interrupt(process) for process in self._processes))
        return {number: self._file(number) for number in range(len(self._processes))}

    async def kill(self) -> None:
        """End whatever still runs, and keep no port."""
        for number in range(len(self._kept)):
            self._let_go_of_ports(number)
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _let_go_of_ports(self, number: int) -> None:
        for pair in self._kept[number]:
            for each in pair:
                each.close()

    async def _interrupt(self, process: Process) -> None:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
        except TimeoutError:
            said = self._log.read_text(errors="replace")[-500:]
            raise StartupError(f"{self._peer.what} did not end within {_END_SECONDS} s: {said}") from None

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _file(self, number: int) -> Path:
        return self._folder / f"{number}.webm"


@asynccontextmanager
async def peer_processes(peer: Peer, ffmpeg: Path, signs: Collection[bytes]) -> AsyncIterator[PeerProcesses]:
    """Let a peer record while the context lasts. A file has begun when one of the signs of media is in it."""
    with bench_folder() as folder:
        processes = PeerProcesses(peer, ffmpeg, folder, signs)
        try:
            yield processes
        finally:
            await processes.kill()
