"""Whoever withdraws at whatever moment, and however late that is heard of, is in no file from that moment on.

Thousands of withdrawals in virtual time. `--meetings` makes more of them: ten meetings, with a hundred and ten
withdrawals, take a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from services.recorder.media.frame import TimedFrame
from services.recorder.media.hold_back import HoldBack
from services.recorder.media.page import Dropped
from shared.contracts.watermark import Watermark
from shared.messaging.follower import Follower
from shared.messaging.message import Message
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


# --- that it would be noticed


def judge_the_capture_alone(patch: pytest.MonkeyPatch) -> None:
    def permits(self: HoldBack, held: TimedFrame) -> bool:
        return self._gate.permits(held.time_ns, held.time_ns)

    patch.setattr(HoldBack, "permits", permits)


def judge_the_arrival_alone(patch: pytest.MonkeyPatch) -> None:
    def permits(self: HoldBack, held: TimedFrame) -> bool:
        return self._gate.permits(held.frame.arrival_ns, held.frame.arrival_ns)

    patch.setattr(HoldBack, "permits", permits)


def wait_for_no_watermark(patch: pytest.MonkeyPatch) -> None:
    def release(self: HoldBack, watermark_ns: int) -> Iterator[TimedFrame | Dropped]:
        return self.queue.release(1 << 62)

    patch.setattr(HoldBack, "release", release)


def judge_before_waiting(patch: pytest.MonkeyPatch) -> None:
    take, permits = HoldBack.take, HoldBack.permits

    def take_permitted(self: HoldBack, frames: Iterable[TimedFrame]) -> None:
        take(self, [each for each in frames if permits(self, each)])

    patch.setattr(HoldBack, "take", take_permitted)
    patch.setattr(HoldBack, "permits", lambda *_: True)


def heed_a_watermark_before_the_events_before_it(patch: pytest.MonkeyPatch) -> None:
    hear = Follower.hear

    async def hear_early(self: Follower, message: Message) -> Watermark | None:
        if message.type == Watermark.type:
            return Watermark.model_validate_json(message.payload)
        return await hear(self, message)

    patch.setattr(Follower, "hear", hear_early)


@pytest.mark.parametrize(
    "go_wrong",
    [
        judge_the_capture_alone,
        judge_the_arrival_alone,
        wait_for_no_watermark,
        judge_before_waiting,
        heed_a_watermark_before_the_events_before_it,
    ],
    ids=lambda guard: guard.__name__,
)
async def test_a_recorder_that_goes_wrong_is_found_out_within_a_few_meetings(
    go_wrong: Callable[[pytest.MonkeyPatch], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_wrong(monkeypatch)
    results = await live(range(10), tmp_path)
    assert any(result.forbidden() for result in results)
