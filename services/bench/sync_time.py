"""How long the disk takes to make a page durable: what every commit waits for."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_PAGE = bytes(8192)
_WRITES = 100


@dataclass(frozen=True, slots=True)
class SyncTime:
    milliseconds: float
    #: The folder of the file that was written.
    folder: Path
    #: Whether that is on the database's filesystem.
    beside_database: bool

    def __str__(self) -> str:
        where = "the database's filesystem" if self.beside_database else f"{self.folder}, not where the database is"
        return f"{self.milliseconds:.3f} ms, median of {_WRITES} writes of 8 kB with fdatasync on {where}"


def measure_sync(database: Path | None) -> SyncTime:
    """Write to a temporary file on the filesystem of the database's folder, or else to where temporary files go."""
    temporary = Path(tempfile.gettempdir())
    candidates = [temporary, Path.cwd(), *([database.parent] if database else [])]
    beside = [each for each in candidates if database and _are_together(each, database) and os.access(each, os.W_OK)]
    folder = beside[0] if beside else temporary
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        return SyncTime(1000 * median(_timed_write(file.fileno(), n) for n in range(_WRITES)), folder, bool(beside))


def _timed_write(file: int, number: int) -> float:
    begin = time.perf_counter()
    os.pwrite(file, _PAGE, number * len(_PAGE))
    os.fdatasync(file)
    return time.perf_counter() - begin


def _are_together(one: Path, other: Path) -> bool:
    """Tell whether both are folders of this machine, on one filesystem."""
    try:
        return one.stat().st_dev == other.stat().st_dev
    except OSError:
        return False
