"""Finishing takes as much memory for an hour as for a minute, and not much longer than to copy it a few times."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Block, PictureFormat
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.media.webm_writer import WebmWriter
from tests.support import finish_process
from tests.support.encoded import FRAME_RATE, encoded, spoken
from tests.support.finish_process import KEYS

_HOUR, _MINUTE = 3600, 60
#: What an index of an hour may take, and what differs from one run to the next, in KiB.
_MORE = 16 * 1024


@pytest.mark.timeout(300)
async def test_an_hour_is_finished_in_the_memory_of_a_minute(
    ffmpeg: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    loop = second_of_media(ffmpeg)
    minute = await finished(ffmpeg, tmp_path / "minute", loop, _MINUTE)
    hour = await finished(ffmpeg, tmp_path / "hour", loop, _HOUR)
    assert hour["file"]["duration_ms"] == _HOUR * 1000
    assert (hour["file"]["video_frames"], hour["file"]["audio_packets"]) == (_HOUR * FRAME_RATE, _HOUR * 50)
    assert hour["file"]["decodes"]
    assert hour["kib"] < minute["kib"] + _MORE
    record_property("finishing an hour, against copying the file", round(hour["seconds"] / hour["copying"], 1))


async def finished(ffmpeg: Path, root: Path, loop: list[Block], seconds: int) -> dict[str, Any]:
    """Write that media again and again, finish it, and return what that took, and what copying the file takes."""
    store = LocalObjectStore(root)
    await write(ffmpeg, store.path(KEYS.segment), loop, seconds)
    argv = ["-m", finish_process.__name__, str(root), str(ffmpeg), str(seconds)]
    process = await asyncio.create_subprocess_exec(sys.executable, *argv, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    began = time.monotonic()
    await asyncio.to_thread(shutil.copyfile, store.path(KEYS.file), root / "copy.webm")
    return {**json.loads(told), "copying": time.monotonic() - began}


async def write(ffmpeg: Path, path: Path, loop: list[Block], seconds: int) -> None:
    muxer = MatroskaMuxer(PictureFormat("vp8", 320, 240))
    writer = await WebmWriter.start(ffmpeg, path, structlog.get_logger())
    await writer.write(muxer.header())
    for at in range(seconds):
        await writer.write(muxer.cluster([each._replace(time_ns=each.time_ns + at * NS_PER_SECOND) for each in loop]))
    await writer.close()


def second_of_media(ffmpeg: Path) -> list[Block]:
    """Return a second of a moving picture and of a tone."""
    pictures = enumerate(encoded(ffmpeg, "vp8", 1))
    sounds = [packet for _, packet in spoken(ffmpeg, [])][:50]
    return [
        *(Block("video", at * NS_PER_SECOND // FRAME_RATE, at == 0, data) for at, data in pictures),
        *(Block("audio", at * 20 * NS_PER_MS, keyframe=True, data=data) for at, data in enumerate(sounds)),
    ]
