"""Two hours of sound and picture, with clocks that drift apart and in any weather, stay in step."""

from __future__ import annotations

from random import Random

import pytest

from services.recorder.media.frame import NS_PER_MS
from tests.support.in_step import any_weather, most_apart_ns
from tests.support.virtual_meeting import VirtualMeeting
from tests.support.virtual_sender import Habits

_TWO_HOURS = 7_200
#: Until then what was begun by arrival alone is slewed to where reports have it.
_SETTLED_S = 120


def drifting(random: Random, apart_ppm: int) -> tuple[Habits, Habits]:
    """Make tracks whose clocks are so far apart, on a sender whose own drifts, over the wraps of their numbers."""
    sender_ppm, audio_ppm = random.uniform(-200, 200), random.uniform(-200, 200 - apart_ppm)
    audio = Habits(
        "audio",
        frame_ms=60,
        ppm=audio_ppm,
        sender_ppm=sender_ppm,
        first_timestamp=2**32 - random.randrange(3600 * 48_000),
        first_sequence=random.randrange(2**16),
    )
    video = Habits(
        "video",
        frame_ms=100,
        ppm=audio_ppm + apart_ppm,
        sender_ppm=sender_ppm,
        encoding_ms=random.randint(0, 100),
        first_timestamp=2**32 - random.randrange(3600 * 90_000),
        first_sequence=random.randrange(2**16),
        report_ms=1_000,
    )
    return audio, video


@pytest.mark.parametrize("seed", range(4))
def test_after_two_hours_sound_and_picture_are_in_step(seed: int) -> None:
    random = Random(seed)
    tracks, weather = drifting(random, apart_ppm=random.choice((100, 200))), any_weather(random)
    meeting = VirtualMeeting(*tracks, weather=weather, seed=seed)
    assert most_apart_ns(meeting.run(_TWO_HOURS), _SETTLED_S) <= 40 * NS_PER_MS, weather
