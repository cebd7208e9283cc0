"""Decodes a little of a finished file, as a player would: at its beginning, and where its index leads to.

To decode an hour takes minutes. So the cost is bounded, whatever is in the file, and the process gives way to others
that record (ADR 0035).
"""

from __future__ import annotations

from pathlib import Path

import ffmpeg as ffmpeg_python

from services.recorder.media.ffmpeg import arguments, file_url, run
from services.recorder.media.ffmpeg_errors import FfmpegFailedError
from services.recorder.media.gives_way import giving_way

#: What lasts no longer is decoded whole, more or less; so many times a part of it is decoded of what does.
_SHORT_MS, _PLACES = 10_000, 4
#: At each place at most so many pictures and sounds, from the keyframe before it on: two seconds of most senders.
_PICTURES, _SOUNDS = 60, 100
#: The same of a short file, as one place.
_SHORT_PICTURES, _SHORT_SOUNDS = 600, 1000
#: For each place, in seconds. Whoever waits for the file does not wait long for that, however busy this machine is.
_PATIENCE = 5.0


async def sampled_errors(ffmpeg: Path, path: Path, duration_ms: int) -> str:
    """Decode a little and return what ffmpeg says against it; nothing if it is good.

    Raises FfmpegStalledError where it takes too long.
    """
    if duration_ms <= _SHORT_MS:
        return await _decoded(ffmpeg, path, 0, _SHORT_PICTURES, _SHORT_SOUNDS)
    said = [
        await _decoded(ffmpeg, path, duration_ms * place // _PLACES / 1000, _PICTURES, _SOUNDS)
        for place in range(_PLACES)
    ]
    return "\n".join(filter(None, said))


async def _decoded(ffmpeg: Path, path: Path, at_seconds: float, pictures: int, sounds: int) -> str:
    # noaccurate_seek: else all that is between the keyframe and the place is decoded, which may be the whole file.
    source = ffmpeg_python.input(file_url(path), ss=at_seconds, noaccurate_seek=None, threads=1)
    # passthrough: pictures are counted as they are, and none is repeated to fill the time between two.
    played = source.output(
        "pipe:1", map="0", format="null", fps_mode="passthrough", **{"frames:v": pictures, "frames:a": sounds}
    )
    try:
        _, words = await run(giving_way(arguments(ffmpeg, played, "-loglevel", "error")), _PATIENCE)
    except FfmpegFailedError as error:
        return str(error)
    return words
