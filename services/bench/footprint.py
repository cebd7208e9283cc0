"""What another process of this machine uses: CPU time, memory, open files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from services.bench.cpu import process_seconds
from shared.runtime.errors import StartupError

_MEMORY = re.compile(r"^(Rss|Pss):\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Footprint:
    cpu_seconds: float
    #: Memory that it holds in RAM, shared libraries included.
    resident_kib: int
    #: The same, with its part alone of what it shares with others.
    proportional_kib: int
    files: int


def footprint(pid: int) -> Footprint:
    """Return what it uses by now. Raises StartupError when it has ended."""
    process = Path("/proc") / str(pid)
    try:
        memory = dict(_MEMORY.findall((process / "smaps_rollup").read_text()))
        files = sum(1 for _ in (process / "fd").iterdir())
    except OSError as error:
        raise StartupError(f"process {pid} ended while it was measured: {error}") from error
    return Footprint(process_seconds(pid), int(memory["Rss"]), int(memory["Pss"]), files)


def proportional_kib(pids: Iterable[int]) -> int:
    """Return the memory that these processes hold together. Raises StartupError when one has ended."""
    return sum(footprint(pid).proportional_kib for pid in pids)
