"""Gaps: when a file holds silence or black, and why.

Pure. Whatever the gate closed is a gap, however short and to the moment: somebody said so. What the gap fillers filled
beside that is one from half a second on, as long as one reason holds. Of several that hold at a moment, the first
counts:

    they are not there; they do not consent; it is paused; it could not be written; what was said did not become known
    in time; nothing comes of them at all; nothing comes of this track; what comes is not whole
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.recorder.media.frame import NS_PER_MS, Kind
from services.recorder.media.gap_filler import SHORTEST_GAP_NS
from services.recorder.media.gate import Closing
from services.recorder.media.spans import LongestSpans, Span, common, union, without
from shared.contracts.gaps import FileGaps, Gap, GapReason

#: Of all tracks of a file, so many gaps are written into the log: the longest. They take some 20 kB there.
MOST_LOGGED = 200

_CLOSINGS: dict[Closing, GapReason] = {"presence": "disconnected", "consent": "no_consent", "pause": "paused"}
#: By their rank.
_Reasons = list[tuple[GapReason, Sequence[Span]]]
_OFF: dict[Kind, GapReason] = {"audio": "muted", "video": "camera_off"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What tells why a file has gaps. Times are wall clock, ns."""

    #: From its time zero to its end.
    file: Span
    closed: Mapping[Closing, Sequence[Span]]
    #: When media was captured that could not be written, by the track.
    not_written: Mapping[Kind, Sequence[Span]]
    #: When media came that waited in vain for what was said, or that there was no room for to wait.
    not_known: Sequence[Span]
    #: When nothing at all was heard of the participant.
    absent: Sequence[Span]
    #: When no packets came of a track.
    off: Mapping[Kind, Sequence[Span]]


@dataclass(frozen=True, slots=True)
class TrackGap:
    """Time of a file that holds silence or black, of one track. Wall clock, ns."""

    track: Kind
    begin_ns: int
    end_ns: int
    reason: GapReason
    #: Whether the gate was closed for it: words, not media, make it.
    closed: bool


def gaps(track: Kind, filled: Sequence[Span], evidence: Evidence) -> list[TrackGap]:
    """Return the gaps of a track, in order, none of which overlap, with what was filled by the wall clock."""
    said: _Reasons = [(reason, evidence.closed[closing]) for closing, reason in _CLOSINGS.items()]
    seen: _Reasons = [
        ("not_written", evidence.not_written[track]),
        ("not_known", evidence.not_known),
        ("disconnected", evidence.absent),
        (_OFF[track], evidence.off[track]),
        ("lost", [evidence.file]),
    ]
    closed = union(span for _, spans in said for span in spans)
    each = [
        *_layers(track, [evidence.file], said, closed=True),
        *_layers(track, without(common([evidence.file], filled), closed), seen, closed=False),
    ]
    return _joined(sorted(each, key=lambda gap: gap.begin_ns))


def _layers(track: Kind, rest: list[Span], reasons: _Reasons, *, closed: bool) -> Iterator[TrackGap]:
    """Give each moment the first reason that holds at it."""
    for reason, spans in reasons:
        for begin_ns, end_ns in common(rest, spans):
            yield TrackGap(track, begin_ns, end_ns, reason, closed)
        rest = without(rest, spans)


def _joined(each: Sequence[TrackGap]) -> list[TrackGap]:
    """Make one of those that touch for the same reason, and leave out what nobody would notice."""
    joined: list[TrackGap] = []
    for gap in each:
        before = joined[-1] if joined else None
        if before and (before.end_ns, before.reason) == (gap.begin_ns, gap.reason):
            joined[-1] = replace(before, end_ns=gap.end_ns, closed=before.closed or gap.closed)
        else:
            joined.append(gap)
    return [gap for gap in joined if gap.closed or gap.end_ns - gap.begin_ns >= SHORTEST_GAP_NS]


def logged(each: Sequence[TrackGap], start_ns: int, *filled: LongestSpans) -> FileGaps:
    """Return what the log is told of the gaps of a file with that time zero: the longest of them, in their order.

    The others are counted, and so is what was left out already of what was filled.
    """
    by_length = sorted(each, key=lambda gap: gap.begin_ns - gap.end_ns)
    longest, others = set(by_length[:MOST_LOGGED]), by_length[MOST_LOGGED:]
    others_ns = sum(gap.end_ns - gap.begin_ns for gap in others) + sum(spans.left_out_ns for spans in filled)
    return FileGaps(
        longest=tuple(_logged(gap, start_ns) for gap in each if gap in longest),
        left_out=len(others) + sum(spans.left_out for spans in filled),
        left_out_ms=others_ns // NS_PER_MS,
    )


def _logged(gap: TrackGap, start_ns: int) -> Gap:
    begin_ms, end_ms = ((moment - start_ns) // NS_PER_MS for moment in (gap.begin_ns, gap.end_ns))
    return Gap(track=gap.track, begin_ms=begin_ms, end_ms=end_ms, reason=gap.reason)
