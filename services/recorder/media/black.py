"""Black pictures: each codec and size is encoded once, when it is due, and one at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import ffmpeg as ffmpeg_python

from services.recorder.media.ffmpeg import arguments, run
from services.recorder.media.frame import PictureFormat, VideoCodec
from services.recorder.media.payloads.av1 import temporal_unit
from services.recorder.media.payloads.av1_obu import read_obus
from services.recorder.media.payloads.video import WholePicture

#: IVF: a 32-byte file header, then per frame 4 bytes of size and 8 of time (little endian).
_IVF_FRAME_SIZE, _IVF_FRAME = slice(32, 36), 44
#: How many pictures are kept.
_PICTURES = 64
_PATIENCE_SECONDS = 30
_ENCODERS: dict[VideoCodec, str] = {"vp8": "libvpx", "vp9": "libvpx-vp9", "av1": "libaom-av1"}
#: A track that changes its size more often has black of an earlier one meanwhile.
_APART_SECONDS = 1.0


class BlackPictures:
    """The black keyframes of a process."""

    def __init__(self, ffmpeg: Path) -> None:
        self._ffmpeg = ffmpeg
        self._encoded: dict[PictureFormat, bytes] = {}
        #: Encoding 16 megapixels takes about 100 MB and seconds of CPU: never several at once.
        self._encoding = asyncio.Lock()

    def known(self, picture_format: PictureFormat) -> bytes | None:
        """Return the black of that format if it was encoded already."""
        return self._encoded.get(_plain(picture_format))

    async def of(self, picture_format: PictureFormat) -> bytes:
        """Return the black of that format. Raises FfmpegError."""
        async with self._encoding:
            plain = _plain(picture_format)
            if plain not in self._encoded:
                self._encoded[plain] = await _encode(self._ffmpeg, plain)
            if len(self._encoded) > _PICTURES:
                del self._encoded[next(iter(self._encoded))]
            return self._encoded[plain]

    async def configured(self, picture_format: PictureFormat) -> PictureFormat:
        """Return the format with what decoders are told before its black. Raises FfmpegError."""
        black = await self.of(picture_format)
        unit = _unit(black) if picture_format.codec == "av1" else None
        return replace(picture_format, configuration=unit.configuration) if unit else picture_format


class BlackTrack:
    """The black of one track, whose sender may change its size as often as it likes."""

    def __init__(self, pictures: BlackPictures) -> None:
        self._pictures = pictures
        self._latest: bytes | None = None
        #: When a size was last encoded for it, by the loop's clock.
        self._encoded_at = 0.0

    async def of(self, picture_format: PictureFormat) -> bytes:
        """Return the black of that format, or the latest one if a new size comes too soon. Raises FfmpegError."""
        black = self._pictures.known(picture_format)
        if black is None and (self._latest is None or self._may_encode()):
            black = await self._pictures.of(picture_format)
            self._encoded_at = asyncio.get_running_loop().time()
        self._latest = black or self._latest
        assert self._latest is not None
        return self._latest

    def _may_encode(self) -> bool:
        return asyncio.get_running_loop().time() - self._encoded_at >= _APART_SECONDS


async def _encode(ffmpeg: Path, picture: PictureFormat) -> bytes:
    # Scaled, because ffmpeg 5's `color` rounds odd sizes down.
    color = ffmpeg_python.input("color=black:size=16x16:rate=1", format="lavfi")
    black = color.filter("scale", picture.width, picture.height)
    output = black.output("pipe:1", vcodec=_ENCODERS[picture.codec], format="ivf", pix_fmt="yuv420p", **{"frames:v": 1})
    ivf, _ = await run(arguments(ffmpeg, output, "-loglevel", "error"), _PATIENCE_SECONDS)
    frame = ivf[_IVF_FRAME : _IVF_FRAME + int.from_bytes(ivf[_IVF_FRAME_SIZE], "little")]
    unit = _unit(frame) if picture.codec == "av1" else None
    return unit.data if unit else frame


def _unit(frame: bytes) -> WholePicture | None:
    return temporal_unit(read_obus(frame))


def _plain(picture_format: PictureFormat) -> PictureFormat:
    """Leave out what a sender's pictures are told by: black tells its own."""
    return replace(picture_format, configuration=b"")
