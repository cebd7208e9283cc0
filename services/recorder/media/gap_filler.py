"""Silence and black for every gap, so that both tracks of the file always flow.

Pure: no I/O and no clock; time comes in as arguments. Times that come in are wall clock (ns since the Unix
epoch), times that go out count from the beginning of the file (ns).

Both tracks must flow because ffmpeg holds one track back, without bound, while the other one is silent.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Block, Kind, TimedFrame

#: 20 ms of silence: a fullband CELT packet (TOC 0xF8, RFC 6716 section 3.1) whose one frame says "silent".
OPUS_SILENCE = b"\xf8\xff\xfe"
SILENCE_NS = 20 * NS_PER_MS

#: A first keyframe this near the beginning becomes the beginning: nobody sees one frame (at 25 fps) of black.
ALMOST_START_NS = 40 * NS_PER_MS
#: How long before the end the closing black stands: as the last sound, so that both tracks end as one.
CLOSING_NS = SILENCE_NS
#: Two pictures that are closer fall into one frame of the nominal rate (120 in a second), which decoders that count in
#: frames call an error. A black picture can come so close to one that was sent.
APART_NS = 10 * NS_PER_MS
#: A sender that is faster than that all the time would pull picture and sound apart: further it is not moved.
MAX_MOVE_NS = 50 * NS_PER_MS


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of the file that holds filler instead of what was sent; ns since the beginning of the file."""

    kind: Kind
    start_ns: int
    end_ns: int


