"""A clapper: pictures that show their number and flash each second, and sounds that beep then; and what is played."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import av

from services.demo.media import Clip, ivf_frames, ogg_packets
from tests.support.virtual_sender import Habits, VirtualSender

#: Pictures in a second.
RATE = 25
_WIDTH, _HEIGHT = 320, 240
#: The number's bits, from the left, are boxes of a line at the bottom; the flash is above it.
_BITS, _BOX, _LINE_AT = 11, 28, 200
_FLASH_HEIGHT = 160
_BEEP = r"0.5*sin(2*PI*1000*t)*lt(mod(t\,1)\,0.1)"
_MAX_PAYLOAD = 1200
_WHITE, _BLACK = 180, 75
#: A sample this loud, of at most 32767, after half a second of none is where a beep begins.
_LOUD, _RATE_HZ = 4000, 48_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture of a file that shows its number."""

    time_ms: float
    number: int
    flashes: bool


def clapper(ffmpeg: Path, seconds: int) -> Clip:
    """Encode so many seconds, 80 at most, with a keyframe each half a second."""
    line = f"drawbox=y={_LINE_AT}:h={_HEIGHT - _LINE_AT}:w={_WIDTH}:color=black:t=fill"
    boxes = (
        f"drawbox=x={bit * _BOX}:y={_LINE_AT}:w={_BOX}:h={_HEIGHT - _LINE_AT}:color=white:t=fill"
        f":enable='gte(mod(n,{2 << bit}),{1 << bit})'"
        for bit in range(_BITS)
    )
    flash = f"drawbox=h={_FLASH_HEIGHT}:w={_WIDTH}:color=white:t=fill:enable='lt(mod(n,{RATE}),1)'"
    picture = ",".join([f"color=c=gray:size={_WIDTH}x{_HEIGHT}:rate={RATE}:duration={seconds}", flash, line, *boxes])
    sound = f"aevalsrc={_BEEP}:s={_RATE_HZ}:d={seconds}:c=stereo"
    options = f"-c:v libvpx -deadline realtime -cpu-used 8 -b:v 600k -g {RATE // 2} -f ivf pipe:1"
    video = _run(ffmpeg, picture, options)
    audio = _run(ffmpeg, sound, "-c:a libopus -frame_duration 20 -b:a 48k -f ogg pipe:1")
    return Clip(tuple(ivf_frames(video)), tuple(ogg_packets(audio))[2:])


class ClipSender(VirtualSender):
    """Sends a clip once, its pictures cut into packets."""

    def __init__(self, habits: Habits, random: Random, clip: Clip) -> None:
        super().__init__(habits, random)
        self._kind = habits.kind
        self._frames = iter(clip.audio if habits.kind == "audio" else clip.video)

    def payloads(self, now_ns: int) -> list[bytes]:
        frame = next(self._frames)
        return [frame] if self._kind == "audio" else list(_cut(frame))


def _cut(frame: bytes) -> Iterator[bytes]:
    """Cut a picture, with VP8 payload descriptors (RFC 7741 section 4.2)."""
    for at in range(0, len(frame), _MAX_PAYLOAD):
        yield (b"\x00" if at else b"\x10") + frame[at : at + _MAX_PAYLOAD]


def seen(path: Path) -> list[Seen]:
    """Decode the pictures of a file, and return those that show a number."""
    with av.open(str(path)) as container:
        return [each for frame in container.decode(video=0) if (each := _read(frame))]


def beeps_ms(path: Path) -> list[float]:
    """Decode the sound of a file, and return when beeps begin."""
    begins: list[float] = []
    quiet_since_ms = -1000.0
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE_HZ)
        for decoded in container.decode(audio=0):
            for frame in resampler.resample(decoded):
                assert frame.time is not None
                samples = memoryview(bytes(frame.planes[0])).cast("h")[: frame.samples]
                for at, sample in enumerate(samples):
                    if abs(sample) >= _LOUD:
                        time_ms = frame.time * 1000 + at * 1000 / _RATE_HZ
                        if time_ms - quiet_since_ms >= 500:
                            begins.append(time_ms)
                        quiet_since_ms = time_ms
    return begins


def _read(frame: av.VideoFrame) -> Seen | None:
    assert frame.time is not None
    luma = frame.reformat(format="gray").planes[0]
    rows, stride = bytes(luma), luma.line_size

    def level(x: int, y: int) -> int:
        return rows[y * stride + x]

    bits = [level(bit * _BOX + _BOX // 2, (_LINE_AT + _HEIGHT) // 2) for bit in range(_BITS)]
    background = level(_WIDTH // 2, _FLASH_HEIGHT // 2)
    if background < _BLACK:
        return None
    number = sum(1 << bit for bit, value in enumerate(bits) if value > _WHITE)
    return Seen(frame.time * 1000, number, background > _WHITE)


def _run(ffmpeg: Path, source: str, options: str) -> bytes:
    argv = [str(ffmpeg), "-v", "error", "-f", "lavfi", "-i", source, *options.split()]
    return subprocess.run(argv, check=True, capture_output=True).stdout
