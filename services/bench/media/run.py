"""All measurements of the media path, one after the other."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from services.bench.conditions import conditions
from services.bench.figures import Figure
from services.bench.ground import open_ground
from services.bench.media.beside import measure_beside
from services.bench.media.by_whip import measure_by_whip
from services.bench.media.clip import FRAME_RATE, HEIGHT, KEYFRAME_SECONDS, WIDTH, encode_clip, read_clip
from services.bench.media.finishing import measure_finishing
from services.bench.media.frames import FrameIndex
from services.bench.media.one_core import measure_one_core
from services.bench.media.scale import Bench, Scale
from services.bench.media.withdrawing import measure_withdrawing
from services.bench.open_files import allow_connections
from services.bench.presenting import Result, Say
from services.bench.system import bench_folder
from services.demo.media import Clip
from services.recorder.media.ffmpeg import find_ffmpeg, run
from services.recorder.media.ffmpeg_errors import FfmpegMissingError
from services.recorder.settings import RecorderSettings
from shared.runtime.errors import SettingError, StartupError

MEASUREMENTS: Mapping[str, Callable[[Bench], Awaitable[list[Figure]]]] = {
    "beside": measure_beside,
    "whip": measure_by_whip,
    "one-core": measure_one_core,
    "withdrawing": measure_withdrawing,
    "finishing": measure_finishing,
}
#: Open files of the worker for each participant: four sockets, and what it talks to ffmpeg by.
_FILES_EACH = 8
_VERSION_SECONDS = 10


async def measure_media(settings: RecorderSettings, scale: Scale, names: Sequence[str], seed: int, say: Say) -> Result:
    """Return the conditions and the figures. Raises StartupError, EventSourcingError, BusError and FfmpegError."""
    if settings.amqp_url is None:
        raise SettingError("ONRECORD_AMQP_URL", "is not set: services that are processes of their own need a broker")
    load, ffmpeg = os.getloadavg()[0], _ffmpeg(settings)
    allow_connections(_FILES_EACH * scale.most)
    with bench_folder() as folder:
        say(f"Encoding {scale.clip_seconds} s of picture and sound …")
        await encode_clip(ffmpeg, scale.clip_seconds, folder)
        clip = read_clip(folder)
        async with open_ground(settings) as ground:
            told = {**await conditions(ground, seed), "load before": load, **await _of_media(ffmpeg, clip)}
            bench = Bench(ground, scale, say, ffmpeg, folder, FrameIndex(clip), seed)
            return told, [figure for name in names for figure in await MEASUREMENTS[name](bench)]


def _ffmpeg(settings: RecorderSettings) -> Path:
    try:
        return find_ffmpeg(settings.ffmpeg)
    except FfmpegMissingError as error:
        raise StartupError(str(error)) from error


async def _of_media(ffmpeg: Path, clip: Clip) -> dict[str, Any]:
    """Return what is sent, and what records it."""
    version, _ = await run([str(ffmpeg), "-version"], _VERSION_SECONDS)
    kilobits = sum(map(len, clip.video)) * 8 * FRAME_RATE / len(clip.video) / 1000
    picture = f"VP8 {WIDTH}x{HEIGHT}, {FRAME_RATE} fps, {kilobits:.0f} kbit/s"
    return {
        "ffmpeg": version.decode(errors="replace").partition("\n")[0],
        "media": f"{picture}, a keyframe each {KEYFRAME_SECONDS} s and when one is asked for; Opus",
    }
