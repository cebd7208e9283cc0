"""What the pipeline does when memory is full."""

from __future__ import annotations

import pytest

from services.recorder.media import hold_back
from tests.support.film import Film, delta, keyframe, recorded, sound


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> int:
    """Room for ten sounds of ten bytes."""
    monkeypatch.setattr(hold_back, "_MAX_HELD_BYTES", 100)
    return 10


async def test_what_waits_beyond_the_bound_is_dropped_oldest_first_and_counted(film: Film, little_memory: int) -> None:
    film.say(-1000, holds=True)
    sounds = [sound(at) for at in range(0, 500, 20)]
    assert {len(each.frame.data) for each in sounds} == {10}
    film.send(*sounds)
    assert film.pipeline.counters.overflowed == len(sounds) - little_memory
    packets = await film.end(500)
    assert recorded(packets, *sounds) == [False] * (len(sounds) - little_memory) + [True] * little_memory


async def test_memory_that_was_written_is_free_again(film: Film, little_memory: int) -> None:
    film.say(-1000, holds=True)
    sounds = [sound(at) for at in range(0, 2000, 20)]
    film.send(keyframe(0))
    for at, each in zip(range(0, 2000, 20), sounds, strict=True):
        film.send(each)
        await film.known_until(at)
    assert film.pipeline.counters.overflowed == 0
    assert recorded(await film.end(2000), *sounds) == [True] * 100


async def test_no_picture_builds_on_one_that_memory_had_no_room_for(film: Film, little_memory: int) -> None:
    film.say(-1000, holds=True)
    shown, dropped, after, again = keyframe(0), delta(100), [delta(200), delta(300)], [keyframe(400), delta(500)]
    film.send(shown)
    await film.known_until(50)
    film.send(dropped)
    film.send(*after)
    film.send(*again)
    assert film.pipeline.counters.overflowed > 0
    assert film.pipeline.wants_keyframe is False, "one is there already"
    packets = await film.end(1000)
    assert recorded(packets, shown, dropped, *after) == [True, False, False, False]
    assert recorded(packets, *again) == [True, True]