class AudioGapFiller:
    """One audio track without holes: what is missing is silence."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        #: Where the next sound is due.
        self._next_ns = 0
        self.gaps: list[Gap] = []
        #: Packets dropped because their whole time was already written.
        self.late = 0

    def push(self, frame: TimedFrame) -> list[Block]:
        """Return silence up to the packet, then the packet."""
        time_ns = frame.time_ns - self._start_ns
        duration_ns = frame.frame.duration_ns
        if self._next_ns - time_ns >= duration_ns:
            self.late += 1
            return []
        blocks = self._silence(time_ns)
        # A packet that is a little early (its clock is being slewed) is due now: dropping it would be heard.
        placed_ns = max(time_ns, self._next_ns)
        self._next_ns = placed_ns + duration_ns
        blocks.append(Block("audio", placed_ns, keyframe=True, data=frame.frame.data))
        return blocks

    def advance(self, until_ns: int) -> list[Block]:
        """Return silence, in whole packets, up to `until_ns`: nothing more will come for the time before."""
        return self._silence(until_ns - self._start_ns)

    def finish(self, end_ns: int) -> list[Block]:
        """Return silence up to the packet boundary nearest to the end."""
        return self._silence(end_ns - self._start_ns + SILENCE_NS // 2)

    def _silence(self, until_ns: int) -> list[Block]:
        begin_ns = self._next_ns
        times = range(begin_ns, until_ns - SILENCE_NS + 1, SILENCE_NS)
        if not times:
            return []
        self._next_ns = times[-1] + SILENCE_NS
        self._note_gap(begin_ns, self._next_ns)
        return [Block("audio", time_ns, keyframe=True, data=OPUS_SILENCE) for time_ns in times]

    def _note_gap(self, start_ns: int, end_ns: int) -> None:
        if self.gaps and self.gaps[-1].end_ns == start_ns:
            start_ns = self.gaps.pop().start_ns
        self.gaps.append(Gap("audio", start_ns, end_ns))


class VideoGapFiller:
    """One video track without holes: what is missing is black.

    Every black picture is a keyframe, and after black only a keyframe may follow: a delta frame would be
    decoded on top of the black one.
    """

    def __init__(
        self,
        start_ns: int,
        black: bytes,
        patience_ns: int = 2 * NS_PER_SECOND,
        repeat_ns: int = NS_PER_SECOND,
    ) -> None:
        self._start_ns = start_ns
        self._patience_ns = patience_ns
        self._repeat_ns = repeat_ns
        #: The black keyframe, encoded; replace it when the size of the picture changes.
        self.black = black
        #: Spans of black that are over; one that lasts is added when the picture returns or the file ends.
        self.gaps: list[Gap] = []
        #: Delta frames dropped because no picture was there to build on.
        self.dropped = 0
        #: Frames dropped because they were captured before the latest cut, or before the file's beginning.
        self.late = 0
        #: Time of the last block; before the first one, the block due at 0 comes next.
        self._last_ns = -APART_NS
        #: Since when the track is black; None while a picture shows.
        self._black_since_ns: int | None = 0
        self._cut_ns = 0

    @property
    def needs_keyframe(self) -> bool:
        """Whether only a keyframe can bring the picture back: the sender must be asked for one."""
        return self._black_since_ns is not None

    def push(self, frame: TimedFrame) -> list[Block]:
        """Return black where it is due before the frame, then the frame if it can be decoded."""
        time_ns = frame.time_ns - self._start_ns
        if not self._begun and frame.frame.keyframe and 0 <= time_ns <= ALMOST_START_NS:
            return [self._picture(0, frame)]
        blocks = self._advance(time_ns)
        if self._is_wanted(time_ns, frame.frame.keyframe):
            blocks.append(self._picture(time_ns, frame))
        return blocks

    def cut(self, at_ns: int) -> list[Block]:
        """Go black at this very moment (permission over, camera off) and until the next keyframe.

        What was captured before the cut and comes after it is dropped: it would be shown after the cut.
        """
        time_ns = at_ns - self._start_ns
        blocks = self._begin() + self._advance(time_ns)
        self._cut_ns = max(self._cut_ns, time_ns)
        if self._black_since_ns is None:
            blocks.append(self._to_black(time_ns))
        return blocks

    def advance(self, until_ns: int) -> list[Block]:
        """Return black where it is due before `until_ns`: nothing more will come for the time before."""
        return self._advance(until_ns - self._start_ns)

    def finish(self, end_ns: int) -> list[Block]:
        """Return black up to the end, if black shows, so that the picture lasts as long as the sound."""
        end = end_ns - self._start_ns
        blocks = self._begin() + self._advance(end)
        if self._black_since_ns is None:
            return blocks
        if self._last_ns < end - CLOSING_NS:
            blocks.append(self._block(end - CLOSING_NS, self.black))
        self._end_gap(end)
        return blocks

    @property
    def _begun(self) -> bool:
        return self._last_ns >= 0

    def _advance(self, until_ns: int) -> list[Block]:
        if not self._begun and until_ns <= ALMOST_START_NS:
            return []
        blocks = self._begin()
        if self._black_since_ns is None and self._last_ns + self._patience_ns < until_ns:
            blocks.append(self._to_black(self._last_ns + self._patience_ns))
        if self._black_since_ns is not None:
            blocks += self._repeat_black(until_ns)
        return blocks

    def _begin(self) -> list[Block]:
        return [] if self._begun else [self._block(0, self.black)]

    def _repeat_black(self, until_ns: int) -> list[Block]:
        times = range(self._last_ns + self._repeat_ns, until_ns, self._repeat_ns)
        return [self._block(time_ns, self.black) for time_ns in times]

    def _to_black(self, time_ns: int) -> Block:
        block = self._block(time_ns, self.black)
        self._black_since_ns = block.time_ns
        return block

    def _is_wanted(self, time_ns: int, keyframe: bool) -> bool:
        if time_ns < self._cut_ns:
            self.late += 1
            return False
        if self._black_since_ns is not None and not keyframe:
            self.dropped += 1
            return False
        return True

    def _picture(self, time_ns: int, frame: TimedFrame) -> Block:
        block = self._block(time_ns, frame.frame.data, keyframe=frame.frame.keyframe)
        self._end_gap(block.time_ns)
        self._black_since_ns = None
        return block

    def _end_gap(self, end_ns: int) -> None:
        if self._black_since_ns is not None and end_ns > self._black_since_ns:
            self.gaps.append(Gap("video", self._black_since_ns, end_ns))

    def _block(self, time_ns: int, data: bytes, *, keyframe: bool = True) -> Block:
        """Place a block a little after the last one, or where it belongs if it would have to move too far."""
        earliest_ns = self._last_ns + APART_NS
        if earliest_ns - time_ns > MAX_MOVE_NS:
            earliest_ns = (self._last_ns // NS_PER_MS + 1) * NS_PER_MS  # Matroska's times are whole ms
        self._last_ns = max(time_ns, earliest_ns)
        return Block("video", self._last_ns, keyframe, data)
