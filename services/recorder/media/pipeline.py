"""One participant's media path, the stages in order: hold back, gate, gap fillers, muxer, ffmpeg."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from services.recorder.media.black import BlackPictures, BlackTrack
from services.recorder.media.flow import SenderFlow
from services.recorder.media.frame import NS_PER_SECOND, Black, Block, Kind, PictureFormat, TimedFrame, VideoCodec
from services.recorder.media.gap_filler import SHORTEST_GAP_NS, AudioGapFiller, VideoGapFiller
from services.recorder.media.gaps import Evidence, gaps, logged
from services.recorder.media.gate import Gate
from services.recorder.media.hold_back import SETTLE_NS, HoldBack, RecordingCounters, is_keyframe, steps
from services.recorder.media.joining import Join
from services.recorder.media.joint import Joint
from services.recorder.media.muxer import MatroskaMuxer
from services.recorder.media.segments import Segments
from services.recorder.media.spans import LongestSpans, Span, union
from shared.contracts.gaps import FileGaps

#: How long a file's first picture is waited for before black takes its place: its size becomes the file's.
FIRST_PICTURE_NS = NS_PER_SECOND
#: The same of a file of somebody whose media is not announced yet, as its codec becomes the file's, too.
ANNOUNCEMENT_NS = 5 * NS_PER_SECOND
#: Where neither a picture nor an announcement tells another one.
_DEFAULT_FORMAT = PictureFormat("vp8", 640, 480)
#: So many times at which memory was full are remembered: the longest.
_MOST_OVERFLOWS = 1000

_Blocks = list[Block | Black]


class Pipeline:
    """Takes placed frames, lets pass what was permitted at every moment from capture to arrival, and writes it.

    While nothing can be written, frames wait in the memory in which they wait for the watermark.
    """

    def __init__(self, pictures: BlackPictures, gate: Gate, segments: Segments, start_ns: int) -> None:
        self._gate = gate
        self._segments = segments
        self._start_ns = start_ns
        self._ended = False
        self._held = HoldBack(gate, start_ns)
        self._audio = AudioGapFiller(start_ns)
        self._video = VideoGapFiller(start_ns, _DEFAULT_FORMAT)
        self._pictures = pictures
        self._black = BlackTrack(pictures)
        self._muxer: MatroskaMuxer | None = None
        self._patience_ns = ANNOUNCEMENT_NS
        #: Arrival of the newest picture that was let through: where the gate closed since then, the picture ends.
        self._passed_ns = start_ns
        #: Capture of a picture that memory had no room for: nothing may build on it. None: no picture is missing.
        self._missing_since_ns: int | None = None
        #: When media that had to wait was captured that memory had no room for.
        self._overflowed = LongestSpans(_MOST_OVERFLOWS)
        #: The same of media that waited because it could not be written.
        self._unwritten = LongestSpans(_MOST_OVERFLOWS)
        #: The last watermark that let media through.
        self._known_ns = start_ns
        self._counters = RecordingCounters()

    @property
    def counters(self) -> RecordingCounters:
        """What became of the frames that are not in the file."""
        return replace(self._counters, late=self._audio.late + self._video.late, baseless=self._video.baseless)

    @property
    def wants_keyframe(self) -> bool:
        """Whether the picture waits for a keyframe that has not arrived yet."""
        needs_keyframe = self._video.needs_keyframe or self._segments.lacks_keyframe
        return needs_keyframe and not self._held.has_keyframe

    @property
    def codec(self) -> VideoCodec | None:
        """What all pictures of the file are encoded in; None: that is open yet."""
        return self._video.format.codec if self._muxer else None

    def expect(self, codec: VideoCodec | None) -> None:
        """Take note that media was announced, with a picture in this codec or without any.

        If no picture tells another one, the file begins in it; one that has begun goes on in its own.
        """
        self._patience_ns = FIRST_PICTURE_NS
        if codec and self._muxer is None:
            self._video.format = replace(self._video.format, codec=codec)

    def take(self, frames: list[TimedFrame]) -> None:
        """Hold frames back, in the order of their arrival."""
        for dropped in self._held.take(frames):
            self._counters.overflowed += 1
            spans = self._overflowed if self._segments.can_be_written else self._unwritten
            spans.add(dropped.time_ns, dropped.time_ns + SHORTEST_GAP_NS)
            if dropped.frame.kind == "video" and self._missing_since_ns is None:
                self._missing_since_ns = dropped.time_ns

    def end_at(self, end_ns: int) -> None:
        """Let the file end at that moment, or at its beginning if that is later."""
        self._held.end_at(end_ns)

    def is_complete(self, watermark_ns: int) -> bool:
        """Tell whether everything up to the file's end is known and has arrived."""
        return self._held.is_complete(watermark_ns)

    async def advance(self, watermark_ns: int) -> None:
        """Write what the watermark has passed, as far as it can be written. Raises FfmpegError where black has none."""
        for known_ns in steps(self._known_ns, watermark_ns, self._held.end_ns):
            if not await self._segments.ready() or not await self._begin(known_ns, patience_ns=self._patience_ns):
                return
            await self._advance(known_ns)

    async def _advance(self, watermark_ns: int) -> None:
        self._known_ns = max(self._known_ns, watermark_ns)
        blocks = self._cut_missing()
        for held in self._held.release(watermark_ns):
            blocks += self._pass(held)
        await self._write(blocks + self._fill(watermark_ns - SETTLE_NS))

    async def finish(self, watermark_ns: int) -> None:
        """Write the rest and end the file where `end_at` said. Raises FfmpegError or OSError if nothing was written."""
        end_ns = self._held.end_ns
        assert end_ns is not None
        await self._segments.insist()
        await self._begin(watermark_ns, patience_ns=None)
        for known_ns in steps(self._known_ns, watermark_ns, self._held.end_ns):
            await self._segments.ready()
            await self._advance(known_ns)
        await self._write([*self._cut_if_closed(end_ns), *self._video.finish(end_ns), *self._audio.finish(end_ns)])
        self._ended = True
        await self._segments.close()

    async def join(self) -> Join | None:
        """Return how the segments become one file, which is over; None: there is one, and all is in it."""
        if self._segments.is_one:
            return None
        assert self._held.end_ns is not None
        assert self._muxer is not None
        joint = Joint(await self._black.of(self._video.format))
        return Join(self._segments.paths, self._muxer, joint, self._held.end_ns - self._start_ns)

    def gaps(self, flow: SenderFlow, join: Join | None = None) -> FileGaps:
        """Return the gaps of the file, which is over, with the reasons that tell from what came of its participant.

        `join` has made one file of its segments.
        """
        assert self._held.end_ns is not None
        holes: dict[Kind, list[Span]] = {
            "audio": self._by_the_clock(join.joint.silences if join else []),
            "video": self._by_the_clock(join.joint.blacks if join else []),
        }
        evidence = self._evidence(flow, self._held.end_ns, holes)
        audio = gaps("audio", union([*self._by_the_clock(self._audio.filled.spans), *holes["audio"]]), evidence)
        video = gaps("video", union([*self._by_the_clock(self._video.filled.spans), *holes["video"]]), evidence)
        return logged(audio + video, self._start_ns, self._audio.filled, self._video.filled)

    async def abort(self) -> None:
        """End ffmpeg if it still runs, whatever becomes of the file."""
        if not self._ended:
            self._ended = True
            await self._segments.abort()

    async def _begin(self, watermark_ns: int, *, patience_ns: int | None) -> bool:
        """Write the header as soon as the format is known, or has been waited for; tell whether it is written.

        Without patience it is written whatever is known, even if no watermark ever came.
        """
        if self._muxer is None:
            known = self._held.known(watermark_ns)
            first = next((held for held in known if is_keyframe(held) and self._held.permits(held)), None)
            if first is None and patience_ns is not None and watermark_ns < self._start_ns + patience_ns:
                return False
            begins = first.frame.format if first else None
            self._video.format = begins or await self._pictures.configured(self._video.format)
            self._muxer = MatroskaMuxer(self._video.format)
            await self._segments.begin(self._muxer)
        return True

    def _pass(self, held: TimedFrame) -> _Blocks:
        if not self._held.is_wanted(held):
            return []
        if not self._held.permits(held):
            self._counters.refused += 1
            return self._without(held)
        return [*self._audio.push(held)] if held.frame.kind == "audio" else self._picture(held)

    def _picture(self, held: TimedFrame) -> _Blocks:
        begins = held.frame.format
        if begins and begins.codec != self._video.format.codec:
            self._counters.other_codec += 1
            return self._without(held)
        blocks = self._cut_if_closed(held.frame.arrival_ns)
        self._passed_ns = max(self._passed_ns, held.frame.arrival_ns)
        self._video.format = begins or self._video.format
        return blocks + self._video.push(held)

    def _without(self, held: TimedFrame) -> _Blocks:
        """Leave a frame out: black from where the gate closed, as nothing may build on a picture that is missing.

        Sound says nothing of that: pictures that came before it may still wait for their times.
        """
        if held.frame.kind == "audio":
            return []
        blocks = self._cut_if_closed(held.frame.arrival_ns)
        return blocks if self._video.needs_keyframe else [*blocks, *self._video.cut(held.time_ns)]

    def _cut_missing(self) -> _Blocks:
        missing_ns, self._missing_since_ns = self._missing_since_ns, None
        return [] if missing_ns is None else self._video.cut(max(missing_ns, self._start_ns))

    def _fill(self, until_ns: int) -> _Blocks:
        until_ns = self._within(until_ns)
        if until_ns <= self._start_ns:
            return []
        return [*self._cut_if_closed(until_ns), *self._video.advance(until_ns), *self._audio.advance(until_ns)]

    def _cut_if_closed(self, until_ns: int) -> _Blocks:
        until_ns = self._within(until_ns)
        closed_ns = self._gate.first_closed(self._passed_ns, until_ns) if until_ns >= self._passed_ns else None
        return [] if closed_ns is None else self._video.cut(closed_ns)

    def _evidence(self, flow: SenderFlow, end_ns: int, holes: Mapping[Kind, list[Span]]) -> Evidence:
        known_ns = min(self._known_ns, end_ns)
        return Evidence(
            file=(self._start_ns, end_ns),
            closed=self._gate.closed(self._start_ns, known_ns),
            not_written={track: union([*self._unwritten.spans, *spans]) for track, spans in holes.items()},
            not_known=union([*self._overflowed.spans, (known_ns, end_ns)]),
            absent=flow.sender.pauses(end_ns),
            off={track: each.pauses(end_ns) for track, each in flow.tracks.items()},
        )

    def _by_the_clock(self, spans: Iterable[Span]) -> list[Span]:
        return [(self._start_ns + begin_ns, self._start_ns + end_ns) for begin_ns, end_ns in spans]

    def _within(self, until_ns: int) -> int:
        return until_ns if self._held.end_ns is None else min(until_ns, self._held.end_ns)

    async def _write(self, blocks: _Blocks) -> None:
        if blocks and self._muxer:
            whole = [await self._encoded(block) if isinstance(block, Black) else block for block in blocks]
            await self._segments.write(whole)

    async def _encoded(self, black: Black) -> Block:
        data = await self._black.of(black.format)
        return Block("video", black.time_ns, keyframe=True, data=data)
