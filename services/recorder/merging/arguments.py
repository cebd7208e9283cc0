"""What ffmpeg is told to make a merge: its arguments, built by ffmpeg-python.

Everything is laid on silence, and on black, as long as the merge: so each file is heard and seen at its time, and the
merge is as long as it has to be, whatever the files lack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ffmpeg as ffmpeg_python

from services.recorder.media.ffmpeg import arguments, file_url
from services.recorder.merging.plan import CELL_HEIGHT, CELL_WIDTH, Placed, Plan, corners
from shared.contracts.merge import MergeLayout

#: What is written, by layout: encoders, and the container's name.
ENCODERS: dict[MergeLayout, tuple[str, ...]] = {"stereo": ("libmp3lame",), "grid": ("libx264", "aac")}

_SAMPLES = 48_000
_PICTURES = 25
#: For each decoder, and for each encoder: merges give way to what is recorded beside them.
_DECODER_THREADS, _ENCODER_THREADS = 1, 2

#: Finds an object by its key.
Locate = Callable[[str], Path]


def merge_arguments(ffmpeg: Path, layout: MergeLayout, plan: Plan, locate: Locate, target: Path) -> list[str]:
    """Return the argv that writes the merge to `target`, whatever is there, and its progress to stdout."""
    output = _stereo(plan, locate, target) if layout == "stereo" else _grid(plan, locate, target)
    # copyts: else a file whose first packet is not at its time zero would be moved there.
    switches = ("-y", "-loglevel", "error", "-copyts", "-filter_complex_threads", "1")
    return arguments(ffmpeg, output, *switches, "-progress", "pipe:1", "-stats_period", "0.5")


def _stereo(plan: Plan, locate: Locate, target: Path) -> Any:
    left, right = (
        _mixed([each for each in plan.sounds if each.piece.channel == channel], "mono", plan, locate)
        for channel in (1, 2)
    )
    both = ffmpeg_python.filter([left, right], "join", inputs=2, channel_layout="stereo")
    return _limited(both).output(
        file_url(target), format="mp3", acodec="libmp3lame", audio_bitrate="128k", ar=_SAMPLES, threads=_ENCODER_THREADS
    )


def _grid(plan: Plan, locate: Locate, target: Path) -> Any:
    cells = [_cell(pictures, plan, locate) for pictures in plan.cells]
    sound = _limited(_mixed(plan.sounds, "stereo", plan, locate))
    return ffmpeg_python.output(
        _stacked(cells),
        sound,
        file_url(target),
        format="mp4",
        vcodec="libx264",
        preset="veryfast",
        pix_fmt="yuv420p",
        acodec="aac",
        audio_bitrate="160k",
        ar=_SAMPLES,
        movflags="+faststart",
        threads=_ENCODER_THREADS,
    )


def _mixed(sounds: Iterable[Placed], channels: str, plan: Plan, locate: Locate) -> Any:
    """Lay sounds on silence, each as loud as it is."""
    silence = ffmpeg_python.input(
        f"anullsrc=sample_rate={_SAMPLES}:channel_layout={channels}", format="lavfi", t=plan.duration_ms / 1000
    )
    heard = [silence, *(_sound(each, channels, locate) for each in sounds)]
    if len(heard) == 1:
        return silence
    return ffmpeg_python.filter(heard, "amix", inputs=len(heard), duration="first", normalize=0)


def _sound(each: Placed, channels: str, locate: Locate) -> Any:
    # async and min_hard_comp: where nothing was sent for more than 20 ms there is silence, and what follows is in time.
    # first_pts: the same before the first packet.
    in_time = {"async": 1, "min_hard_comp": 0.02, "first_pts": 0}
    heard = _opened(each, locate).audio.filter("aresample", _SAMPLES, **in_time)
    heard = heard.filter("aformat", sample_fmts="fltp", channel_layouts=channels)
    return heard.filter("adelay", delays=each.offset_ms, all=1) if each.offset_ms else heard


def _limited(sound: Any) -> Any:
    """Keep the sum of several voices from being cut off; what is not too loud stays as it is."""
    return sound.filter("alimiter", limit=1, level=0)


def _cell(pictures: Iterable[Placed], plan: Plan, locate: Locate) -> Any:
    cell = ffmpeg_python.input(
        f"color=color=black:size={CELL_WIDTH}x{CELL_HEIGHT}:rate={_PICTURES}", format="lavfi", t=plan.duration_ms / 1000
    )
    for each in pictures:
        # eof_action: black again after its end. In the middle, as wide or as high as the cell.
        cell = ffmpeg_python.overlay(
            cell, _picture(each, locate), x="(W-w)/2", y="(H-h)/2", eval="frame", eof_action="pass"
        )
    return cell


def _picture(each: Placed, locate: Locate) -> Any:
    fitting = {"force_original_aspect_ratio": "decrease", "force_divisible_by": 2, "eval": "frame"}
    seen = _opened(each, locate).video.filter("scale", CELL_WIDTH, CELL_HEIGHT, **fitting)
    return seen.filter("setsar", 1).filter("setpts", f"PTS+{each.offset_ms / 1000}/TB")


def _stacked(cells: list[Any]) -> Any:
    if len(cells) == 1:
        return cells[0]
    layout = "|".join(f"{left}_{top}" for left, top in corners(len(cells)))
    return ffmpeg_python.filter(cells, "xstack", inputs=len(cells), layout=layout, fill="black")


def _opened(each: Placed, locate: Locate) -> Any:
    # reinit_filter: a picture that changes its size, as browsers' do, would begin the whole graph anew at time zero.
    # The filters here take each picture as it comes.
    url = file_url(locate(each.piece.file.path))
    return ffmpeg_python.input(url, threads=_DECODER_THREADS, reinit_filter=0)
