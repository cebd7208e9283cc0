"""What comes out of receivers when a network and senders do what they do, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND
from services.recorder.media.hold_back import SETTLE_NS
from tests.support.in_step import any_weather, most_apart_ns
from tests.support.virtual_meeting import Heard, VirtualMeeting
from tests.support.virtual_path import Weather
from tests.support.virtual_sender import Habits, Report, honest

AUDIO = Habits("audio", ppm=80)
#: Pictures take longer to encode, and their clock drifts from that of the sound by 100 ppm.
VIDEO = Habits("video", frame_ms=100, ppm=-20, encoding_ms=70, report_ms=1_000)
IN_STEP_NS = 40 * NS_PER_MS
JITTER = Weather(jitter_ms=60, loss=0.05, reordered=0.02)
BAD = Weather(jitter_ms=300, loss=0.2, loss_burst=3, reordered=0.05, duplicated=0.05)
in_any_weather = pytest.mark.parametrize("weather", [Weather(), JITTER, BAD], ids=["calm", "jitter", "bad"])


def heard(*tracks: Habits, weather: Weather | None = None, seconds: int = 60, seed: int = 1) -> list[Heard]:
    return list(VirtualMeeting(*tracks, weather=weather, seed=seed).run(seconds))


def test_one_seed_is_one_course_of_events() -> None:
    assert heard(AUDIO, VIDEO, weather=BAD, seconds=5) == heard(AUDIO, VIDEO, weather=BAD, seconds=5)
    assert heard(AUDIO, VIDEO, weather=BAD, seconds=5) != heard(AUDIO, VIDEO, weather=BAD, seconds=5, seed=2)


def test_on_a_calm_day_every_frame_comes_out_where_it_was_captured() -> None:
    frames = heard(AUDIO, seconds=20)
    assert len(frames) == 1_001
    assert {round(each.off_ns / NS_PER_MS) for each in frames} == {40}


# --- the beginning


@pytest.mark.parametrize("seed", range(4))
def test_a_backlog_at_the_beginning_shifts_nothing(seed: int) -> None:
    """What a sender or its server has kept back comes in one go, then the rest when it is sent."""
    weather = Weather(backlog_ms=2_000, loss=0.05)
    off_ns = {each.off_ns for each in heard(AUDIO, weather=weather, seconds=20, seed=seed)}
    assert max(off_ns) - min(off_ns) <= 5 * NS_PER_MS


def test_when_reports_come_time_goes_on_smoothly() -> None:
    """By arrival the picture is 70 ms late; reports draw it to the sound by no more than 5 ms each second."""
    frames = [each for each in heard(AUDIO, VIDEO) if each.kind == "video"]
    assert frames[0].off_ns - frames[-1].off_ns > 50 * NS_PER_MS
    for before, after in pairwise(frames):
        media_ns = after.captured_ns - before.captured_ns
        assert abs(after.off_ns - before.off_ns) <= media_ns // 200 + media_ns // 1_000


@pytest.mark.parametrize("seed", range(8))
def test_soon_they_are_in_step_in_any_weather(seed: int) -> None:
    weather = any_weather(Random(seed))
    assert most_apart_ns(heard(AUDIO, VIDEO, weather=weather, seconds=180, seed=seed), 90) <= IN_STEP_NS, weather


# --- what is lost


def came_out(sound: Habits, weather: Weather, answers_within_ms: int | None) -> float:
    """Return the part of a minute of sound that came out, and came out in time for its place."""
    frames = VirtualMeeting(sound, weather=weather, seed=1, answers_within_ms=answers_within_ms).run(60)
    return sum(each.out_ns - each.placed_ns <= SETTLE_NS for each in frames) / (60 * 50)


@pytest.mark.parametrize("round_trip_ms", [20, 60, 120])
def test_of_what_is_lost_almost_all_comes_where_the_sender_answers(round_trip_ms: int) -> None:
    lossy = Weather(loss=0.1, loss_burst=2, jitter_ms=30)
    assert came_out(AUDIO, lossy, None) < 0.92
    assert came_out(AUDIO, lossy, round_trip_ms) > 0.985


def test_a_sender_that_does_not_answer_is_soon_left_alone() -> None:
    meeting = VirtualMeeting(AUDIO, weather=Weather(loss=0.1), seed=1)
    for _ in meeting.run(120):
        pass
    assert 50 < meeting.asked <= 50 + 120


# --- the sender stalls, begins anew, says nothing


@in_any_weather
@pytest.mark.parametrize("stall_ms", [150, 250, 700, 18_000])
def test_time_in_which_capture_stalled_is_a_gap_and_what_follows_is_in_step(stall_ms: int, weather: Weather) -> None:
    """The timestamps run on without a gap; reports, and arrival, tell of it."""
    frames = heard(replace(AUDIO, stalls=((60_000, stall_ms),)), VIDEO, weather=weather, seconds=180)
    assert most_apart_ns(frames, 60 + stall_ms // 1000 + 70) <= IN_STEP_NS
    sounds = [each.placed_ns for each in frames if each.kind == "audio"]
    assert max(after - before for before, after in pairwise(sounds)) >= (stall_ms - 50) * NS_PER_MS


def test_a_stall_that_is_no_longer_than_jitter_is_made_up_for_by_the_second_report_after_it() -> None:
    frames = heard(replace(AUDIO, stalls=((60_000, 250),)), VIDEO, seconds=100)
    assert most_apart_ns(frames, 60 + 2 * 8) <= IN_STEP_NS


@in_any_weather
def test_a_sender_that_begins_anew_is_in_step_again(weather: Weather) -> None:
    frames = heard(
        replace(AUDIO, restarts=(60_000, 65_000)), replace(VIDEO, restarts=(62_000,)), weather=weather, seconds=180
    )
    assert most_apart_ns(frames, 65 + 75) <= IN_STEP_NS


@pytest.mark.parametrize("ppm", [200, -200])
def test_without_reports_a_drift_is_followed_by_arrival(ppm: int) -> None:
    sound = replace(AUDIO, frame_ms=60, ppm=ppm, report_ms=0)
    off_ns = [each.off_ns for each in heard(sound, weather=replace(JITTER, reordered=0), seconds=1_800)]
    assert max(off_ns) - min(off_ns) <= 60 * NS_PER_MS


# --- wrong reports


def other_epoch(ntp_ns: int, random: Random) -> int:
    """Count from when the machine was started, now and then."""
    return ntp_ns if random.random() < 0.9 else ntp_ns % (1_000_000 * NS_PER_SECOND)


def backwards(ntp_ns: int, random: Random) -> int:
    """Say a moment that is over, now and then."""
    return ntp_ns if random.random() < 0.9 else ntp_ns - random.randrange(20 * NS_PER_SECOND)


def garbage(ntp_ns: int, random: Random) -> int:
    """Say anything, now and then."""
    return ntp_ns if random.random() < 0.9 else random.randrange(2_085_978_495 * NS_PER_SECOND)


def a_little_wrong(ntp_ns: int, random: Random) -> int:
    """Be off by what might as well be a stall, now and then."""
    return ntp_ns if random.random() < 0.9 else ntp_ns + random.randint(100, 900) * NS_PER_MS


@in_any_weather
@pytest.mark.parametrize("report", [other_epoch, backwards, garbage, a_little_wrong])
def test_wrong_reports_do_no_harm(report: Report, weather: Weather) -> None:
    frames = heard(replace(AUDIO, report=report), replace(VIDEO, report=report), weather=weather, seconds=240)
    assert most_apart_ns(frames, 120) <= IN_STEP_NS


@pytest.mark.parametrize("by_ns", [700 * NS_PER_MS, -3_600 * NS_PER_SECOND])
def test_a_sender_may_set_its_clock(by_ns: int) -> None:
    at_ns = 1_900_000_090 * NS_PER_SECOND

    def setting(ntp_ns: int, random: Random) -> int:
        return honest(ntp_ns, random) + (by_ns if ntp_ns > at_ns else 0)

    frames = heard(replace(AUDIO, report=setting), replace(VIDEO, report=setting), seconds=180)
    assert most_apart_ns(frames, 60) <= IN_STEP_NS
