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
            _starts(ours, peer, theirs) if measurement == _START else {},
            _seen(ours, peer, theirs) if measurement == _CPU else {},
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


def _starts(ours: Sequence[Leg], peer: Peer, theirs: Sequence[Leg]) -> Mapping[str, Percentiles]:
    both = {_OURS: ours, peer.what: theirs}
    return {name: Percentiles.of([start for leg in legs for start in leg.starts]) for name, legs in both.items()}


def _seen(ours: Sequence[Leg], peer: Peer, theirs: Sequence[Leg]) -> Mapping[str, float]:
    """Return what part of it is the worker's, and whether all was sent in time and is there."""
    worker = [leg.cpu[0] / sum(leg.cpu) for leg in ours]
    seen = {
        "of onrecord's, the worker's own, %": 100 * median(worker),
        "the worker at rest, % of a core": median(leg.rest_percent for leg in ours),
        "frames recorded by onrecord": sum(leg.frames for leg in ours),
        "frames lost by onrecord": sum(leg.lost for leg in ours),
        "sent late, p99, ms": max(leg.sent.late_p99_ms for leg in (*ours, *theirs)),
    }
    theirs_lost = {f"frames lost by {peer.what}": sum(leg.lost for leg in theirs)} if peer.passes_through else {}
    return seen | theirs_lost
