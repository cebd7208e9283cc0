"""The demo's media: a moving picture with a counter and a beep each second, encoded once by ffmpeg."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ffmpeg as ffmpeg_python

from services.recorder.media.ffmpeg import arguments, run

WIDTH, HEIGHT, FRAME_RATE = 640, 360, 30
#: A sender that is not asked by RTCP needs keyframes often: they are what a picture can begin with.
_KEYFRAME_EVERY = 15
# A beep each second over faint noise, so that no two packets are alike. A bare comma would begin the next filter.
_SOUND = r"0.3*sin(2*PI*1000*t)*lt(mod(t\,1)\,0.1)+0.01*(random(0)-0.5)"
_ENCODE_SECONDS = 120

_IVF_HEADER, _IVF_FRAME_HEADER = 32, 12
_OGG_HEADER = 27


@dataclass(frozen=True, slots=True)
class Clip:
    """Encoded media: VP8 frames at FRAME_RATE beginning with a keyframe, and Opus packets of 20 ms."""

    video: tuple[bytes, ...]
    audio: tuple[bytes, ...]


async def encode_clip(ffmpeg: Path, seconds: int) -> Clip:
    """Encode a clip. Raises FfmpegError."""
    with tempfile.TemporaryDirectory() as folder:
        ivf, ogg = Path(folder) / "clip.ivf", Path(folder) / "clip.ogg"
        picture = ffmpeg_python.input(
            f"testsrc=size={WIDTH}x{HEIGHT}:rate={FRAME_RATE}:decimals=2:duration={seconds}", format="lavfi"
        )
        sound = ffmpeg_python.input(f"aevalsrc={_SOUND}:s=48000:d={seconds}:c=stereo", format="lavfi")
        await _encode(
            ffmpeg,
            picture.output(
                str(ivf), vcodec="libvpx", deadline="realtime", **{"cpu-used": 8, "b:v": "800k", "g": _KEYFRAME_EVERY}
            ),
        )
        await _encode(ffmpeg, sound.output(str(ogg), acodec="libopus", frame_duration=20, **{"b:a": "48k"}))
        return Clip(tuple(ivf_frames(ivf.read_bytes())), tuple(ogg_packets(ogg.read_bytes()))[2:])


async def _encode(ffmpeg: Path, output: object) -> None:
    await run(arguments(ffmpeg, output, "-loglevel", "error"), _ENCODE_SECONDS)


def ivf_frames(data: bytes) -> Iterator[bytes]:
    """Yield the frames of an IVF file."""
    offset = _IVF_HEADER
    while offset < len(data):
        size = int.from_bytes(data[offset : offset + 4], "little")
        offset += _IVF_FRAME_HEADER + size
        yield data[offset - size : offset]


def ogg_packets(data: bytes) -> Iterator[bytes]:
    """Yield the packets of an Ogg file (RFC 3533 section 6); for Opus the first two are headers (RFC 7845)."""
    offset, packet = 0, b""
    while offset < len(data):
        segments = data[offset + _OGG_HEADER : offset + _OGG_HEADER + data[offset + _OGG_HEADER - 1]]
        offset += _OGG_HEADER + len(segments)
        for size in segments:
            packet += data[offset : offset + size]
            offset += size
            if size < 255:  # a segment of 255 bytes means that the packet goes on
                yield packet
                packet = b""
