"""What somebody sees and hears who plays a file: each picture in its time, and each flash with its beep.

Sent over a virtual network, by a sender whose clocks drift apart and whose pictures take longer than its sounds.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from services.demo.media import Clip
from services.recorder.media.frame import NS_PER_MS
from services.recorder.media.probe import decode_errors
from tests.support.clapper import RATE, ClipSender, Seen, beeps_ms, clapper, seen
from tests.support.film import Film
from tests.support.virtual_meeting import VirtualMeeting
from tests.support.virtual_path import Weather
from tests.support.virtual_sender import Habits

_SECONDS = 42
#: By then reports have drawn the picture, which takes 70 ms longer, to the sound, by 5 ms a second.
_IN_STEP_MS = 25_000
_AUDIO = Habits("audio", ppm=60, first_timestamp=2**32 - 48_000, first_sequence=65_000)
_VIDEO = Habits(
    "video", frame_ms=1000 // RATE, ppm=-40, encoding_ms=70, report_ms=1_000, first_timestamp=2**32 - 900_000
)
_LOSSY = Weather(jitter_ms=60, loss=0.02, loss_burst=2, reordered=0.02, duplicated=0.02)
_BAD = Weather(jitter_ms=300, loss=0.1, loss_burst=3, reordered=0.05, duplicated=0.05)
in_any_weather = pytest.mark.parametrize("weather", [Weather(), _LOSSY, _BAD], ids=["calm", "lossy", "bad"])


@pytest.fixture(scope="module")
def clip(ffmpeg: Path) -> Clip:
    return clapper(ffmpeg, _SECONDS)


async def play(film: Film, clip: Clip, weather: Weather) -> tuple[list[Seen], list[float]]:
    """Record it all, what was said being known a tenth of a second later; return what is seen, and when it beeps."""
    film.say(-1000, holds=True)
    meeting = VirtualMeeting(_AUDIO, _VIDEO, weather=weather, seed=3, sender=partial(ClipSender, clip=clip))
    known_ms = 0
    for timed, out_ns in meeting.frames(_SECONDS - 1):
        film.send(timed)
        if out_ns // NS_PER_MS - known_ms >= 200:
            known_ms = out_ns // NS_PER_MS - 100
            await film.known_until(known_ms)
    await film.end(_SECONDS * 1000)
    return await asyncio.gather(asyncio.to_thread(seen, film.path), asyncio.to_thread(beeps_ms, film.path))


def apart_ms(pictures: list[Seen], beeps: list[float]) -> list[float]:
    """Return how much later than its beep each flash is, once they are in step."""
    flashes = [each.time_ms for each in pictures if each.flashes and each.time_ms >= _IN_STEP_MS]
    nearest = (min((flash - beep for beep in beeps), key=abs) for flash in flashes)
    return [apart for apart in nearest if abs(apart) < 500]


@in_any_weather
async def test_each_picture_is_seen_at_its_time_and_each_flash_with_its_beep(
    film: Film, clip: Clip, weather: Weather, ffmpeg: Path
) -> None:
    pictures, beeps = await play(film, clip, weather)
    numbers = [each.number for each in pictures]
    assert numbers == sorted(set(numbers)), "in their order, each once"
    late_ms = [each.time_ms - each.number * 1000 / RATE for each in pictures if each.time_ms >= _IN_STEP_MS]
    assert max(late_ms) - min(late_ms) <= 40, "what the way takes is the same for all"
    apart = apart_ms(pictures, beeps)
    assert len(apart) >= 10
    assert max(map(abs, apart)) <= 40
    assert await decode_errors(ffmpeg, film.path) == ""
