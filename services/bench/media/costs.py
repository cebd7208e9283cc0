"""The figures of participants that were recorded by ours and by peers in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from services.bench.figures import Baseline, Figure, Goal, Percentiles
from services.bench.media.leg import Leg
from services.bench.media.peers import FFMPEG_COPY, Peer

_OURS = "onrecord"
_CPU, _MEMORY, _START = "CPU for each participant", "memory for each participant", "start to media in the file"
_CPU_GOAL = Goal("ratio", "at most", 0.7)
#: What is compared, and in what unit.
_COSTS: Mapping[tuple[str, str], Callable[[Leg], float]] = {
    (_CPU, "% of a core"): lambda leg: leg.cpu_percent,
    (_MEMORY, "MiB"): lambda leg: leg.kib_each / 1024,
    (_START, "ms"): lambda leg: 1000 * median(leg.starts),
}


def compared(ours: Sequence[Leg], peer: Peer, theirs: Sequence[Leg]) -> list[Figure]:
    """Return a row for each cost."""
    return [
        Figure(
            measurement,
            _what(ours, theirs),
            unit,
            [cost(leg) for leg in ours],
            Baseline(peer.what, [cost(leg) for leg in theirs]),
            _CPU_GOAL if (measurement, peer) == (_CPU, FFMPEG_COPY) else None,
            _times(ours, peer, theirs) if measurement == _START else {},
            _DETAILS[measurement](ours, peer, theirs) if measurement in _DETAILS else {},
        )
        for (measurement, unit), cost in _COSTS.items()
    ]


def not_there(ours: Sequence[Leg], peer: Peer) -> Figure:
    """Return a row that says that there was nothing to compare with."""
    what = f"{ours[0].participants} participants; {peer.what}: not installed"
    return Figure(_CPU, what, "% of a core", [leg.cpu_percent for leg in ours])


def _what(ours: Sequence[Leg], theirs: Sequence[Leg]) -> str:
    count, other = ours[0].participants, theirs[0].participants
    return f"{count} participants" + (f", beside {other}" if other != count else "")


def _starts(legs: Sequence[Leg]) -> list[float]:
    return [start for leg in legs for start in leg.starts]


def _times(ours: Sequence[Leg], peer: Peer, theirs: Sequence[Leg]) -> Mapping[str, Percentiles]:
    return {name: Percentiles.of(_starts(legs)) for name, legs in ((_OURS, ours), (peer.what, theirs))}


def _extremes(ours: Sequence[Leg], peer: Peer, theirs: Sequence[Leg]) -> Mapping[str, float]:
    both = ((_OURS, _starts(ours)), (peer.what, _starts(theirs)))
    lowest = {f"lowest by {name}, ms": 1000 * min(starts) for name, starts in both}
    return lowest | {f"highest by {name}, ms": 1000 * max(starts) for name, starts in both}


def _frames(ours: Sequence[Leg], peer: Peer, theirs: Sequence[Leg]) -> Mapping[str, float]:
    """Return whether all was sent in time and is there; in the first row, what part of the CPU time is the worker's."""
    late = {"sent late, p99, ms": max(leg.sent.late_p99_ms for leg in (*ours, *theirs))}
    lost = {f"frames lost by {peer.what}": sum(leg.lost for leg in theirs)} if peer.passes_through else {}
    return {**(_of_ours(ours) if peer is FFMPEG_COPY else {}), **lost, **late}


def _of_ours(ours: Sequence[Leg]) -> Mapping[str, float]:
    return {
        "of onrecord's, the worker's own, %": 100 * median(leg.cpu[0] / sum(leg.cpu) for leg in ours),
        "the worker at rest, % of a core": median(leg.rest_percent for leg in ours),
        "frames recorded by onrecord": sum(leg.frames for leg in ours),
        "frames lost by onrecord": sum(leg.lost for leg in ours),
    }


_DETAILS = {_CPU: _frames, _START: _extremes}
