"""One participant's media path, the stages in order: hold back, gate, gap fillers, muxer, ffmpeg."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from pathlib import Path

from services.recorder.media.ffmpeg import FfmpegError, WebmWriter, black_keyframe
from services.recorder.media.frame import NS_PER_MS, NS_PER_SECOND, Block, TimedFrame
from services.recorder.media.gap_filler import AudioGapFiller, VideoGapFiller
from services.recorder.media.gate import Gate
from services.recorder.media.muxer import MatroskaMuxer

#: How far behind the watermark gaps are filled: what a frame may take from its capture to here.
SETTLE_NS = 500 * NS_PER_MS
#: How long a file's first picture is waited for before black takes its place: its size becomes the file's.
FIRST_PICTURE_NS = NS_PER_SECOND
_DEFAULT_SIZE = (640, 480)
#: Media that may wait in memory for the watermark.
_MAX_HELD_BYTES = 64 * 1024 * 1024


class Pipeline:
    """Takes placed frames, lets pass what was permitted at every moment from capture to arrival, and writes it.

    A frame waits until the watermark has passed its arrival: only then all that was said up to that moment is known.
    """

    def __init__(self, ffmpeg: Path, gate: Gate, writer: WebmWriter, start_ns: int) -> None:
        self._ffmpeg = ffmpeg
        self._gate = gate
        self._writer = writer
        self._start_ns = start_ns
        self._end_ns: int | None = None
        self._ended = False
        self._held: deque[TimedFrame] = deque()
        self._held_bytes = 0
        self._audio = AudioGapFiller(start_ns)
        self._video = VideoGapFiller(start_ns, b"")
        self._muxer: MatroskaMuxer | None = None
        #: Arrival of the newest picture that was let through: where the gate closed since then, the picture ends.
        self._passed_ns = start_ns
        #: Capture of a picture that memory had no room for: nothing may build on it. None: no picture is missing.
        self._missing_since_ns: int | None = None
        #: Frames that were dropped because they were not permitted, and because memory was full.
        self.refused = 0
        self.overflowed = 0

    @property
    def wants_keyframe(self) -> bool:
        """Whether the picture waits for a keyframe that has not arrived yet."""
        return self._video.needs_keyframe and not any(_is_picture(held) for held in self._held)

    def take(self, frames: list[TimedFrame]) -> None:
        """Hold frames back, in the order of their arrival."""
        for frame in frames:
            self._held.append(frame)
            self._held_bytes += len(frame.frame.data)
        while self._held_bytes > _MAX_HELD_BYTES:
            self._overflow(self._release())

    def end_at(self, end_ns: int) -> None:
        """Let the file end at that moment, or at its beginning if that is later."""
        self._end_ns = max(end_ns, self._start_ns)

    def is_complete(self, watermark_ns: int) -> bool:
        """Tell whether everything up to the file's end is known and has arrived."""
        return self._end_ns is not None and watermark_ns >= self._end_ns + SETTLE_NS

    async def advance(self, watermark_ns: int) -> None:
        """Write what the watermark has passed. Raises FfmpegError."""
        if not await self._begin(watermark_ns, patience_ns=FIRST_PICTURE_NS):
            return
        blocks = self._cut_missing()
        while self._held and self._held[0].frame.arrival_ns <= watermark_ns:
            blocks += await self._pass(self._release())
        await self._write(blocks + self._fill(watermark_ns - SETTLE_NS))

    async def finish(self, watermark_ns: int) -> None:
        """Write the rest and end the file where `end_at` said. Raises FfmpegError."""
        assert self._end_ns is not None
        await self._begin(watermark_ns, patience_ns=None)
        await self.advance(watermark_ns)
        await self._write(
            self._cut_if_closed(self._end_ns) + self._video.finish(self._end_ns) + self._audio.finish(self._end_ns)
        )
        self._ended = True
        await self._writer.close()

    async def abort(self) -> None:
        """End ffmpeg if it still runs, whatever becomes of the file."""
        if not self._ended:
            self._ended = True
            with suppress(FfmpegError):
                await self._writer.close()

    async def _begin(self, watermark_ns: int, *, patience_ns: int | None) -> bool:
        """Write the header as soon as the size is known, or has been waited for; tell whether it is written.

        Without patience it is written whatever is known, even if no watermark ever came.
        """
        if self._muxer is None:
            known = [held for held in self._held if held.frame.arrival_ns <= watermark_ns]
            size = next((_size(held) for held in known if _is_picture(held) and self._permits(held)), None)
            if size is None and patience_ns is not None and watermark_ns < self._start_ns + patience_ns:
                return False
            self._video.black, size = await self._first_black(size or _DEFAULT_SIZE)
            self._muxer = MatroskaMuxer(*size)
            await self._writer.write(self._muxer.header())
        return True

    async def _first_black(self, size: tuple[int, int]) -> tuple[bytes, tuple[int, int]]:
        try:
            return await black_keyframe(self._ffmpeg, *size), size
        except ValueError:
            return await black_keyframe(self._ffmpeg, *_DEFAULT_SIZE), _DEFAULT_SIZE

    async def _pass(self, held: TimedFrame) -> list[Block]:
        if held.time_ns < self._start_ns or (self._end_ns is not None and held.time_ns >= self._end_ns):
            return []
        if not self._permits(held):
            self.refused += 1
            return self._without(held)
        if held.frame.kind == "audio":
            return self._audio.push(held)
        return await self._picture(held)

    async def _picture(self, held: TimedFrame) -> list[Block]:
        blocks = self._cut_if_closed(held.frame.arrival_ns)
        self._passed_ns = max(self._passed_ns, held.frame.arrival_ns)
        if held.frame.keyframe:
            with suppress(ValueError):  # a picture beyond all measure: black keeps its size
                self._video.black = await black_keyframe(self._ffmpeg, *_size(held))
        return blocks + self._video.push(held)

    def _without(self, held: TimedFrame) -> list[Block]:
        """Leave a frame out: black from where the gate closed, as nothing may build on a picture that is missing."""
        blocks = self._cut_if_closed(held.frame.arrival_ns)
        if held.frame.kind == "video" and not self._video.needs_keyframe:
            blocks += self._video.cut(held.time_ns)
        return blocks

    def _overflow(self, dropped: TimedFrame) -> None:
        self.overflowed += 1
        if dropped.frame.kind == "video" and self._missing_since_ns is None:
            self._missing_since_ns = dropped.time_ns

    def _cut_missing(self) -> list[Block]:
        missing_ns, self._missing_since_ns = self._missing_since_ns, None
        return [] if missing_ns is None else self._video.cut(max(missing_ns, self._start_ns))

    def _permits(self, held: TimedFrame) -> bool:
        captured_ns = min(held.time_ns, held.frame.first_arrival_ns)
        return self._gate.permits(captured_ns, held.frame.arrival_ns)

    def _fill(self, until_ns: int) -> list[Block]:
        until_ns = self._within(until_ns)
        if until_ns <= self._start_ns:
            return []
        return self._cut_if_closed(until_ns) + self._video.advance(until_ns) + self._audio.advance(until_ns)

    def _cut_if_closed(self, until_ns: int) -> list[Block]:
        until_ns = self._within(until_ns)
        closed_ns = self._gate.first_closed(self._passed_ns, until_ns) if until_ns >= self._passed_ns else None
        return [] if closed_ns is None else self._video.cut(closed_ns)

    def _within(self, until_ns: int) -> int:
        return until_ns if self._end_ns is None else min(until_ns, self._end_ns)

    async def _write(self, blocks: list[Block]) -> None:
        if blocks and self._muxer:
            await self._writer.write(self._muxer.cluster(blocks))

    def _release(self) -> TimedFrame:
        held = self._held.popleft()
        self._held_bytes -= len(held.frame.data)
        return held


def _is_picture(held: TimedFrame) -> bool:
    return held.frame.kind == "video" and held.frame.keyframe


def _size(held: TimedFrame) -> tuple[int, int]:
    return held.frame.width, held.frame.height
