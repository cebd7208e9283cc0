"""When something is in a file that others write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from pathlib import Path

from services.bench.media.clip import keyframes
from services.demo.media import Clip
from shared.runtime.errors import StartupError

_LOOK_SECONDS = 0.01
_PATIENCE_SECONDS = 60
#: So much of the beginning of a keyframe tells which one it is.
_HEAD = 64
#: Begins every cluster (RFC 9559 section 5.1.3).
CLUSTER = b"\x1f\x43\xb6\x75"


def keyframe_heads(clip: Clip) -> Collection[bytes]:
    """Return how the keyframes of the clip begin: bytes that are in a file as soon as one of them is."""
    return [clip.video[number][:_HEAD] for number in keyframes(clip)]


async def first_media(find: Callable[[], Path | None], signs: Collection[bytes], after: int = 0) -> float:
    """Wait until one of the signs is in the file, beyond so many bytes; return when that was, by the monotonic clock.

    Raises StartupError when that takes too long.
    """
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not _holds(find(), signs, after):  # noqa: ASYNC110  other processes write it
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise StartupError(f"no media was in {find() or 'a file'} after {_PATIENCE_SECONDS} s") from None
    return time.monotonic()


def _holds(file: Path | None, signs: Collection[bytes], after: int) -> bool:
    if file is None or not file.exists():
        return False
    with file.open("rb") as opened:
        opened.seek(after)
        data = opened.read()
    return any(sign in data for sign in signs)
