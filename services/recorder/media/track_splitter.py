"""Where the files of a recording of one track begin and end, and what is in each.

Pure: no I/O and no clock. A file holds one stretch of media: it begins with a frame that was permitted from its capture
to its arrival, in video with a keyframe, and ends when no such frame came for a while, when the gate closed, or
when the codec changes. Nothing is filled in: what is not there is between the files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Block, Kind, PictureFormat, TimedFrame
from services.recorder.media.gap_filler import APART_NS, MAX_MOVE_NS
from services.recorder.media.gate import Gate
from services.recorder.media.hold_back import SETTLE_NS, HoldBack, RecordingCounters
from services.recorder.media.muxer import PICTURE_NS
from services.recorder.media.page import Dropped

#: Media that is away for as long is a stretch of its own when it comes back: the track was muted.
PATIENCE_NS = 2 * NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class FileBegins:
    """The blocks from here on are those of a new file."""

    #: Wall clock of the file's time zero.
    begin_ns: int
    #: Of its first picture; None: it is of sound.
    format: PictureFormat | None


@dataclass(frozen=True, slots=True)
class FileEnds:
    #: Wall clock of the end of its last frame.
    end_ns: int


Step = FileBegins | Block | FileEnds


@dataclass(slots=True)
class _OpenFile:
    """Times are ns since the file's beginning."""

    begin_ns: int
    #: Of its first picture.
    format: PictureFormat | None
    #: Where the last frame begins and ends, and where the next one may begin.
    last_ns: int = 0
    end_ns: int = 0
    free_ns: int = 0

    def can_hold(self, held: TimedFrame) -> bool:
        """Tell whether the frame is of the file's codec; delta frames are of that of their keyframe."""
        begins = held.frame.format
        return begins is None or self.format is None or begins.codec == self.format.codec

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

    def __init__(self, kind: Kind, gate: Gate, start_ns: int, patience_ns: int) -> None:
        self._kind = kind
        self._gate = gate
        self.held = HoldBack(gate, start_ns, patience_ns)
        #: Where the last file ended: the next one begins no earlier.
        self._free_ns = start_ns
        self._file: _OpenFile | None = None
        #: Whether what comes cannot be shown, because what it builds on is not in the file.
        self._needs_keyframe = kind == "video"
        #: Arrival of the newest frame in the file: where the gate closed since then, the file ends.
        self._passed_ns = start_ns
        self._counters = RecordingCounters()

    @property
    def counters(self) -> RecordingCounters:
        """What became of the frames that are in no file."""
        return replace(self._counters, overflowed=self.held.queue.dropped)

    @property
    def wants_keyframe(self) -> bool:
        """Whether a picture waits for a keyframe that has not arrived yet."""
        return self.held.wants_keyframe(is_black=self._needs_keyframe)

    def take(self, frames: list[TimedFrame]) -> None:
        """Hold the frames of this track back, in the order of their arrival; those of the other one are not wanted."""
        self.held.take([frame for frame in frames if frame.frame.kind == self._kind])

    def end_at(self, end_ns: int) -> None:
        """Take nothing that was captured at that moment or later."""
        self.held.end_at(end_ns)

    def is_complete(self, watermark_ns: int) -> bool:
        """Tell whether everything up to the end is known and has arrived."""
        return self.held.is_complete(watermark_ns)

    def advance(self, watermark_ns: int) -> list[Step]:
        """Return what follows from what the watermark has passed, as far as that is not on disk."""
        steps: list[Step] = []
        for each in self.held.release(watermark_ns):
            if isinstance(each, Dropped):
                self._break_chain()
            else:
                steps += self._pass(each)
        return steps + self._end_if_over(watermark_ns - SETTLE_NS) if self.held.is_through(watermark_ns) else steps

    def finish(self) -> list[Step]:
        """Return how it ends; what the watermark has not passed is left out."""
        return self._end_file()

    def break_off(self, begin_ns: int) -> None:
        """Take note that the file that began then can take nothing more: the next frame begins another one."""
        if self._file and self._file.begin_ns == begin_ns:
            self._end_file()

    def _pass(self, held: TimedFrame) -> list[Step]:
        if not self.held.is_wanted(held):
            self._break_chain()
            return []
        if not self.held.permits(held):
            self._counters.refused += 1
            return self._end_file()
        steps = self._end_if_interrupted(held)
        if self._needs_keyframe and not held.frame.keyframe:
            self._counters.baseless += 1
            return steps
        return steps + self._deal(held)

    def _end_if_interrupted(self, held: TimedFrame) -> list[Step]:
        """End the file if the frame is not of its stretch.

        So it is after silence, after a closed gate that no frame fell into, and in another codec.
        """
        if self._file is None:
            return []
        silent_ns = held.time_ns - self._file.begin_ns - self._file.end_ns
        goes_on = silent_ns < PATIENCE_NS and self._file.can_hold(held) and not self._was_closed(held.frame.arrival_ns)
        return [] if goes_on else self._end_file()

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
            self._file = _OpenFile(max(held.time_ns, self._free_ns), held.frame.format)
            steps.append(FileBegins(self._file.begin_ns, self._file.format))
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
