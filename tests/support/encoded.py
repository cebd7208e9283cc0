"""Pictures that a real encoder made, and what a real decoder makes of a file."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import av

from services.demo.media import ivf_frames
from services.recorder.media.frame import VideoCodec

FRAME_RATE = 30
_ENCODERS: dict[VideoCodec, str] = {
    "vp8": "libvpx -deadline realtime",
    "vp9": "libvpx-vp9 -deadline realtime",
    "av1": "libaom-av1 -usage realtime",
}


def moving_picture(seconds: int, size: str = "320x240") -> list[str]:
    """Return the options of an ffmpeg input of which no two pictures are alike."""
    return ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={FRAME_RATE}:duration={seconds}"]


def encoder(codec: VideoCodec) -> list[str]:
    """Return the options that make ffmpeg encode as in a call, with a keyframe each second."""
    options = f"-c:v {_ENCODERS[codec]} -cpu-used 8 -lag-in-frames 0 -b:v 500k -g {FRAME_RATE}"
    return options.split()


def encoded(ffmpeg: Path, codec: VideoCodec, seconds: int, size: str = "320x240") -> list[bytes]:
    return list(ivf_frames(_run(ffmpeg, *moving_picture(seconds, size), *encoder(codec), "-f", "ivf", "pipe:1")))


def encoded_file(ffmpeg: Path, codec: VideoCodec, path: Path) -> Path:
    """Let ffmpeg write a file by itself, of a second."""
    _run(ffmpeg, *moving_picture(1), *encoder(codec), str(path))
    return path


def configuration_of(path: Path) -> bytes:
    """Return what a file tells the decoder of its picture beforehand."""
    with av.open(str(path)) as container:
        return container.streams.video[0].codec_context.extradata or b""


def spoken(ffmpeg: Path, options: list[str]) -> Iterator[tuple[int, bytes]]:
    """Encode a second of tone, one of silence and one of tone; return the packets, each with its time in 1/48000 s.

    What says no more than that the silence goes on is left out, as a sender does (RFC 7587 section 3.1.3).
    """
    sound = r"aevalsrc=0.3*sin(2*PI*440*t)*not(between(t\,1\,2)):s=48000:d=3"
    ogg = _run(ffmpeg, "-f", "lavfi", "-i", sound, "-c:a", "libopus", *options, "-f", "ogg", "pipe:1")
    with av.open(BytesIO(ogg), "r") as container:
        packets = [(packet.pts or 0, bytes(packet)) for packet in container.demux(audio=0) if packet.size]
    first, _ = packets[0]  # negative: a decoder skips the beginning, and what is as long follows at the end
    return ((at - first, packet) for at, packet in packets if len(packet) > 2 and at - first < 3 * 48_000)


def decoded(ffmpeg: Path, path: Path) -> dict[int, str]:
    """Decode a file's picture to its end, without an error; return the checksum of each picture by its time in ms."""
    options = "-map 0:v -fps_mode passthrough -enc_time_base 1/1000 -copyts -f framemd5 pipe:1"
    listed = _run(ffmpeg, "-i", str(path), *options.split()).decode().splitlines()
    rows = [[field.strip() for field in line.split(",")] for line in listed if not line.startswith("#")]
    return {int(row[2]): row[5] for row in rows}


def _run(ffmpeg: Path, *argv: str) -> bytes:
    return subprocess.run([ffmpeg, "-v", "error", "-xerror", *argv], check=True, capture_output=True).stdout
