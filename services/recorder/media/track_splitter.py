"""Where the files of a recording of one track begin and end, and what is in each.

Pure: no I/O and no clock. A file holds one stretch of media: it begins with a frame that was permitted from its capture
to its arrival, in video with a keyframe, and ends when no such frame came for a while, or when the gate closed. Nothing
is filled in: what is not there is between the files.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Block, Kind, TimedFrame
from services.recorder.media.gap_filler import APART_NS, MAX_MOVE_NS
from services.recorder.media.gate import Gate
from services.recorder.media.muxer import PICTURE_NS

#: Media that is away for as long is a stretch of its own when it comes back: the track was muted.
PATIENCE_NS = 2 * NS_PER_SECOND
#: What a frame may take from its capture to here: how far behind the watermark it is known that none came.
SETTLE_NS = 500 * NS_PER_MS
#: Media that may wait in memory for the watermark.
_MAX_HELD_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileBegins:
    """The blocks from here on are those of a new file."""

    #: Wall clock of the file's time zero.
    begin_ns: int
    #: Pixels of its first picture; 0 for sound.
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class FileEnds:
    #: Wall clock of the end of its last frame.
    end_ns: int


Step = FileBegins | Block | FileEnds


@dataclass(slots=True)
class _OpenFile:
    """Times are ns since the file's beginning."""

    begin_ns: int
    #: Where the last frame begins and ends, and where the next one may begin.
    last_ns: int = 0
    end_ns: int = 0
    free_ns: int = 0

    def place(self, held: TimedFrame) -> Block:
        """Place a frame where it was captured; a little later if the one before it is not over.

        A frame that would have to move too far follows right after the one before: times must go on, in whole ms.
        """
        frame, time_ns = held.frame, held.time_ns - self.begin_ns
        if self.free_ns - time_ns > MAX_MOVE_NS:
            self.free_ns = (self.last_ns // NS_PER_MS + 1) * NS_PER_MS
        self.last_ns = max(time_ns, self.free_ns)
        self.free_ns = self.last_ns + (frame.duration_ns or APART_NS)
        self.end_ns = self.last_ns + (frame.duration_ns or PICTURE_NS)
        return Block(frame.kind, self.last_ns, frame.keyframe, frame.data)


class TrackSplitter:
    """Holds the frames of one track back until the watermark has passed their arrival, and deals them out to files."""

    def __init__(self, kind: Kind, gate: Gate, start_ns: int) -> None:
        self._kind = kind
        self._gate = gate
        #: What was captured before is not wanted. Files begin no earlier than this, nor than the last one ended.
        self._start_ns = self._free_ns = start_ns
        self._end_ns: int | None = None
        self._held: deque[TimedFrame] = deque()
        self._held_bytes = 0
        self._file: _OpenFile | None = None
        #: Whether what comes cannot be shown, because what it builds on is not in the file.
        self._needs_keyframe = kind == "video"
        #: Arrival of the newest frame in the file: where the gate closed since then, the file ends.
        self._passed_ns = start_ns
        #: Frames that were dropped because they were not permitted, and because memory was full.
        self.refused = 0
        self.overflowed = 0

    @property
    def wants_keyframe(self) -> bool:
        """Whether a picture waits for a keyframe that has not arrived yet."""
        return self._needs_keyframe and not any(held.frame.keyframe for held in self._held)

    def take(self, frames: list[TimedFrame]) -> None:
        """Hold the frames of this track back, in the order of their arrival; those of the other one are not wanted."""
        for frame in frames:
            if frame.frame.kind == self._kind:
                self._held.append(frame)
                self._held_bytes += len(frame.frame.data)
        while self._held_bytes > _MAX_HELD_BYTES:
            self._release()
            self.overflowed += 1
            self._break_chain()

    def end_at(self, end_ns: int) -> None:
        """Take nothing that was captured at that moment or later."""
        self._end_ns = end_ns

    def is_complete(self, watermark_ns: int) -> bool:
        """Tell whether everything up to the end is known and has arrived."""
        return self._end_ns is not None and watermark_ns >= self._end_ns + SETTLE_NS

    def advance(self, watermark_ns: int) -> list[Step]:
        """Return what follows from what the watermark has passed."""
        steps: list[Step] = []
        while self._held and self._held[0].frame.arrival_ns <= watermark_ns:
            steps += self._pass(self._release())
        return steps + self._end_if_over(watermark_ns - SETTLE_NS)

    def finish(self, watermark_ns: int) -> list[Step]:
        """Return the rest; what the watermark has not passed is left out."""
        return self.advance(watermark_ns) + self._end_file()

    def break_off(self, begin_ns: int) -> None:
        """Take note that the file that began then can take nothing more: the next frame begins another one."""
        if self._file and self._file.begin_ns == begin_ns:
            self._end_file()

    def _pass(self, held: TimedFrame) -> list[Step]:
        if not self._is_wanted(held):
            self._break_chain()
            return []
        if not self._permits(held):
            self.refused += 1
            return self._end_file()
        steps = self._end_if_interrupted(held)
        if self._needs_keyframe and not held.frame.keyframe:
            return steps
        return steps + self._deal(held)

    def _is_wanted(self, held: TimedFrame) -> bool:
        return held.time_ns >= self._start_ns and (self._end_ns is None or held.time_ns < self._end_ns)

    def _permits(self, held: TimedFrame) -> bool:
        captured_ns = min(held.time_ns, held.frame.first_arrival_ns)
        return self._gate.permits(captured_ns, held.frame.arrival_ns)

    def _end_if_interrupted(self, held: TimedFrame) -> list[Step]:
        """End the file if the frame is not of its stretch: after silence, or after a closed gate no frame fell into."""
        if self._file is None:
            return []
        silent_ns = held.time_ns - self._file.begin_ns - self._file.end_ns
        closed = self._was_closed(held.frame.arrival_ns)
        return self._end_file() if closed or silent_ns >= PATIENCE_NS else []

    def _end_if_over(self, until_ns: int) -> list[Step]:
        """End the file if nothing that came before `until_ns`, and everything has, can be of its stretch."""
        if self._file is None:
            return []
        silent_ns = until_ns - self._file.begin_ns - self._file.end_ns
        return self._end_file() if silent_ns >= PATIENCE_NS or self._was_closed(until_ns) else []

    def _was_closed(self, until_ns: int) -> bool:
        return until_ns >= self._passed_ns and not self._gate.permits(self._passed_ns, until_ns)

    def _deal(self, held: TimedFrame) -> list[Step]:
        """Put the frame into the file, which begins with it if there is none."""
        steps: list[Step] = []
        if self._file is None:
            self._file = _OpenFile(max(held.time_ns, self._free_ns))
            steps.append(FileBegins(self._file.begin_ns, held.frame.width, held.frame.height))
        self._needs_keyframe = False
        self._passed_ns = max(self._passed_ns, held.frame.arrival_ns)
        return [*steps, self._file.place(held)]

    def _end_file(self) -> list[Step]:
        self._break_chain()
        if self._file is None:
            return []
        self._free_ns = self._file.begin_ns + self._file.end_ns
        self._file = None
        return [FileEnds(self._free_ns)]

    def _break_chain(self) -> None:
        """Let nothing build on a picture that is missing."""
        self._needs_keyframe = self._kind == "video"

    def _release(self) -> TimedFrame:
        held = self._held.popleft()
        self._held_bytes -= len(held.frame.data)
        return held
