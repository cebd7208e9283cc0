from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.sequence import Unwrapper, nearest


@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("value", [0, 1, 0x7FFF, 0xFFFF])
def test_the_first_value_is_returned_as_it_is(bits: int, value: int) -> None:
    assert Unwrapper(bits).unwrap(value) == value


@pytest.mark.parametrize(
    ("bits", "values", "expected"),
    [
        pytest.param(16, [65_534, 65_535, 0, 1], [65_534, 65_535, 65_536, 65_537], id="forth over the wrap"),
        pytest.param(16, [65_535, 0, 65_535, 1], [65_535, 65_536, 65_535, 65_537], id="reordered at the wrap"),
        pytest.param(16, [0, 65_535], [0, -1], id="back below zero"),
        pytest.param(16, [0, 32_767], [0, 32_767], id="the largest step forth"),
        pytest.param(16, [0, 32_768], [0, -32_768], id="half the range is a step back"),
        pytest.param(32, [0xFFFF_FFFF, 959], [0xFFFF_FFFF, 0x1_0000_03BF], id="a timestamp over its wrap"),
    ],
)
def test_wraps_are_followed(bits: int, values: list[int], expected: list[int]) -> None:
    unwrapper = Unwrapper(bits)
    assert [unwrapper.unwrap(value) for value in values] == expected


@settings(max_examples=100)
@given(st.data(), st.sampled_from([16, 32]))
def test_unwrapping_undoes_masking_for_steps_below_half_the_range(data: st.DataObject, bits: int) -> None:
    half = 1 << (bits - 1)
    first = data.draw(st.integers(0, 2 * half - 1))
    steps = data.draw(st.lists(st.integers(-half + 1, half - 1), max_size=40))
    walk = list(accumulate(steps, initial=first))
    unwrapper = Unwrapper(bits)
    assert [unwrapper.unwrap(value & (2 * half - 1)) for value in walk] == walk


def test_peeking_does_not_follow() -> None:
    unwrapper = Unwrapper(16)
    unwrapper.unwrap(60_000)
    assert [unwrapper.peek(20_000), unwrapper.peek(40_000)] == [85_536, 40_000]
    assert unwrapper.unwrap(20_000) == 85_536


@settings(max_examples=100)
@given(st.integers(0, 0xFFFF), st.integers(-(1 << 20), 1 << 20))
def test_the_nearest_has_the_value_and_is_within_half_the_range(value: int, reference: int) -> None:
    found = nearest(value, reference, 16)
    assert found & 0xFFFF == value
    assert -0x8000 <= found - reference < 0x8000
