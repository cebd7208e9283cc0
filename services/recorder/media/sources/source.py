"""A participant's source: what comes of their tracks, by whatever way, handed to all who record them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import cast

from services.recorder.media.clock import keep_in_step
from services.recorder.media.counting import KEYFRAMES_ASKED
from services.recorder.media.flow import SenderFlow
from services.recorder.media.frame import NS_PER_SECOND, Kind, TimedFrame, VideoCodec
from services.recorder.media.sources.track import Track

_KEYFRAME_REQUEST_NS = NS_PER_SECOND

Sink = Callable[[list[TimedFrame]], None]


class Source:
    """Receives one participant's tracks and hands whole frames to all who record them; to nobody, drops them.

    All share one receiver for each track. So a packet is parsed once, however many recordings there are, and a frame
    has the same place on the wall clock in each of their files. The receivers are made afresh where nobody was
    attached: what came meanwhile was not read into them, so nothing may build on what came before. Who attaches while
    others are there gets the frames from then on, of which the first may build on pictures that it has not got: every
    sink waits for a keyframe by itself, and asks for one by `tick`.
    """

    def __init__(self, tracks: Sequence[Track], hurry: Callable[[], None]) -> None:
        """`hurry` is told that a packet is missing: what comes next is to be handed in soon."""
        self._tracks = tracks
        self._hurry = hurry
        self._sinks: list[Sink] = []
        self._flows: list[SenderFlow] = []
        self._asked_ns = 0
        #: When it was last told what became of packets.
        self._told_ns = 0

    @property
    def video_codec(self) -> VideoCodec | None:
        """What the picture was announced in; None: none was. It can be received, or there would be no source."""
        codecs = (track.codec for track in self._tracks if track.kind == "video")
        return cast("VideoCodec | None", next(codecs, None))

    def attach(self, sink: Sink) -> None:
        """Hand frames to `sink`, too, from now on; each list of them goes to several, and is not to be changed."""
        if not self._sinks:
            self._begin_afresh()
        self._sinks.append(sink)

    def detach(self, sink: Sink) -> None:
        """Hand nothing more to `sink`, the last one gets what waits; to one that is not attached it is nothing."""
        if self._sinks == [sink]:
            for track in self._tracks:
                self._hand_on(track.receiver.finish())
        if sink in self._sinks:
            self._sinks.remove(sink)

    def attach_flow(self, flow: SenderFlow) -> None:
        """Let `flow` hear of packets and reports from now on; of packets only while there is a sink."""
        self._flows.append(flow)

    def detach_flow(self, flow: SenderFlow) -> None:
        """Let `flow` hear of nothing more."""
        if flow in self._flows:
            self._flows.remove(flow)

    def tick(self, *, wants_keyframe: bool) -> None:
        """Do what time demands: give up lost packets, report, ask for a keyframe. Every sink says what it wants.

        However many want one, the sender is asked at most once a second: its answer goes to all.
        """
        now_ns = time.time_ns()
        for track in self._tracks:
            self._hand_on(track.receiver.tick(now_ns))
            track.report(now_ns)
        if now_ns - self._told_ns >= NS_PER_SECOND:
            self._told_ns = now_ns
            self.tell()
        if now_ns - self._asked_ns >= _KEYFRAME_REQUEST_NS:
            self._ask_for_keyframe(now_ns, wants_keyframe=wants_keyframe)

    def tell(self) -> None:
        """Count what came since this was last told."""
        for track in self._tracks:
            track.tell()

    def close(self) -> None:
        """Take in nothing more."""
        for track in self._tracks:
            track.receive_afresh()

    def _take(self, track: Track, packets: list[tuple[bytes, int]]) -> None:
        """Take what came of a track, at least one datagram, each with its arrival (wall clock, ns)."""
        if not self._sinks:
            return
        self._hand_on(track.receiver.take(packets))
        if track.receiver.is_waiting:
            track.ask_for_missing(packets[-1][1])
            self._hurry()
        for heard_ns in track.receiver.heard_ns:
            self._hear(heard_ns, track.kind)

    def _take_report(self, track: Track, data: bytes, arrival_ns: int) -> bool:
        """Take RTCP; tell whether it is that."""
        if not track.receiver.report(data, arrival_ns):
            return False
        self._hear(arrival_ns)
        keep_in_step(arrival_ns, *(each.receiver.clock for each in self._tracks))
        self._tell_skew(arrival_ns)
        return True

    def _begin_afresh(self) -> None:
        for track in self._tracks:
            track.receive_afresh()
        self._asked_ns = 0

    def _hear(self, at_ns: int, track: Kind | None = None) -> None:
        for flow in self._flows:
            flow.hear(at_ns, track)

    def _tell_skew(self, now_ns: int) -> None:
        offsets = {track.kind: track.receiver.clock.offset_ns(now_ns) for track in self._tracks}
        audio_ns, video_ns = offsets.get("audio"), offsets.get("video")
        if audio_ns is not None and video_ns is not None:
            for flow in self._flows:
                flow.skew_ns = video_ns - audio_ns

    def _hand_on(self, frames: list[TimedFrame]) -> None:
        if frames:
            for sink in self._sinks:
                sink(frames)

    def _ask_for_keyframe(self, now_ns: int, *, wants_keyframe: bool) -> None:
        for track in self._tracks:
            wanted = track.receiver.needs_keyframe or (track.kind == "video" and wants_keyframe)
            if wanted and track.ask_for_keyframe():
                is_again = now_ns - self._asked_ns < 2 * _KEYFRAME_REQUEST_NS
                KEYFRAMES_ASKED.labels("again" if is_again else "first").inc()
                self._asked_ns = now_ns
