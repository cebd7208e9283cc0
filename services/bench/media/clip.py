"""What all participants send: a moving picture and sound, encoded once by ffmpeg."""

from __future__ import annotations

from pathlib import Path

import ffmpeg as ffmpeg_python

from services.demo.media import Clip, ivf_frames, ogg_packets
from services.recorder.media.ffmpeg import arguments, run

WIDTH, HEIGHT, FRAME_RATE = 640, 480, 30
VIDEO_BITS, AUDIO_BITS = 800_000, 32_000
#: Keyframes that come unasked. Browsers send next to none; a recorder that does not ask for one waits for these.
KEYFRAME_SECONDS = 3
_ENCODE_SECONDS = 300
#: Tones that come and go over faint noise: no two packets are alike.
_SOUND = "0.2*sin(2*PI*440*t)*sin(2*PI*0.4*t)+0.02*(random(0)-0.5)"


async def encode_clip(ffmpeg: Path, seconds: int, folder: Path) -> None:
    """Encode so much, which is a multiple of KEYFRAME_SECONDS, into the folder. Raises FfmpegError."""
    # Noise, as of a camera: without it the picture needs half of the bits it is given, and no two frames may be alike.
    picture = ffmpeg_python.input(
        f"testsrc2=size={WIDTH}x{HEIGHT}:rate={FRAME_RATE}:duration={seconds}", format="lavfi"
    ).filter("noise", alls=12, allf="t")
    sound = ffmpeg_python.input(f"aevalsrc={_SOUND}:s=48000:d={seconds}:c=stereo", format="lavfi")
    video = picture.output(str(folder / "clip.ivf"), vcodec="libvpx", deadline="realtime", **_rate())
    audio = sound.output(str(folder / "clip.ogg"), acodec="libopus", frame_duration=20, **{"b:a": AUDIO_BITS})
    for output in (video, audio):
        await run(arguments(ffmpeg, output, "-loglevel", "error"), _ENCODE_SECONDS)


def read_clip(folder: Path) -> Clip:
    """Return what was encoded into the folder. The first two packets of an Ogg file are headers (RFC 7845)."""
    video = tuple(ivf_frames((folder / "clip.ivf").read_bytes()))
    return Clip(video, tuple(ogg_packets((folder / "clip.ogg").read_bytes()))[2:])


def keyframes(clip: Clip) -> list[int]:
    """Return which frames of the clip are keyframes (RFC 6386 section 9.1: the first bit is 0)."""
    return [number for number, frame in enumerate(clip.video) if not frame[0] & 1]


def _rate() -> dict[str, int]:
    """Return how to keep to the bits of each second, as a sender in a meeting does, with keyframes at fixed places."""
    every = KEYFRAME_SECONDS * FRAME_RATE
    bits = dict.fromkeys(("b:v", "minrate", "maxrate", "bufsize"), VIDEO_BITS)
    return bits | {"cpu-used": 8, "lag-in-frames": 0, "g": every, "keyint_min": every}
