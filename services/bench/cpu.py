"""CPU time of this process, of others of this machine and, where it runs on it, of Postgres."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

_PROC = Path("/proc")
#: Places in what follows the name in /proc/<pid>/stat, from 0: proc(5) numbers them from the process id as 1.
_PARENT, _OWN_TIMES, _ENDED_CHILDREN_TIMES = 1, slice(11, 13), slice(13, 15)
#: Of a process's clocks, the one that counts what it ran (CPUCLOCK_SCHED in Linux).
_CPU_TIME = 2


@dataclass(frozen=True, slots=True)
class CpuSeconds:
    """What was used so far. `server` is None where Postgres runs elsewhere."""

    client: float
    server: float | None

    def since(self, begin: CpuSeconds) -> CpuSeconds:
        server = None if self.server is None or begin.server is None else self.server - begin.server
        return CpuSeconds(self.client - begin.client, server)


class CpuMeter:
    """Reads both."""

    def __init__(self, postmaster: int | None) -> None:
        self._postmaster = postmaster

    def read(self) -> CpuSeconds:
        return CpuSeconds(time.process_time(), _of_family(self._postmaster) if self._postmaster else None)


async def find_postmaster(connection: asyncpg.Connection) -> int | None:
    """Return the id of the server's first process; None where it is not on this machine, or cannot be seen."""
    process = _PROC / str(await connection.fetchval("SELECT pg_backend_pid()"))
    stat = _stat(process)
    return int(stat[_PARENT]) if stat and _name(process) == "postgres" else None


def process_seconds(pid: int) -> float:
    """Return the CPU seconds of a process with all its threads, also those that ended; 0 when it has ended itself."""
    try:
        # To the nanosecond, where /proc counts in hundredths of a second. The clock's id is made of the process's as
        # clock_getcpuclockid(3) makes it on Linux.
        return time.clock_gettime(~pid << 3 | _CPU_TIME)
    except OSError:
        return 0.0


def children(pid: int) -> list[int]:
    """Return the processes that it has started and that run; none when it has ended."""
    try:
        threads = list((_PROC / str(pid) / "task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except FileNotFoundError:
        return []


def pin(pid: int, cores: Iterable[int]) -> None:
    """Let a process, and what it starts from now on, run on these cores alone; nothing when it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in (_PROC / str(pid) / "task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)


def _of_family(postmaster: int) -> float:
    """Return the CPU seconds of the server, its sessions and those that ended."""
    family = [stat for path in _PROC.glob("[0-9]*") if (stat := _stat(path)) and int(stat[_PARENT]) == postmaster]
    own = _stat(_PROC / str(postmaster)) or []
    ticks = [*own[_OWN_TIMES], *own[_ENDED_CHILDREN_TIMES], *(ticks for stat in family for ticks in stat[_OWN_TIMES])]
    return _seconds(ticks)


def _seconds(ticks: Sequence[str]) -> float:
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _stat(process: Path) -> list[str] | None:
    try:
        # The name stands in parentheses and may hold anything, parentheses too.
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _name(process: Path) -> str:
    return (process / "comm").read_text().strip()
