from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.clock import ClockNotStartedError, TrackClock, keep_in_step
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND

VIDEO_HZ, AUDIO_HZ = 90_000, 48_000
START_NS = 1_700_000_000 * NS_PER_SECOND
SLEW_NS = 5 * NS_PER_MS


def started(rate_hz: int = VIDEO_HZ, *, timestamp: int = 0, arrival_ns: int = START_NS) -> TrackClock:
    clock = TrackClock(rate_hz)
    clock.observe(timestamp, arrival_ns)
    return clock


def observe_seconds(clock: TrackClock, first: int, last: int, *, rate_hz: int = VIDEO_HZ, late_ns: int = 0) -> None:
    """Ten frames a second, from one second to another, each arriving so much after the ideal time."""
    for tenth in range(10 * first, 10 * last + 1):
        clock.observe(tenth * rate_hz // 10, START_NS + tenth * NS_PER_SECOND // 10 + late_ns)


# --- one track by arrival


def test_the_first_observation_anchors_the_clock() -> None:
    clock = started(timestamp=1_000)
    assert clock.wall_ns(1_000) == START_NS
    assert clock.wall_ns(1_000 + VIDEO_HZ) == START_NS + NS_PER_SECOND


@pytest.mark.parametrize("rate_hz", [VIDEO_HZ, AUDIO_HZ])
def test_twenty_four_hours_of_ticks_are_twenty_four_hours_to_the_nanosecond(rate_hz: int) -> None:
    clock = started(rate_hz)
    assert clock.wall_ns(86_400 * rate_hz) == START_NS + 86_400 * NS_PER_SECOND


def test_a_time_before_any_observation_is_refused() -> None:
    with pytest.raises(ClockNotStartedError, match="timestamp 5 has no time"):
        TrackClock(VIDEO_HZ).wall_ns(5)


def test_a_delayed_frame_moves_nothing() -> None:
    clock = started()
    clock.observe(VIDEO_HZ, START_NS + NS_PER_SECOND + 1_500 * NS_PER_MS)
    assert clock.wall_ns(VIDEO_HZ) == START_NS + NS_PER_SECOND


def test_a_frame_that_is_too_early_draws_the_line_down_slowly() -> None:
    clock = started()
    clock.observe(VIDEO_HZ, START_NS + 900 * NS_PER_MS)
    assert clock.wall_ns(VIDEO_HZ) == START_NS + NS_PER_SECOND - SLEW_NS


def test_the_line_stops_where_frames_are_no_longer_early() -> None:
    clock = started(arrival_ns=START_NS + 20_300_000)
    observe_seconds(clock, 1, 20)
    assert clock.wall_ns(20 * VIDEO_HZ) == START_NS + 20 * NS_PER_SECOND


def test_after_a_long_pause_the_line_still_moves_by_no_more_than_a_seconds_worth() -> None:
    clock = started()
    clock.observe(600 * VIDEO_HZ, START_NS + 599 * NS_PER_SECOND)
    assert clock.wall_ns(600 * VIDEO_HZ) == START_NS + 600 * NS_PER_SECOND - SLEW_NS


def test_one_frame_that_is_too_early_does_not_count_for_more_than_itself() -> None:
    clock = started()
    clock.observe(VIDEO_HZ // 10, START_NS - 900 * NS_PER_MS)
    observe_seconds(clock, 1, 10)
    assert clock.wall_ns(10 * VIDEO_HZ) == START_NS + 10 * NS_PER_SECOND - SLEW_NS // 10


def test_a_frame_out_of_order_moves_nothing() -> None:
    clock = started()
    clock.observe(VIDEO_HZ, START_NS + 900 * NS_PER_MS)
    clock.observe(VIDEO_HZ // 2, START_NS + NS_PER_SECOND)
    assert clock.wall_ns(VIDEO_HZ) == START_NS + NS_PER_SECOND - SLEW_NS


@pytest.mark.parametrize(
    ("off_ns", "expected_ns"),
    [
        pytest.param(2 * NS_PER_SECOND, 10 * NS_PER_SECOND, id="two seconds late is a delay"),
        pytest.param(2 * NS_PER_SECOND + 1, 12 * NS_PER_SECOND + 1, id="more is a jump"),
        pytest.param(-2 * NS_PER_SECOND, 10 * NS_PER_SECOND - SLEW_NS, id="two seconds early is slewed"),
        pytest.param(-2 * NS_PER_SECOND - 1, 8 * NS_PER_SECOND - 1, id="more is a jump, too"),
    ],
)
def test_only_a_discontinuity_over_two_seconds_anchors_anew(off_ns: int, expected_ns: int) -> None:
    clock = started()
    clock.observe(10 * VIDEO_HZ, START_NS + 10 * NS_PER_SECOND + off_ns)
    assert clock.wall_ns(10 * VIDEO_HZ) == START_NS + expected_ns


def test_a_restart_takes_the_new_timestamps_at_their_arrival() -> None:
    clock = started(timestamp=1 << 40)
    clock.restart()
    clock.observe(7, START_NS + NS_PER_SECOND)
    assert clock.wall_ns(7) == START_NS + NS_PER_SECOND


def test_a_restarted_clock_has_no_time_until_it_observes() -> None:
    clock = started()
    clock.restart()
    with pytest.raises(ClockNotStartedError):
        clock.wall_ns(0)


def test_time_does_not_go_back_over_a_restart() -> None:
    clock = started()
    told_ns = clock.wall_ns(VIDEO_HZ)
    clock.restart()
    clock.observe(0, told_ns - 300 * NS_PER_MS)
    assert clock.wall_ns(0) == told_ns
    assert clock.wall_ns(VIDEO_HZ) == told_ns + 700 * NS_PER_MS


frames = st.lists(st.tuples(st.integers(0, 5 * VIDEO_HZ), st.integers(0, 5 * NS_PER_SECOND)), max_size=40)


@settings(deadline=None, max_examples=100)
@given(frames, st.sets(st.integers(0, 39)))
def test_time_never_goes_back(steps: list[tuple[int, int]], restarts: set[int]) -> None:
    clock, timestamp, arrival_ns, last_ns = TrackClock(VIDEO_HZ), 0, START_NS, 0
    for index, (ticks, elapsed_ns) in enumerate(steps):
        if index in restarts:
            clock.restart()
        timestamp, arrival_ns = timestamp + ticks, arrival_ns + elapsed_ns
        clock.observe(timestamp, arrival_ns)
        told_ns = clock.wall_ns(timestamp)
        assert told_ns >= last_ns
        last_ns = told_ns


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(900, VIDEO_HZ), st.integers(0, 400 * NS_PER_MS)), max_size=40),
    st.integers(-400 * NS_PER_MS, 0),
    st.integers(-400 * NS_PER_MS, 0),
)
def test_time_runs_by_the_ticks_but_for_5_ms_a_second(
    steps: list[tuple[int, int]], first_ns: int, then_ns: int
) -> None:
    clock, timestamp = started(arrival_ns=START_NS + 500 * NS_PER_MS), 0
    clock.correct_towards(first_ns)
    last_ns = clock.wall_ns(0)
    clock.correct_towards(then_ns)
    for ticks, delay_ns in steps:
        timestamp += ticks
        clock.observe(timestamp, START_NS + timestamp * NS_PER_SECOND // VIDEO_HZ + delay_ns)
        told_ns = clock.wall_ns(timestamp)
        media_ns = ticks * NS_PER_SECOND // VIDEO_HZ
        assert abs(told_ns - last_ns - media_ns) <= media_ns // 200 + 2
        last_ns = told_ns


# --- several tracks by sender reports

SENDER_NS = 5_000 * NS_PER_SECOND  # what the sender's clock says when both timestamps are 0


def report(clock: TrackClock, seconds: int, *, rate_hz: int, ntp_ns: int = SENDER_NS) -> None:
    elapsed_ns = seconds * NS_PER_SECOND
    clock.sender_report(ntp_ns + elapsed_ns, seconds * rate_hz, START_NS + elapsed_ns)


def skewed_by(late_ns: int) -> tuple[TrackClock, TrackClock]:
    """Audio on time and video that comes so much later, captured at the same moment."""
    return started(AUDIO_HZ), started(VIDEO_HZ, arrival_ns=START_NS + late_ns)


def report_both(audio: TrackClock, video: TrackClock, seconds: int = 0) -> None:
    report(audio, seconds, rate_hz=AUDIO_HZ)
    report(video, seconds, rate_hz=VIDEO_HZ)
    keep_in_step(audio, video)


def test_the_later_track_is_drawn_to_the_earlier_at_once_before_any_output() -> None:
    audio, video = skewed_by(300 * NS_PER_MS)
    report_both(audio, video)
    assert audio.wall_ns(AUDIO_HZ) == video.wall_ns(VIDEO_HZ) == START_NS + NS_PER_SECOND


def test_it_makes_no_difference_which_track_is_late() -> None:
    audio, video = skewed_by(-300 * NS_PER_MS)
    report_both(audio, video)
    assert audio.wall_ns(AUDIO_HZ) == video.wall_ns(VIDEO_HZ) == START_NS + 700 * NS_PER_MS


def test_after_output_the_later_track_is_slewed_until_both_are_in_step() -> None:
    late_ns = 100 * NS_PER_MS
    audio, video = skewed_by(late_ns)
    video.wall_ns(0)
    report_both(audio, video)
    assert video.wall_ns(0) == START_NS + late_ns
    observe_seconds(video, 0, 1, late_ns=late_ns)
    assert video.wall_ns(VIDEO_HZ) == START_NS + NS_PER_SECOND + late_ns - SLEW_NS
    observe_seconds(video, 1, 30, late_ns=late_ns)
    assert video.wall_ns(30 * VIDEO_HZ) == audio.wall_ns(30 * AUDIO_HZ)


def test_without_sender_reports_each_track_stays_at_its_arrival() -> None:
    audio, video = skewed_by(300 * NS_PER_MS)
    keep_in_step(audio, video)
    assert audio.wall_ns(0) == START_NS
    assert video.wall_ns(0) == START_NS + 300 * NS_PER_MS


def test_with_a_report_of_one_track_alone_each_stays_at_its_arrival() -> None:
    audio, video = skewed_by(300 * NS_PER_MS)
    report(video, 0, rate_hz=VIDEO_HZ)
    keep_in_step(audio, video)
    assert video.wall_ns(0) == START_NS + 300 * NS_PER_MS


def test_while_one_track_has_no_report_the_other_keeps_its_correction() -> None:
    audio, video = skewed_by(-300 * NS_PER_MS)
    report_both(audio, video)
    video.restart()
    report_both(audio, video, seconds=1)
    observe_seconds(audio, 1, 10, rate_hz=AUDIO_HZ)
    assert audio.wall_ns(10 * AUDIO_HZ) == START_NS + 10 * NS_PER_SECOND - 300 * NS_PER_MS


@pytest.mark.parametrize(("apart_s", "corrected"), [(1, True), (20, False)])
def test_reports_of_clocks_far_apart_are_not_of_one_sender(apart_s: int, *, corrected: bool) -> None:
    audio, video = started(AUDIO_HZ), started(VIDEO_HZ)
    report(audio, 0, rate_hz=AUDIO_HZ)
    report(video, 0, rate_hz=VIDEO_HZ, ntp_ns=SENDER_NS - apart_s * NS_PER_SECOND)
    keep_in_step(audio, video)
    assert (video.wall_ns(0) < START_NS) is corrected


def test_a_report_of_other_timestamps_than_the_frames_is_ignored() -> None:
    clock = started()
    clock.sender_report(SENDER_NS, 3 * VIDEO_HZ, START_NS)
    assert clock.offset_ns is None


def test_a_report_before_any_frame_is_ignored() -> None:
    clock = TrackClock(VIDEO_HZ)
    clock.sender_report(SENDER_NS, 0, START_NS)
    clock.observe(0, START_NS)
    assert clock.offset_ns is None


def test_the_offset_is_that_of_the_newest_report() -> None:
    clock = started()
    report(clock, 0, rate_hz=VIDEO_HZ)
    assert clock.offset_ns == START_NS - SENDER_NS
    report(clock, 10, rate_hz=VIDEO_HZ, ntp_ns=SENDER_NS + 1)
    assert clock.offset_ns == START_NS - SENDER_NS - 1


@pytest.mark.parametrize("by", ["restart", "discontinuity"])
def test_the_reports_of_old_timestamps_are_forgotten_but_the_correction_stays(by: str) -> None:
    audio, video = skewed_by(300 * NS_PER_MS)
    report_both(audio, video)
    if by == "restart":
        video.restart()
    video.observe(1 << 40, START_NS + 9 * NS_PER_SECOND)
    assert video.offset_ns is None
    assert video.wall_ns(1 << 40) == START_NS + 9 * NS_PER_SECOND - 300 * NS_PER_MS


def test_two_hours_of_an_audio_clock_that_is_slow_leave_both_tracks_in_step() -> None:
    audio, video = started(AUDIO_HZ), started(VIDEO_HZ)
    slow_hz = AUDIO_HZ - AUDIO_HZ * 100 // 1_000_000
    worst_ns = 0
    for second in range(1, 7_200):
        now_ns = START_NS + second * NS_PER_SECOND
        audio.observe(second * slow_hz, now_ns)
        video.observe(second * VIDEO_HZ, now_ns)
        if second % 5 == 0:
            audio.sender_report(SENDER_NS + second * NS_PER_SECOND, second * slow_hz, now_ns)
            video.sender_report(SENDER_NS + second * NS_PER_SECOND, second * VIDEO_HZ, now_ns)
            keep_in_step(audio, video)
        apart_ns = abs(audio.wall_ns(second * slow_hz) - video.wall_ns(second * VIDEO_HZ))
        worst_ns = max(worst_ns, apart_ns)
    assert worst_ns < 10 * NS_PER_MS
