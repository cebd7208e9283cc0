"""Silence and black for every gap, so that both tracks of the file always flow.

Pure: no I/O and no clock; time comes in as arguments. Times that come in are wall clock (ns since the Unix
epoch), times that go out count from the beginning of the file (ns).

Both tracks must flow because ffmpeg holds one track back, without bound, while the other one is silent.
"""

from __future__ import annotations

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Black, Block, PictureFormat, TimedFrame
from services.recorder.media.spans import LongestSpans

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
#: How often black is written again. ffmpeg keeps sound to itself until a picture comes after it: whoever has their
#: camera off loses so much more when everything is killed. A black of 640x480 has 544 bytes.
REPEAT_NS = 500 * NS_PER_MS
#: What is filled for a shorter time is told to nobody: silence between two packets of Opus that is silent itself lasts
#: 400 ms (RFC 6716 section 2.1.9), and what is lost or late for a moment is hardly noticed.
SHORTEST_GAP_NS = 500 * NS_PER_MS
#: So many of them are told of each track: the longest.
_MOST_GAPS = 1000


class AudioGapFiller:
    """One audio track without holes: what is missing is silence."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        #: Where the next sound is due.
        self._next_ns = 0
        #: When the file holds silence.
        self.filled = LongestSpans(_MOST_GAPS, SHORTEST_GAP_NS)
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
        times = range(self._next_ns, until_ns - SILENCE_NS + 1, SILENCE_NS)
        begin_ns, self._next_ns = self._next_ns, self._next_ns + SILENCE_NS * len(times)
        self.filled.add(begin_ns, self._next_ns)
        return [Block("audio", time_ns, keyframe=True, data=OPUS_SILENCE) for time_ns in times]


class VideoGapFiller:
    """One video track without holes: what is missing is black.

    Every black picture is a keyframe, and after black only a keyframe may follow: a delta frame would be
    decoded on top of the black one.
    """

    def __init__(
        self,
        start_ns: int,
        picture_format: PictureFormat,
        patience_ns: int = 2 * NS_PER_SECOND,
        repeat_ns: int = REPEAT_NS,
    ) -> None:
        self._start_ns = start_ns
        self._patience_ns = patience_ns
        self._repeat_ns = repeat_ns
        #: Of black; replace it when the size of the picture changes.
        self.format = picture_format
        #: When the file holds black; the present one, if there is, is not among them.
        self.filled = LongestSpans(_MOST_GAPS, SHORTEST_GAP_NS)
        #: Delta frames dropped because no picture was there to build on.
        self.baseless = 0
        #: Frames dropped because they were captured before the latest cut, or before the file's beginning.
        self.late = 0
        #: Time of the last block; before the first one, the block due at 0 comes next.
        self._last_ns = -APART_NS
        #: Whether a picture shows no more, or none did yet.
        self._is_black = True
        #: When the newest black began.
        self._black_ns = 0
        self._cut_ns = 0

    @property
    def needs_keyframe(self) -> bool:
        """Whether only a keyframe can bring the picture back: the sender must be asked for one."""
        return self._is_black

    def push(self, frame: TimedFrame) -> list[Block | Black]:
        """Return black where it is due before the frame, then the frame if it can be decoded."""
        time_ns = frame.time_ns - self._start_ns
        if not self._begun and frame.frame.keyframe and 0 <= time_ns <= ALMOST_START_NS:
            return [self._picture(0, frame)]
        blocks = self._advance(time_ns)
        if self._is_wanted(time_ns, frame.frame.keyframe):
            blocks.append(self._picture(time_ns, frame))
        return blocks

    def cut(self, at_ns: int) -> list[Block | Black]:
        """Go black at this very moment (permission over, camera off) and until the next keyframe.

        What was captured before the cut and comes after it is dropped: it would be shown after the cut.
        """
        time_ns = at_ns - self._start_ns
        blocks = self._begin() + self._advance(time_ns)
        self._cut_ns = max(self._cut_ns, time_ns)
        if not self._is_black:
            blocks.append(self._to_black(time_ns))
        return blocks

    def advance(self, until_ns: int) -> list[Block | Black]:
        """Return black where it is due before `until_ns`: nothing more will come for the time before."""
        return self._advance(until_ns - self._start_ns)

    def finish(self, end_ns: int) -> list[Block | Black]:
        """Return black up to the end, if black shows, so that the picture lasts as long as the sound."""
        end = end_ns - self._start_ns
        blocks = self._begin() + self._advance(end)
        if self._is_black and self._last_ns < end - CLOSING_NS:
            blocks.append(self._black(end - CLOSING_NS))
        if self._is_black:
            self.filled.add(self._black_ns, end)
        return blocks

    @property
    def _begun(self) -> bool:
        return self._last_ns >= 0

    def _advance(self, until_ns: int) -> list[Block | Black]:
        if not self._begun and until_ns <= ALMOST_START_NS:
            return []
        blocks = self._begin()
        if not self._is_black and self._last_ns + self._patience_ns < until_ns:
            blocks.append(self._to_black(self._last_ns + self._patience_ns))
        if self._is_black:
            blocks += self._repeat_black(until_ns)
        return blocks

    def _begin(self) -> list[Block | Black]:
        return [] if self._begun else [self._black(0)]

    def _repeat_black(self, until_ns: int) -> list[Block | Black]:
        times = range(self._last_ns + self._repeat_ns, until_ns, self._repeat_ns)
        return [self._black(time_ns) for time_ns in times]

    def _to_black(self, time_ns: int) -> Black:
        self._is_black = True
        black = self._black(time_ns)
        self._black_ns = black.time_ns
        return black

    def _is_wanted(self, time_ns: int, keyframe: bool) -> bool:
        if time_ns < self._cut_ns:
            self.late += 1
            return False
        if self._is_black and not keyframe:
            self.baseless += 1
            return False
        return True

    def _picture(self, time_ns: int, frame: TimedFrame) -> Block:
        placed_ns = self._place(time_ns)
        if self._is_black:
            self.filled.add(self._black_ns, placed_ns)
        self._is_black = False
        return Block("video", placed_ns, frame.frame.keyframe, frame.frame.data)

    def _black(self, time_ns: int) -> Black:
        return Black(self._place(time_ns), self.format)

    def _place(self, time_ns: int) -> int:
        """Place a picture a little after the last one, or where it belongs if it would have to move too far."""
        earliest_ns = self._last_ns + APART_NS
        if earliest_ns - time_ns > MAX_MOVE_NS:
            earliest_ns = (self._last_ns // NS_PER_MS + 1) * NS_PER_MS  # Matroska's times are whole ms
        self._last_ns = max(time_ns, earliest_ns)
        return self._last_ns
