"""What holds frames back: how many, until when, and which of them are wanted."""

from __future__ import annotations

import pytest

from services.recorder.media.clock import LATE_NS
from services.recorder.media.frame import NS_PER_SECOND
from services.recorder.media.gate import Gate
from services.recorder.media.hold_back import SETTLE_NS, HoldBack
from services.recorder.media.receiver import MAX_WAIT_NS
from services.recorder.media.sources.reading import PAUSE_SECONDS
from tests.support.film import START_NS, delta, keyframe, sound

PATIENCE_NS = 300 * NS_PER_SECOND


@pytest.fixture
def held() -> HoldBack:
    return HoldBack(Gate(), START_NS, PATIENCE_NS)


def ns(at_ms: int) -> int:
    return START_NS + at_ms * 1_000_000


def test_frames_are_released_in_order_once_the_watermark_has_passed_their_arrival(held: HoldBack) -> None:
    frames = [keyframe(0, arrival_ms=50), sound(10, arrival_ms=60), delta(33, arrival_ms=83)]
    held.take(frames)
    assert list(held.release(ns(49))) == []
    assert list(held.known(ns(60))) == frames[:2]
    assert list(held.release(ns(60))) == frames[:2]
    assert list(held.release(ns(1000))) == frames[2:]
    assert list(held.release(ns(1000))) == []


def test_what_is_captured_from_the_end_on_does_not_wait(held: HoldBack) -> None:
    held.end_at(ns(100))
    held.take(sounds := [sound(80), sound(100), sound(120)])
    assert list(held.release(ns(1000))) == sounds[:1]


def test_what_was_captured_before_the_beginning_or_from_the_end_on_is_not_wanted(held: HoldBack) -> None:
    held.end_at(ns(100))
    assert [held.is_wanted(sound(at)) for at in (-1, 0, 99, 100)] == [False, True, True, False]


def test_the_end_is_no_earlier_than_the_beginning(held: HoldBack) -> None:
    held.end_at(ns(-500))
    assert held.end_ns == START_NS


def test_all_is_there_when_what_was_captured_last_must_have_come(held: HoldBack) -> None:
    assert not held.is_complete(ns(10**6))
    held.end_at(ns(1000))
    assert [held.is_complete(ns(1000) + SETTLE_NS + off) for off in (-1, 0)] == [False, True]


def test_a_frame_is_permitted_only_if_every_moment_from_capture_to_arrival_is() -> None:
    gate = Gate()
    held = HoldBack(gate, START_NS, PATIENCE_NS)
    gate.say("presence", ns(-1000), holds=True)
    gate.say("consent", ns(0), holds=True)
    gate.say("consent", ns(100), holds=False)
    assert held.permits(sound(0, arrival_ms=99))
    assert not held.permits(sound(-1, arrival_ms=50)), "captured before"
    assert not held.permits(sound(50, arrival_ms=100)), "arrived after"
    assert not held.permits(delta(50, first_arrival_ms=-1, arrival_ms=60)), "its first packet came before"


def test_what_waits_for_a_packet_jitters_and_is_read_as_late_as_it_may_is_not_given_up() -> None:
    assert SETTLE_NS >= MAX_WAIT_NS + LATE_NS + PAUSE_SECONDS * NS_PER_SECOND
