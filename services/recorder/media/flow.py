"""Flow: whether packets of each track come, and when they did not.

Pure: time arrives as an argument, wall clock, ns. Packets flow while none comes more than
`FLOW_NS` after the one before. RTCP is no flow, but tells that its sender is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Kind
from services.recorder.media.spans import LongestSpans, Span

#: Opus that is silent sends a packet every 400 ms (RFC 6716 section 2.1.9), a picture that stands still one a second.
FLOW_NS = 1500 * NS_PER_MS
#: RTCP comes every 5 s, and up to half as much later (RFC 3550 sections 6.2 and 6.3.1).
SENDER_NS = 8 * NS_PER_SECOND
#: Pauses of a flow that are remembered. The shortest of more are forgotten: then it is as if packets had come.
_MOST_PAUSES = 1000
#: A track that begins and stops more often than that is told of less often than it does.
APART_NS = 10 * NS_PER_SECOND


class Flow:
    """What is heard of something from a moment on, as long as nothing is further than `patience_ns` from the last."""

    def __init__(self, start_ns: int, patience_ns: int) -> None:
        self._patience_ns = patience_ns
        self._pauses = LongestSpans(_MOST_PAUSES)
        #: When it was last heard of; before the first time, the beginning.
        self._heard_ns = start_ns
        #: When the newest flow began; None: nothing was ever heard.
        self._since_ns: int | None = None

    def hear(self, at_ns: int) -> None:
        """Take note that something came. What came before the beginning, or before what is known, changes nothing."""
        if at_ns < self._heard_ns:
            return
        if at_ns - self._heard_ns > self._patience_ns:
            self._pauses.add(self._heard_ns, at_ns)
            self._since_ns = at_ns
        self._since_ns = self._since_ns or at_ns
        self._heard_ns = at_ns

    def flows(self, now_ns: int) -> bool:
        return self._since_ns is not None and now_ns - self._heard_ns <= self._patience_ns

    def changed_ns(self, now_ns: int) -> int:
        """Return since when it flows, or does not."""
        return self._since_ns if self._since_ns is not None and self.flows(now_ns) else self._heard_ns

    def pauses(self, end_ns: int) -> list[Span]:
        """Return when nothing came, from the last that did to the next, or to the end."""
        last = [(self._heard_ns, end_ns)] if end_ns - self._heard_ns > self._patience_ns else []
        return self._pauses.spans + last


class SenderFlow:
    """What comes of one participant: of each track, and at all."""

    def __init__(self, start_ns: int) -> None:
        self.tracks: dict[Kind, Flow] = {"audio": Flow(start_ns, FLOW_NS), "video": Flow(start_ns, FLOW_NS)}
        self.sender = Flow(start_ns, SENDER_NS)
        #: By how much pictures take longer than sounds to come, as the sender last reported; None: it did not.
        self.skew_ns: int | None = None

    def hear(self, at_ns: int, track: Kind | None = None) -> None:
        """Take note of a packet of a track; None: of a report, which is no media."""
        self.sender.hear(at_ns)
        if track:
            self.tracks[track].hear(at_ns)


@dataclass(frozen=True, slots=True)
class FlowChange:
    """Packets of a track begin to flow, or do not flow any more."""

    track: Kind
    flows: bool
    #: The first packet that came, or the last one.
    at_ns: int


class FlowChanges:
    """What is told of a flow: each track's changes, and no two of a track within 10 s.

    Of one that begins and stops more often, what holds after 10 s is told, if it is not what was told before.
    """

    def __init__(self, flow: SenderFlow) -> None:
        self._flow = flow
        #: What was told of each track, and when.
        self._told: dict[Kind, tuple[bool, int]] = {}

    def due(self, now_ns: int) -> Iterator[FlowChange]:
        """Yield what is to be told now; it counts as told."""
        for track, flow in self._flow.tracks.items():
            flows = flow.flows(now_ns)
            was_flowing, told_ns = self._told.get(track, (False, now_ns - APART_NS))
            if flows != was_flowing and now_ns - told_ns >= APART_NS:
                self._told[track] = flows, now_ns
                yield FlowChange(track, flows, flow.changed_ns(now_ns))
