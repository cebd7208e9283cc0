"""The joint between segments: their blocks, which may overlap and have holes between them, become those of one file.

Pure. A segment that follows one that broke off begins with what was written lately, so usually with blocks that the
other one holds as well: each goes in once. What neither holds becomes silence and black, until a picture comes that
needs none before it.
"""

from __future__ import annotations

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Block, EncodedFrame, TimedFrame
from services.recorder.media.gap_filler import APART_NS, CLOSING_NS, SILENCE_NS, AudioGapFiller
from services.recorder.media.payloads.opus import lasts_ns
from services.recorder.media.spans import Span, union

#: How often black is repeated in a hole.
_REPEAT_NS = NS_PER_SECOND
#: How far sound may be ahead of the pictures of a segment.
_AHEAD_NS = NS_PER_SECOND


class Joint:
    """Takes the blocks of one segment after the other. Times are those of the file, ns."""

    def __init__(self, black: bytes) -> None:
        self._black = black
        self._sound = AudioGapFiller(0)
        #: Where the last picture in the file is.
        self._last_ns = -APART_NS
        #: Since when no picture is known to follow the last one; None: what comes builds on what is there.
        self._hole_ns: int | None = 0
        self._silences: list[Span] = []
        self._blacks: list[Span] = []

    @property
    def silences(self) -> list[Span]:
        """When there is silence because no segment held sound."""
        return union(self._silences)

    @property
    def blacks(self) -> list[Span]:
        """The same of pictures."""
        return union(self._blacks)

    def begin_segment(self) -> None:
        """Let what comes be of the next segment."""
        if self._hole_ns is None:
            self._hole_ns = self._last_ns + APART_NS

    def push(self, block: Block) -> list[Block]:
        """Return what goes into the file: nothing, the block, or what has to come before it and the block."""
        return self._hear(block) if block.kind == "audio" else self._see(block)

    def finish(self, end_ns: int) -> list[Block]:
        """Return silence and black up to the end, if the last segment was cut off before it."""
        blocks = self._sound.finish(end_ns)
        if blocks:
            self._silences.append((blocks[0].time_ns, end_ns))
            self.begin_segment()
        if self._hole_ns is None or self._hole_ns >= end_ns - CLOSING_NS:
            return blocks
        self._blacks.append((self._hole_ns, end_ns))
        return [*blocks, *self._fill(end_ns - CLOSING_NS), self._picture(end_ns - CLOSING_NS)]

    def _hear(self, block: Block) -> list[Block]:
        sound = EncodedFrame("audio", 0, 0, 0, block.keyframe, block.data, lasts_ns(block.data) or SILENCE_NS)
        blocks = self._sound.push(TimedFrame(block.time_ns, sound))
        if not blocks:
            return []
        if len(blocks) > 1:
            self._silences.append((blocks[0].time_ns, blocks[-1].time_ns))
        return blocks if self._hole_ns is None else [*self._fill(block.time_ns - _AHEAD_NS), *blocks]

    def _see(self, block: Block) -> list[Block]:
        if block.time_ns <= self._last_ns:
            # The file has it, so what follows builds on what is there; unless black was put in since.
            if self._hole_ns is not None and self._hole_ns > self._last_ns:
                self._hole_ns = None
            return []
        if self._hole_ns is None:
            self._last_ns = block.time_ns
            return [block]
        if not block.keyframe:
            return self._fill(block.time_ns)
        return self._end_hole(self._hole_ns, block)

    def _end_hole(self, hole_ns: int, block: Block) -> list[Block]:
        blocks = self._fill(block.time_ns - APART_NS)
        if blocks or self._last_ns >= hole_ns:
            self._blacks.append((hole_ns, block.time_ns))
        self._hole_ns, self._last_ns = None, block.time_ns
        return [*blocks, block]

    def _fill(self, until_ns: int) -> list[Block]:
        """Return black from where the hole begins, every second, up to just before that moment."""
        assert self._hole_ns is not None
        first_ns = self._hole_ns if self._last_ns < self._hole_ns else self._last_ns + _REPEAT_NS
        return [self._picture(time_ns) for time_ns in range(first_ns, until_ns, _REPEAT_NS)]

    def _picture(self, time_ns: int) -> Block:
        self._last_ns = time_ns // NS_PER_MS * NS_PER_MS
        return Block("video", self._last_ns, keyframe=True, data=self._black)
