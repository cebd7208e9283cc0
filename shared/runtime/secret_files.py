"""Files that hold a secret, made at the first start."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def made_once(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return what is in the file; make it, for its owner alone to read, where there is none. Raises OSError."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _put(path, make())
    return path.read_bytes()


def _put(path: Path, made: bytes) -> None:
    fresh = path.with_suffix(f".{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(made)
    try:
        # Whoever links first wins, so that two processes that start together end up with the same.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
