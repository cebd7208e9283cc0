"""Pictures that a real encoder made, and what a real decoder makes of a file."""

from __future__ import annotations

import subprocess
from pathlib import Path

from services.demo.media import ivf_frames
from services.recorder.media.frame import VideoCodec

FRAME_RATE = 30
_ENCODERS: dict[VideoCodec, str] = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def moving_picture(seconds: int) -> list[str]:
    """Return the options of an ffmpeg input of 320x240 pixels, of which no two pictures are alike."""
    return ["-f", "lavfi", "-i", f"testsrc2=size=320x240:rate={FRAME_RATE}:duration={seconds}"]


def encoder(codec: VideoCodec) -> list[str]:
    """Return the options that make ffmpeg encode as in a call, with a keyframe each second."""
    options = f"-c:v {_ENCODERS[codec]} -deadline realtime -cpu-used 8 -lag-in-frames 0 -b:v 500k -g {FRAME_RATE}"
    return options.split()


def encoded(ffmpeg: Path, codec: VideoCodec, seconds: int) -> list[bytes]:
    return list(ivf_frames(_run(ffmpeg, *moving_picture(seconds), *encoder(codec), "-f", "ivf", "pipe:1")))


def decoded(ffmpeg: Path, path: Path) -> dict[int, str]:
    """Decode a file's picture to its end, without an error; return the checksum of each picture by its time in ms."""
    options = "-map 0:v -fps_mode passthrough -enc_time_base 1/1000 -copyts -f framemd5 pipe:1"
    listed = _run(ffmpeg, "-i", str(path), *options.split()).decode().splitlines()
    rows = [[field.strip() for field in line.split(",")] for line in listed if not line.startswith("#")]
    return {int(row[2]): row[5] for row in rows}


def _run(ffmpeg: Path, *argv: str) -> bytes:
    return subprocess.run([ffmpeg, "-v", "error", "-xerror", *argv], check=True, capture_output=True).stdout
