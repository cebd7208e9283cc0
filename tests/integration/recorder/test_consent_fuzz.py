"""Whoever withdraws at whatever moment, and however late that is heard of, is in no file from that moment on.

Thousands of withdrawals in virtual time; `--meetings` makes more of them, seven and a half of each hundred a second.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fuzzed_recording import Result, recorded, small_memory, totals

#: Meetings of a test, with ten withdrawals each.
_PARTS = 8


async def live(seeds: range, folder: Path) -> list[Result]:
    with small_memory():
        return [await recorded(seed, folder) for seed in seeds]


@pytest.fixture
def seeds(request: pytest.FixtureRequest, part: int) -> range:
    each = request.config.getoption("--meetings") // _PARTS
    return range(part * each, (part + 1) * each)


@pytest.mark.parametrize("part", range(_PARTS))
@pytest.mark.timeout(3600)
async def test_not_one_frame_is_in_a_file_from_a_withdrawal_to_the_next_yes(seeds: range, tmp_path: Path) -> None:
    results = await live(seeds, tmp_path)
    for seed, result in zip(seeds, results, strict=True):
        assert result.forbidden() == [], f"of meeting {seed}"
        _assert_is_all_that_was_permitted(seed, result)
    found = totals(results)
    assert found["withdrawals"] >= 8 * len(seeds)
    assert found["written"] > 300 * len(seeds)
    assert found["spooled"] > len(seeds) / 5
    assert found["overflowed"] > len(seeds) / 20


def _assert_is_all_that_was_permitted(seed: int, result: Result) -> None:
    """See that sounds are there once, in order, and all of them but those that waited too long."""
    for file, overflowed in zip(result.files[:2], result.overflowed, strict=False):
        sounds = [frame for frame in file if frame.timed.frame.kind == "audio"]
        permitted = result.permitted_sounds()
        assert sounds == [frame for frame in permitted if frame in set(sounds)], f"of meeting {seed}"
        assert len(permitted) - len(sounds) <= overflowed, f"of meeting {seed}"
