"""What another process of this machine uses: CPU time, memory, open files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from services.bench.cpu import process_seconds
from shared.runtime.errors import StartupError


@dataclass(frozen=True, slots=True)
class Footprint:
    cpu_seconds: float
    #: Memory that it holds in RAM, shared libraries included.
    resident_kib: int
    files: int


def footprint(pid: int) -> Footprint:
    """Return what it uses by now. Raises StartupError when it has ended."""
    process = Path("/proc") / str(pid)
    try:
        resident = re.search(r"^Rss:\s+(\d+) kB", (process / "smaps_rollup").read_text(), re.MULTILINE)
        files = sum(1 for _ in (process / "fd").iterdir())
    except OSError as error:
        raise StartupError(f"process {pid} ended while it was measured: {error}") from error
    return Footprint(process_seconds(pid), int(resident[1]) if resident else 0, files)
