"""Black pictures: each size is encoded once, when it is due, and one at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import ffmpeg as ffmpeg_python

from services.recorder.media.ffmpeg import arguments, run

#: IVF: a 32-byte file header, then per frame 4 bytes of size and 8 of time (little endian).
_IVF_FRAME_SIZE, _IVF_FRAME = slice(32, 36), 44
#: How many sizes are kept.
_SIZES = 64
_PATIENCE_SECONDS = 30
#: A track that changes its size more often has black of an earlier one meanwhile.
_APART_SECONDS = 1.0


class BlackPictures:
    """The black VP8 keyframes of a process."""

    def __init__(self, ffmpeg: Path) -> None:
        self._ffmpeg = ffmpeg
        self._encoded: dict[tuple[int, int], bytes] = {}
        #: Encoding 16 megapixels takes about 100 MB and seconds of CPU: never several at once.
        self._encoding = asyncio.Lock()

    def known(self, width: int, height: int) -> bytes | None:
        """Return the black of that size if it was encoded already."""
        return self._encoded.get((width, height))

    async def of(self, width: int, height: int) -> bytes:
        """Return the black of that size in pixels. Raises FfmpegError."""
        async with self._encoding:
            size = width, height
            if size not in self._encoded:
                self._encoded[size] = await _encode(self._ffmpeg, width, height)
            if len(self._encoded) > _SIZES:
                del self._encoded[next(iter(self._encoded))]
            return self._encoded[size]


class BlackTrack:
    """The black of one track, whose sender may change its size as often as it likes."""

    def __init__(self, pictures: BlackPictures) -> None:
        self._pictures = pictures
        self._latest: bytes | None = None
        #: When a size was last encoded for it, by the loop's clock.
        self._encoded_at = 0.0

    async def of(self, width: int, height: int) -> bytes:
        """Return the black of that size, or the latest one if a new size comes too soon. Raises FfmpegError."""
        black = self._pictures.known(width, height)
        if black is None and (self._latest is None or self._may_encode()):
            black = await self._pictures.of(width, height)
            self._encoded_at = asyncio.get_running_loop().time()
        self._latest = black or self._latest
        assert self._latest is not None
        return self._latest

    def _may_encode(self) -> bool:
        return asyncio.get_running_loop().time() - self._encoded_at >= _APART_SECONDS


async def _encode(ffmpeg: Path, width: int, height: int) -> bytes:
    # Scaled, because ffmpeg 5's `color` rounds odd sizes down.
    black = ffmpeg_python.input("color=black:size=16x16:rate=1", format="lavfi").filter("scale", width, height)
    output = black.output("pipe:1", vcodec="libvpx", format="ivf", **{"frames:v": 1})
    ivf, _ = await run(arguments(ffmpeg, output, "-loglevel", "error"), _PATIENCE_SECONDS)
    return ivf[_IVF_FRAME : _IVF_FRAME + int.from_bytes(ivf[_IVF_FRAME_SIZE], "little")]
