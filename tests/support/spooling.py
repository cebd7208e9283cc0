"""Disks for media that waits, and what lies there."""

from __future__ import annotations

from pathlib import Path

from services.recorder.media.frame import NS_PER_SECOND
from services.recorder.media.spool_disk import SpoolDisk

_PATIENCE_SECONDS = 300
MAX_BYTES = 1 << 30


def spool_disk(folder: Path, *, max_bytes: int = MAX_BYTES, patience_seconds: float = _PATIENCE_SECONDS) -> SpoolDisk:
    """Return a disk with as much room and patience as settings give."""
    return SpoolDisk(folder, max_bytes, round(patience_seconds * NS_PER_SECOND))


def open_spools(folder: Path) -> list[int]:
    """Return the sizes of the files without a name that this process has open in a folder."""
    return [link.stat().st_size for link in Path("/proc/self/fd").iterdir() if _is_spool(link, folder)]


def _is_spool(link: Path, folder: Path) -> bool:
    try:
        target = str(link.readlink())
    except OSError:
        return False  # the descriptor that listed them
    return target.startswith(f"{folder.resolve()}/") and target.endswith(" (deleted)")
