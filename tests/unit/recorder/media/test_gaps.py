"""What holds silence or black, and why. Times are written in ms of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Kind
from services.recorder.media.gap_filler import SHORTEST_GAP_NS
from services.recorder.media.gaps import MOST_LOGGED, Evidence, TrackGap, gaps, logged
from services.recorder.media.spans import LongestSpans, Span, union
from shared.contracts.gaps import FileGaps, Gap

START_NS = 1_800_000_000 * NS_PER_SECOND
END_MS = 10_000
SHORTEST_MS = SHORTEST_GAP_NS // NS_PER_MS


def spans(*ms: tuple[int, int]) -> list[Span]:
    return [(ns(begin), ns(end)) for begin, end in ms]


def ns(ms: int) -> int:
    return START_NS + ms * NS_PER_MS


def all_is_well() -> Evidence:
    return Evidence(
        file=(START_NS, ns(END_MS)),
        closed={"presence": [], "consent": [], "pause": []},
        not_written={"audio": [], "video": []},
        not_known=[],
        absent=[],
        off={"audio": [], "video": []},
    )


def told(filled: list[Span], evidence: Evidence, track: Kind = "audio") -> list[tuple[int, int, str]]:
    return [(*_in_ms(gap), gap.reason) for gap in gaps(track, filled, evidence)]


def _in_ms(gap: TrackGap) -> tuple[int, int]:
    return (gap.begin_ns - START_NS) // NS_PER_MS, (gap.end_ns - START_NS) // NS_PER_MS


def closed(presence: Sequence[Span] = (), consent: Sequence[Span] = (), pause: Sequence[Span] = ()) -> Evidence:
    return replace(all_is_well(), closed={"presence": presence, "consent": consent, "pause": pause})


def test_a_file_of_which_nothing_was_filled_has_no_gaps() -> None:
    assert told([], all_is_well()) == []


def test_what_is_filled_while_packets_come_was_lost() -> None:
    assert told(spans((1000, 2000)), all_is_well()) == [(1000, 2000, "lost")]


def test_what_is_filled_while_no_packets_of_the_track_come_is_muted_or_the_camera_is_off() -> None:
    off = replace(all_is_well(), off={"audio": spans((1000, 3000)), "video": spans((4000, 6000))})
    filled = spans((1000, 3000), (4000, 6000))
    assert told(filled, off, "audio") == [(1000, 3000, "muted"), (4000, 6000, "lost")]
    assert told(filled, off, "video") == [(1000, 3000, "lost"), (4000, 6000, "camera_off")]


def test_what_is_filled_while_nothing_at_all_comes_is_disconnected() -> None:
    gone = replace(
        all_is_well(), absent=spans((1000, 4000)), off={"audio": spans((1000, 5000)), "video": spans((1000, 5000))}
    )
    assert told(spans((1000, 5000)), gone) == [(1000, 4000, "disconnected"), (4000, 5000, "muted")]


def test_what_could_not_be_written_is_told_so_of_its_track_alone() -> None:
    full = replace(all_is_well(), not_written={"audio": spans((1000, 4000)), "video": []}, not_known=spans((500, 2000)))
    assert told(spans((1000, 5000)), full) == [(1000, 4000, "not_written"), (4000, 5000, "lost")]
    assert told(spans((1000, 5000)), full, "video") == [(1000, 2000, "not_known"), (2000, 5000, "lost")]


def test_what_memory_had_no_room_for_is_not_known_whatever_came() -> None:
    full = replace(all_is_well(), not_known=spans((1000, 4000)), absent=spans((2000, 3000)))
    assert told(spans((1000, 5000)), full) == [(1000, 4000, "not_known"), (4000, 5000, "lost")]


def test_silence_while_all_is_well_with_the_track_alone_is_no_gap_of_time_that_was_not_filled() -> None:
    quiet = replace(all_is_well(), absent=spans((1000, 9000)), off={"audio": spans((1000, 9000)), "video": []})
    assert told(spans((2000, 3000)), quiet) == [(2000, 3000, "disconnected")]


def test_what_the_gate_closed_is_a_gap_of_either_track_to_the_moment() -> None:
    withdrawn = closed(consent=spans((1001, 2003)))
    assert told(spans((980, 2020)), withdrawn, "audio") == [(1001, 2003, "no_consent")]
    assert told(spans((980, 2020)), withdrawn, "video") == [(1001, 2003, "no_consent")]


def test_what_the_gate_closed_is_a_gap_however_short() -> None:
    assert told([], closed(consent=spans((1000, 1001)))) == [(1000, 1001, "no_consent")]


def test_a_pause_and_an_absence_close_it_too() -> None:
    both = closed(pause=spans((1000, 1100)), presence=spans((2000, 2100)))
    assert told([], both) == [(1000, 1100, "paused"), (2000, 2100, "disconnected")]


def test_of_what_closes_it_absence_counts_before_consent_and_that_before_a_pause() -> None:
    all_of_them = closed(presence=spans((3000, 4000)), consent=spans((2000, 5000)), pause=spans((1000, 6000)))
    assert told(spans((1000, 6000)), all_of_them) == [
        (1000, 2000, "paused"),
        (2000, 3000, "no_consent"),
        (3000, 4000, "disconnected"),
        (4000, 5000, "no_consent"),
        (5000, 6000, "paused"),
    ]


def test_what_closes_it_counts_before_what_came() -> None:
    muted = replace(closed(consent=spans((1000, 2000))), off={"audio": spans((1000, 4000)), "video": []})
    assert told(spans((1000, 4000)), muted) == [(1000, 2000, "no_consent"), (2000, 4000, "muted")]


def test_who_is_not_heard_of_and_then_leaves_is_disconnected_throughout() -> None:
    gone = replace(closed(presence=spans((3000, 4000))), absent=spans((1000, 5000)))
    assert told(spans((1000, 5000)), gone) == [(1000, 5000, "disconnected")]


def test_what_is_closed_is_told_with_the_little_before_it_that_has_the_same_reason() -> None:
    gone = replace(closed(presence=spans((3000, 3100))), absent=spans((2900, 3200)))
    assert told(spans((2900, 3100)), gone) == [(2900, 3100, "disconnected")]


def test_what_nobody_would_notice_is_left_out() -> None:
    shortest = spans((1000, 1000 + SHORTEST_MS))
    assert told(shortest, all_is_well()) == [(1000, 1000 + SHORTEST_MS, "lost")]
    assert told([(shortest[0][0] + 1, shortest[0][1])], all_is_well()) == []


def test_the_end_of_a_gap_that_has_a_reason_of_its_own_is_left_out_if_nobody_would_notice_it() -> None:
    """A picture waits for its keyframe when consent was given again."""
    assert told(spans((1000, 2400)), closed(consent=spans((1000, 2000)))) == [(1000, 2000, "no_consent")]


def test_gaps_are_told_within_the_file_alone() -> None:
    filled = [(START_NS - NS_PER_SECOND, START_NS + NS_PER_SECOND), (ns(END_MS - 1000), ns(END_MS + 10))]
    assert told(filled, all_is_well()) == [(0, 1000, "lost"), (END_MS - 1000, END_MS, "lost")]


# --- laws

_ms: st.SearchStrategy[list[Span]] = st.lists(
    st.builds(lambda begin, length: (ns(begin), ns(begin + length)), st.integers(0, 9000), st.integers(1, 3000)),
    max_size=4,
).map(union)
_evidence = st.builds(
    Evidence,
    file=st.just((START_NS, ns(END_MS))),
    closed=st.fixed_dictionaries({"presence": _ms, "consent": _ms, "pause": _ms}),
    not_written=st.fixed_dictionaries({"audio": _ms, "video": _ms}),
    not_known=_ms,
    absent=_ms,
    off=st.fixed_dictionaries({"audio": _ms, "video": _ms}),
)


@given(_ms, _evidence)
def test_gaps_are_in_order_within_the_file_and_none_overlap(filled: list[Span], evidence: Evidence) -> None:
    found = gaps("audio", filled, evidence)
    edges = [evidence.file[0], *(edge for gap in found for edge in (gap.begin_ns, gap.end_ns)), evidence.file[1]]
    assert edges == sorted(edges)
    assert all(gap.begin_ns < gap.end_ns for gap in found)
    assert not any((one.end_ns, one.reason) == (other.begin_ns, other.reason) for one, other in pairwise(found))


@given(_ms, _evidence, st.integers(0, END_MS - 1))
def test_each_moment_has_the_first_reason_that_holds_at_it(
    filled: list[Span], evidence: Evidence, moment_ms: int
) -> None:
    moment = ns(moment_ms)
    reasons = [gap.reason for gap in gaps("video", filled, evidence) if gap.begin_ns <= moment < gap.end_ns]
    assert reasons in ([_reason(filled, evidence, moment)], [])


@given(_ms, _evidence, st.integers(0, END_MS - 1))
def test_a_moment_that_is_in_no_gap_was_open_and_its_reason_short(
    filled: list[Span], evidence: Evidence, moment_ms: int
) -> None:
    moment = ns(moment_ms)
    if not any(gap.begin_ns <= moment < gap.end_ns for gap in gaps("video", filled, evidence)):
        assert not any(_covers(each, moment) for each in evidence.closed.values())
        held = [_reason(filled, evidence, ns(ms)) for ms in range(moment_ms - SHORTEST_MS, moment_ms + SHORTEST_MS)]
        assert held[SHORTEST_MS] is None or len(set(held)) > 1


def _reason(filled: list[Span], evidence: Evidence, moment: int) -> str | None:
    if not evidence.file[0] <= moment < evidence.file[1]:
        return None
    by_rank = [
        ("disconnected", _covers(evidence.closed["presence"], moment)),
        ("no_consent", _covers(evidence.closed["consent"], moment)),
        ("paused", _covers(evidence.closed["pause"], moment)),
        (None, not _covers(filled, moment)),
        ("not_written", _covers(evidence.not_written["video"], moment)),
        ("not_known", _covers(evidence.not_known, moment)),
        ("disconnected", _covers(evidence.absent, moment)),
        ("camera_off", _covers(evidence.off["video"], moment)),
    ]
    return next((reason for reason, holds in by_rank if holds), "lost")


def _covers(each: Sequence[Span], moment: int) -> bool:
    return any(begin <= moment < end for begin, end in each)


# --- in the log


def gap(begin_ms: int, end_ms: int) -> TrackGap:
    return TrackGap("audio", ns(begin_ms), ns(end_ms), "muted", closed=False)


def test_the_log_is_told_of_gaps_in_the_files_own_time() -> None:
    assert logged([gap(1000, 2500)], START_NS) == FileGaps(
        longest=(Gap(track="audio", begin_ms=1000, end_ms=2500, reason="muted"),)
    )


def test_of_too_many_gaps_the_log_has_the_longest_in_order_and_how_many_others_there_are() -> None:
    many = [gap(at * 10_000, at * 10_000 + 600 + at % 7) for at in range(MOST_LOGGED)]
    shorter = [gap(at * 10_000 + 5000, at * 10_000 + 5550) for at in range(3)]
    both = sorted([*many, *shorter], key=lambda each: each.begin_ns)
    found = logged(both, START_NS)
    assert found.longest == logged(many, START_NS).longest
    assert [each.begin_ms for each in found.longest] == [at * 10_000 for at in range(MOST_LOGGED)]
    assert (found.left_out, found.left_out_ms) == (3, 1650)


def test_what_the_gap_fillers_left_out_is_counted_too() -> None:
    filled = LongestSpans(1)
    for begin_ms in (1000, 3000):
        filled.add(*spans((begin_ms, begin_ms + 700))[0])
    found = logged([gap(3000, 3700)], START_NS, filled, filled)
    assert (len(found.longest), found.left_out, found.left_out_ms) == (1, 2, 1400)


def test_as_many_gaps_as_may_be_are_all_told() -> None:
    found = logged([gap(at * 1000, at * 1000 + 500) for at in range(MOST_LOGGED)], START_NS)
    assert (len(found.longest), found.left_out, found.left_out_ms) == (MOST_LOGGED, 0, 0)
