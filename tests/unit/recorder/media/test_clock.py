from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder.media.clock import (
    EARLY_NS,
    FOREIGN_REPORT_NS,
    LATE_NS,
    MAX_LEAD_NS,
    MAX_SKEW_NS,
    SETTLING_FRAMES,
    SETTLING_NS,
    ClockNotStartedError,
    TrackClock,
    keep_in_step,
)
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND
from services.recorder.media.sender_time import REPORT_LIFE_NS

VIDEO_HZ, AUDIO_HZ = 90_000, 48_000
START_NS = 1_700_000_000 * NS_PER_SECOND
SLEW_NS = 5 * NS_PER_MS


def started(rate_hz: int = VIDEO_HZ, *, timestamp: int = 0, arrival_ns: int = START_NS) -> TrackClock:
    """Begin a line with one frame."""
    clock = TrackClock(rate_hz)
    clock.observe(timestamp, arrival_ns)
    clock.settle()
    clock.observe(timestamp, arrival_ns)
    return clock


def observe_seconds(clock: TrackClock, first: int, last: int, *, rate_hz: int = VIDEO_HZ, late_ns: int = 0) -> None:
    """Ten frames a second, from one second to another, each arriving so much after the ideal time."""
    for tenth in range(10 * first, 10 * last + 1):
        clock.observe(tenth * rate_hz // 10, START_NS + tenth * NS_PER_SECOND // 10 + late_ns)


def told(clock: TrackClock, seconds: int, *, rate_hz: int = VIDEO_HZ) -> int:
    """Ask when the timestamp of that second was captured, in ns since the start; its frame is not early."""
    return clock.wall_ns(seconds * rate_hz, START_NS + (seconds + 3600) * NS_PER_SECOND) - START_NS


def has_settled(clock: TrackClock, now_ns: int) -> bool:
    clock.advance(now_ns)
    return clock.is_settled


# --- a line begins


def test_the_first_frame_is_placed_at_its_arrival_and_what_follows_by_its_timestamp() -> None:
    clock = started(timestamp=1_000)
    assert clock.wall_ns(1_000, START_NS) == START_NS
    assert clock.wall_ns(1_000 + VIDEO_HZ, START_NS + NS_PER_SECOND) == START_NS + NS_PER_SECOND


@pytest.mark.parametrize("rate_hz", [VIDEO_HZ, AUDIO_HZ])
def test_twenty_four_hours_of_ticks_are_twenty_four_hours_to_the_nanosecond(rate_hz: int) -> None:
    assert told(started(rate_hz), 86_400, rate_hz=rate_hz) == 86_400 * NS_PER_SECOND


def test_a_time_before_any_observation_is_refused() -> None:
    with pytest.raises(ClockNotStartedError, match="timestamp 5 has no time"):
        TrackClock(VIDEO_HZ).wall_ns(5, START_NS)


def test_the_first_frames_have_to_wait_for_a_quarter_of_a_second() -> None:
    clock = TrackClock(VIDEO_HZ)
    clock.observe(0, START_NS)
    assert not has_settled(clock, START_NS + SETTLING_NS - 1)
    with pytest.raises(ClockNotStartedError):
        clock.wall_ns(0, START_NS)
    assert has_settled(clock, START_NS + SETTLING_NS)


def test_a_backlog_that_comes_at_once_shifts_nothing() -> None:
    """Two seconds of frames arrive together, and then the others when they are captured."""
    clock = TrackClock(VIDEO_HZ)
    for tenth in range(20):
        clock.observe(tenth * VIDEO_HZ // 10, START_NS + 2 * NS_PER_SECOND)
    clock.observe(2 * VIDEO_HZ, START_NS + 2 * NS_PER_SECOND)
    assert has_settled(clock, START_NS + 2 * NS_PER_SECOND + SETTLING_NS)
    assert [told(clock, second) for second in (0, 1, 2)] == [0, NS_PER_SECOND, 2 * NS_PER_SECOND]


def test_a_restart_takes_the_new_timestamps_at_their_arrival() -> None:
    clock = started(timestamp=1 << 40)
    clock.restart()
    with pytest.raises(ClockNotStartedError):
        clock.wall_ns(1 << 40, START_NS)
    clock.observe(7, START_NS + NS_PER_SECOND)
    clock.settle()
    assert clock.wall_ns(7, START_NS + NS_PER_SECOND) == START_NS + NS_PER_SECOND


def test_a_restart_forgets_the_frames_that_were_waiting() -> None:
    clock = TrackClock(VIDEO_HZ)
    clock.observe(1 << 40, START_NS)
    clock.restart()
    clock.observe(0, START_NS)
    clock.settle()
    assert told(clock, 1) == NS_PER_SECOND


def test_time_does_not_go_back_over_a_restart() -> None:
    clock = started()
    assert told(clock, 1) == NS_PER_SECOND
    clock.restart()
    clock.observe(0, START_NS + 700 * NS_PER_MS)
    clock.settle()
    assert told(clock, 0) == NS_PER_SECOND
    assert told(clock, 1) == 1_700 * NS_PER_MS


# --- frames on the line


def test_a_delayed_frame_moves_nothing() -> None:
    clock = started()
    clock.observe(VIDEO_HZ, START_NS + NS_PER_SECOND + LATE_NS)
    assert has_settled(clock, START_NS + NS_PER_SECOND + LATE_NS)
    assert told(clock, 1) == NS_PER_SECOND


def test_a_frame_that_is_early_draws_the_line_down_slowly() -> None:
    clock = started()
    clock.observe(VIDEO_HZ, START_NS + NS_PER_SECOND - EARLY_NS)
    assert told(clock, 1) == NS_PER_SECOND - SLEW_NS


def test_the_line_stops_where_frames_are_no_longer_early() -> None:
    clock = started(arrival_ns=START_NS + 20_300_000)
    observe_seconds(clock, 1, 20)
    assert told(clock, 20) == 20 * NS_PER_SECOND


def test_the_line_goes_up_slowly_where_all_are_late() -> None:
    """A way that takes longer, or a sender's clock that is slow: the least of the last 2 to 4 s counts."""
    clock = started()
    observe_seconds(clock, 0, 1)
    observe_seconds(clock, 2, 3, late_ns=50 * NS_PER_MS)
    assert told(clock, 3) == 3 * NS_PER_SECOND
    observe_seconds(clock, 4, 20, late_ns=50 * NS_PER_MS)
    assert told(clock, 20) == 20 * NS_PER_SECOND + 50 * NS_PER_MS


def test_after_a_long_pause_the_line_moves_by_no_more_than_a_seconds_worth() -> None:
    clock = started()
    clock.observe(600 * VIDEO_HZ, START_NS + 600 * NS_PER_SECOND - EARLY_NS)
    assert told(clock, 600) == 600 * NS_PER_SECOND - SLEW_NS


def test_one_frame_that_is_early_does_not_count_for_more_than_its_span() -> None:
    clock = started()
    clock.observe(VIDEO_HZ // 10, START_NS + 50 * NS_PER_MS)
    observe_seconds(clock, 1, 20)
    assert told(clock, 20) == 20 * NS_PER_SECOND


def test_a_frame_out_of_order_moves_nothing() -> None:
    clock = started()
    clock.observe(VIDEO_HZ, START_NS + 950 * NS_PER_MS)
    for _ in range(2):
        clock.observe(VIDEO_HZ // 2, START_NS + NS_PER_SECOND // 2)
        assert told(clock, 1) == NS_PER_SECOND - SLEW_NS
        clock.observe(VIDEO_HZ, START_NS + NS_PER_SECOND)
        assert told(clock, 1) == NS_PER_SECOND - SLEW_NS


@pytest.mark.parametrize("ppm", [200, -200])
def test_a_drift_is_followed_in_either_direction(ppm: int) -> None:
    clock, frames = started(), 10 * 3600
    for frame in range(frames):
        clock.observe(frame * VIDEO_HZ // 10, START_NS + frame * (100 * NS_PER_MS - ppm * 100))
    drifted_ns = (frames - 1) * ppm * 100
    assert abs(told(clock, frames // 10) + drifted_ns - frames * 100 * NS_PER_MS) < NS_PER_MS


# --- frames off the line


@pytest.mark.parametrize(
    ("off_ns", "is_off"),
    [
        pytest.param(LATE_NS, False, id="jitter"),
        pytest.param(LATE_NS + 1, True, id="later"),
        pytest.param(-EARLY_NS, False, id="a line too high"),
        pytest.param(-EARLY_NS - 1, True, id="earlier"),
        pytest.param(18 * NS_PER_SECOND, True, id="far off"),
    ],
)
def test_frames_that_are_off_the_line_have_to_wait(off_ns: int, *, is_off: bool) -> None:
    clock = started()
    arrival_ns = START_NS + NS_PER_SECOND + off_ns
    clock.observe(VIDEO_HZ, arrival_ns)
    assert has_settled(clock, arrival_ns + SETTLING_NS - 1) is not is_off


def test_one_on_the_line_says_that_the_others_were_delayed() -> None:
    """The network was away for a second: what had piled up comes at once, then all goes on."""
    clock = started()
    for frame in range(10, 17):
        clock.observe(frame * VIDEO_HZ // 10, START_NS + 2 * NS_PER_SECOND)
        assert not has_settled(clock, START_NS + 2 * NS_PER_SECOND)
    clock.observe(2 * VIDEO_HZ, START_NS + 2 * NS_PER_SECOND)
    assert has_settled(clock, START_NS + 2 * NS_PER_SECOND)
    assert has_settled(clock, START_NS + 2 * NS_PER_SECOND + SETTLING_NS)
    assert [told(clock, second) for second in (1, 2)] == [NS_PER_SECOND, 2 * NS_PER_SECOND]


@pytest.mark.parametrize("off_ns", [18 * NS_PER_SECOND, -800 * NS_PER_MS], ids=["stalled", "ran ahead"])
def test_where_all_are_off_a_line_begins_at_the_least_of_them(off_ns: int) -> None:
    clock = started()
    for frame, jitter_ns in ((10, 7_000), (11, 0), (12, 5_000), (13, 9_000)):
        clock.observe(frame * VIDEO_HZ // 10, START_NS + frame * 100 * NS_PER_MS + off_ns + jitter_ns)
    assert has_settled(clock, START_NS + 1_300 * NS_PER_MS + off_ns)
    assert told(clock, 1) == NS_PER_SECOND + off_ns


def test_two_frames_off_the_line_are_delayed_ones_however_long_nothing_else_comes() -> None:
    clock = started()
    for frame in (10, 11):
        clock.observe(frame * VIDEO_HZ // 10, START_NS + frame * 100 * NS_PER_MS + NS_PER_SECOND)
    assert has_settled(clock, START_NS + 2_000 * NS_PER_MS + SETTLING_NS)
    assert told(clock, 1) == NS_PER_SECOND


def test_rare_frames_off_the_line_begin_another_one_with_the_third() -> None:
    """As of a screen that is shared; each is given the time that the line says after it has waited."""
    clock = started()
    for second in (1, 2, 3):
        arrival_ns = START_NS + second * NS_PER_SECOND + 10 * NS_PER_SECOND
        clock.observe(second * VIDEO_HZ, arrival_ns)
        assert has_settled(clock, arrival_ns + SETTLING_NS)
        assert told(clock, second) == second * NS_PER_SECOND + (10 * NS_PER_SECOND if second == 3 else 0)


def test_the_first_frame_on_a_line_that_has_just_begun_moves_nothing() -> None:
    clock = started(timestamp=600 * VIDEO_HZ)
    clock.restart()
    clock.observe(0, START_NS)
    clock.settle()
    clock.observe(VIDEO_HZ, START_NS + NS_PER_SECOND - EARLY_NS)
    assert told(clock, 1) == NS_PER_SECOND
    clock.observe(2 * VIDEO_HZ, START_NS + 2 * NS_PER_SECOND)
    assert told(clock, 2) == 2 * NS_PER_SECOND - SLEW_NS


def test_a_frame_of_a_wrong_timestamp_does_not_keep_the_others_waiting_for_its_time() -> None:
    clock = started()
    clock.observe(3600 * VIDEO_HZ, START_NS + NS_PER_SECOND)
    clock.observe(VIDEO_HZ, START_NS + NS_PER_SECOND)
    assert clock.wall_ns(3600 * VIDEO_HZ, START_NS + NS_PER_SECOND) == START_NS + NS_PER_SECOND + EARLY_NS
    assert told(clock, 2) == 2 * NS_PER_SECOND


# --- several tracks by sender reports

SENDER_NS = 5_000 * NS_PER_SECOND  # what the sender's clock says when both timestamps are 0


def report(clock: TrackClock, seconds: int, *, rate_hz: int, ntp_ns: int = SENDER_NS, late_ns: int = 0) -> None:
    elapsed_ns = seconds * NS_PER_SECOND
    clock.sender_report(ntp_ns + elapsed_ns, seconds * rate_hz, START_NS + elapsed_ns + late_ns)


def skewed_by(late_ns: int) -> tuple[TrackClock, TrackClock]:
    """Audio on time and video that comes so much later, captured at the same moment."""
    return started(AUDIO_HZ), started(VIDEO_HZ, arrival_ns=START_NS + late_ns)


def report_both(audio: TrackClock, video: TrackClock, seconds: int = 0) -> None:
    report(audio, seconds, rate_hz=AUDIO_HZ)
    report(video, seconds, rate_hz=VIDEO_HZ)
    keep_in_step(START_NS + seconds * NS_PER_SECOND, audio, video)


def watch(audio: TrackClock, video: TrackClock, last: int, late_ns: int) -> tuple[int, int]:
    """Let both go by, the picture later by so much, and tell when the last second was by each."""
    for second in range(0, last, 10):
        observe_seconds(audio, second, second + 10, rate_hz=AUDIO_HZ)
        observe_seconds(video, second, second + 10, late_ns=late_ns)
        if video.offset_ns(START_NS + second * NS_PER_SECOND):
            report_both(audio, video, second + 10)
    return told(audio, last, rate_hz=AUDIO_HZ), told(video, last)


@pytest.mark.parametrize(
    ("late_ns", "both_ns"),
    [
        pytest.param(100 * NS_PER_MS, 0, id="video is later"),
        pytest.param(-100 * NS_PER_MS, -100 * NS_PER_MS, id="audio is later"),
        pytest.param(MAX_LEAD_NS, 0, id="by as much as can be made up for"),
        pytest.param(MAX_LEAD_NS + 50 * NS_PER_MS, 50 * NS_PER_MS, id="by more, and so audio has to wait"),
    ],
)
def test_tracks_are_placed_as_they_were_captured_whichever_is_later(late_ns: int, both_ns: int) -> None:
    audio, video = skewed_by(late_ns)
    report_both(audio, video)
    placed_ns = 60 * NS_PER_SECOND + both_ns
    assert watch(audio, video, 60, late_ns) == (placed_ns, placed_ns)


def test_the_later_track_is_slewed() -> None:
    audio, video = skewed_by(100 * NS_PER_MS)
    report_both(audio, video)
    assert told(video, 0) == 100 * NS_PER_MS
    observe_seconds(video, 0, 1, late_ns=100 * NS_PER_MS)
    assert told(video, 1) == NS_PER_SECOND + 100 * NS_PER_MS - SLEW_NS


def test_without_sender_reports_each_track_stays_at_its_arrival() -> None:
    audio, video = skewed_by(100 * NS_PER_MS)
    keep_in_step(START_NS, audio, video)
    placed_ns = watch(audio, video, 10, 100 * NS_PER_MS)
    assert placed_ns == (10 * NS_PER_SECOND, 10 * NS_PER_SECOND + 100 * NS_PER_MS)


def test_with_reports_of_one_track_alone_each_stays_at_its_arrival() -> None:
    audio, video = skewed_by(100 * NS_PER_MS)
    report(video, 0, rate_hz=VIDEO_HZ)
    keep_in_step(START_NS, audio, video)
    placed_ns = watch(audio, video, 10, 100 * NS_PER_MS)
    assert placed_ns == (10 * NS_PER_SECOND, 10 * NS_PER_SECOND + 100 * NS_PER_MS)


@pytest.mark.parametrize("gone", ["restarted", "silent"])
def test_while_one_track_has_no_report_the_other_keeps_its_distance(gone: str) -> None:
    audio, video = skewed_by(-100 * NS_PER_MS)
    report_both(audio, video)
    observe_seconds(audio, 0, 30, rate_hz=AUDIO_HZ)
    if gone == "restarted":
        video.restart()
    report(audio, 31, rate_hz=AUDIO_HZ)
    keep_in_step(START_NS + 31 * NS_PER_SECOND, audio, video)
    observe_seconds(audio, 31, 60, rate_hz=AUDIO_HZ)
    assert told(audio, 60, rate_hz=AUDIO_HZ) == 60 * NS_PER_SECOND - 100 * NS_PER_MS


@pytest.mark.parametrize(("apart_ns", "is_one"), [(MAX_SKEW_NS, True), (MAX_SKEW_NS + 1, False)])
def test_reports_of_clocks_far_apart_are_not_of_one_sender(apart_ns: int, *, is_one: bool) -> None:
    audio, video = started(AUDIO_HZ), started(VIDEO_HZ)
    report(audio, 0, rate_hz=AUDIO_HZ)
    report(video, 0, rate_hz=VIDEO_HZ, ntp_ns=SENDER_NS - apart_ns)
    keep_in_step(START_NS, audio, video)
    observe_seconds(video, 0, 1)
    assert (told(video, 1) < NS_PER_SECOND) is is_one


@pytest.mark.parametrize(("off_ns", "taken"), [(FOREIGN_REPORT_NS, True), (FOREIGN_REPORT_NS + 1, False)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_report_of_other_timestamps_than_the_frames_is_ignored(off_ns: int, sign: int, *, taken: bool) -> None:
    clock = started()
    report(clock, 3, rate_hz=VIDEO_HZ, late_ns=sign * off_ns)
    assert (clock.offset_ns(START_NS) is not None) is taken


def test_a_report_before_any_line_is_ignored() -> None:
    clock = TrackClock(VIDEO_HZ)
    clock.observe(0, START_NS)
    clock.sender_report(SENDER_NS, 0, START_NS)
    clock.settle()
    assert clock.offset_ns(START_NS) is None


def test_the_offset_is_that_of_the_reports_and_of_the_least_transit() -> None:
    clock = started()
    report(clock, 0, rate_hz=VIDEO_HZ)
    assert clock.offset_ns(START_NS) == START_NS - SENDER_NS
    clock.observe(VIDEO_HZ, START_NS + NS_PER_SECOND - 7)
    assert clock.offset_ns(START_NS) == START_NS - SENDER_NS - 7


@pytest.mark.parametrize("missing", ["frames", "reports"])
def test_an_offset_is_known_for_half_a_minute_after_the_last_frame_and_report(missing: str) -> None:
    clock, later_ns = started(), 20 * NS_PER_SECOND
    report(clock, 0, rate_hz=VIDEO_HZ)
    if missing == "frames":
        report(clock, 20, rate_hz=VIDEO_HZ)
    else:
        clock.observe(20 * VIDEO_HZ, START_NS + later_ns)
    assert clock.offset_ns(START_NS + REPORT_LIFE_NS) is not None
    assert clock.offset_ns(START_NS + REPORT_LIFE_NS + 1) is None


@pytest.mark.parametrize("by", ["restart", "another line"])
def test_the_reports_of_old_timestamps_are_forgotten_but_the_distance_stays(by: str) -> None:
    audio, video = skewed_by(100 * NS_PER_MS)
    report_both(audio, video)
    watch(audio, video, 30, 100 * NS_PER_MS)
    if by == "restart":
        video.restart()
    for _ in range(SETTLING_FRAMES):
        video.observe(1 << 40, START_NS + 39 * NS_PER_SECOND)
    video.settle()
    assert video.offset_ns(START_NS + 39 * NS_PER_SECOND) is None
    assert video.wall_ns(1 << 40, START_NS + 39 * NS_PER_SECOND) == START_NS + 38_900 * NS_PER_MS


def test_a_short_stall_that_arrival_alone_would_take_for_delay_becomes_a_gap_by_its_report() -> None:
    clock, stall_ns = started(), 250 * NS_PER_MS
    observe_seconds(clock, 0, 9)
    report(clock, 9, rate_hz=VIDEO_HZ)
    assert told(clock, 9) == 9 * NS_PER_SECOND
    observe_seconds(clock, 10, 15, late_ns=stall_ns)
    for second in (14, 15):
        report(clock, second, rate_hz=VIDEO_HZ, ntp_ns=SENDER_NS + stall_ns, late_ns=stall_ns)
    slewed_ns = told(clock, 15) - 15 * NS_PER_SECOND - stall_ns
    assert 0 <= slewed_ns <= 6 * SLEW_NS
    observe_seconds(clock, 16, 30, late_ns=stall_ns)
    assert told(clock, 30) == 30 * NS_PER_SECOND + stall_ns


# --- laws

steps = st.lists(
    st.tuples(
        st.integers(-VIDEO_HZ, 5 * VIDEO_HZ),  # ticks
        st.integers(0, 5 * NS_PER_SECOND),  # elapsed
        st.sampled_from(["frame"] * 8 + ["restart", "settle", "report"]),
        st.integers(-(2**40), 2**40),
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(steps)
def test_whatever_is_observed_reported_and_restarted_time_never_goes_back(
    course: list[tuple[int, int, str, int]],
) -> None:
    clock, other = TrackClock(VIDEO_HZ), started(AUDIO_HZ)
    timestamp, arrival_ns, last_ns = 0, START_NS, 0
    report(other, 0, rate_hz=AUDIO_HZ)
    for ticks, elapsed_ns, what, noise in course:
        timestamp, arrival_ns = timestamp + ticks, arrival_ns + elapsed_ns
        if what == "restart":
            clock.restart()
        if what == "settle":
            clock.settle()
        if what == "report":
            clock.sender_report(SENDER_NS + noise, timestamp, arrival_ns)
            keep_in_step(arrival_ns, clock, other)
        clock.observe(timestamp, arrival_ns)
        if has_settled(clock, arrival_ns):
            told_ns = clock.wall_ns(timestamp, arrival_ns)
            assert told_ns >= last_ns
            last_ns = told_ns


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(900, VIDEO_HZ), st.integers(-EARLY_NS, LATE_NS)), max_size=40),
    st.integers(-MAX_SKEW_NS, MAX_SKEW_NS),
)
def test_on_a_line_time_runs_by_the_ticks_but_for_5_ms_a_second(steps: list[tuple[int, int]], skew_ns: int) -> None:
    clock, other, timestamp = started(), started(AUDIO_HZ), 0
    report(clock, 0, rate_hz=VIDEO_HZ)
    report(other, 0, rate_hz=AUDIO_HZ, ntp_ns=SENDER_NS + skew_ns)
    keep_in_step(START_NS, clock, other)
    last_ns = clock.wall_ns(0, START_NS)
    for ticks, jitter_ns in steps:
        timestamp += ticks
        arrival_ns = START_NS + timestamp * NS_PER_SECOND // VIDEO_HZ + jitter_ns
        clock.observe(timestamp, arrival_ns)
        if not has_settled(clock, arrival_ns):  # the line has moved since, and this one is off it
            return
        told_ns = clock.wall_ns(timestamp, arrival_ns)
        media_ns = ticks * NS_PER_SECOND // VIDEO_HZ
        assert abs(told_ns - last_ns - media_ns) <= media_ns // 200 + 2
        last_ns = told_ns
