"""How long it takes to finish a long file, beside copying it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from services.bench.figures import Baseline, Figure
from services.bench.media.clip import FRAME_RATE, HEIGHT, WIDTH, keyframes, read_clip
from services.bench.media.scale import Bench
from services.demo.media import Clip
from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.finishing import Meant, put_in_place
from services.recorder.keys import RecordingKeys
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Block, PictureFormat
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.media.tags import Tags
from services.recorder.media.written import Written

_KEYS = RecordingKeys("bench", "ann", 0)
_TAGS = Tags("ann", "bench", datetime.fromtimestamp(0, UTC))
_PACKETS = 50


async def measure_finishing(bench: Bench) -> list[Figure]:
    """Finish what a participant sent for so long, and copy the finished file, in turn."""
    seconds = bench.scale.finished_seconds
    bench.say(f"finishing: {seconds} s of media, {bench.scale.rounds} times")
    store = LocalObjectStore(bench.clip / "finishing")
    ours, copied, size = [], [], 0
    for _ in range(bench.scale.rounds):
        written = await asyncio.to_thread(_write, store.path(_KEYS.segment), read_clip(bench.clip), seconds)
        begin = time.perf_counter()
        file = await put_in_place(bench.ffmpeg, store, _KEYS, Meant("audio_video", _TAGS, written))
        ours.append(time.perf_counter() - begin)
        copied.append(await asyncio.to_thread(_copy, store.path(_KEYS.file)))
        size = file.size_bytes
    baseline = Baseline("cp", copied)
    details = {"MB": size / 1e6, "media s": float(seconds)}
    return [Figure("finishing", f"finishing {seconds} s of media", "s", ours, baseline, details=details)]


def _copy(path: Path) -> float:
    begin = time.perf_counter()
    copy = path.with_suffix(".copy")
    shutil.copyfile(path, copy)
    copy.unlink()
    return time.perf_counter() - begin


def _write(path: Path, clip: Clip, seconds: int) -> Written:
    """Write a segment as a recorder has it written, of a clip that is sent over and over."""
    muxer, written = MatroskaMuxer(PictureFormat("vp8", WIDTH, HEIGHT)), Written()
    with path.open("wb") as file:
        file.write(muxer.header())
        for blocks in _sent(clip, seconds):
            file.write(muxer.cluster(blocks))
            written.add(blocks)
    return written


def _sent(clip: Clip, seconds: int) -> Iterator[list[Block]]:
    """Yield what is sent in each second."""
    pictures, begin = len(clip.video), set(keyframes(clip))
    for second in range(seconds):
        shown = range(second * FRAME_RATE, (second + 1) * FRAME_RATE)
        heard = range(second * _PACKETS, (second + 1) * _PACKETS)
        yield [
            *(
                Block("video", at * NS_PER_SECOND // FRAME_RATE, at % pictures in begin, clip.video[at % pictures])
                for at in shown
            ),
            *(
                Block("audio", at * 20 * NS_PER_MS, keyframe=True, data=clip.audio[at % len(clip.audio)])
                for at in heard
            ),
        ]
