"""A meeting in virtual time: what is said, what a bus makes of that, media, and the files that a recorder writes of it.

Log, follower, gates, hold-back, spool, pipelines and muxer are the real ones. What is not there is ffmpeg: its input is
kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path
from random import Random
from typing import Any, TypeVar, cast

import pytest
import structlog

from services.recorder.gates import Gates
from services.recorder.media import frame_queue
from services.recorder.media.black import BlackPictures
from services.recorder.media.frame import EncodedFrame, PictureFormat, TimedFrame
from services.recorder.media.gate import Gate
from services.recorder.media.pipeline import Pipeline
from services.recorder.media.segments import Segments
from services.recorder.media.spool_disk import SpoolDisk
from services.recorder.media.track_pipeline import TrackPipeline, WrittenFile
from services.recorder.media.webm_writer import WebmWriter
from services.recorder.moments import moment, nanoseconds
from services.recorder.watermark import WatermarkGauge
from shared.contracts.consent import ConsentGiven, ConsentWithdrawn
from shared.contracts.message import Event
from shared.contracts.room import ParticipantJoined, ParticipantLeft, SessionStarted
from shared.contracts.watermark import Watermark
from shared.eventsourcing.event import StoredEvent
from shared.messaging.follower import Follower
from shared.messaging.message import Message, contract_message, event_message
from tests.support import vp8
from tests.support.events import as_stored
from tests.support.matroska import read_blocks
from tests.support.random_words import MS, SECOND, Known, Span, Talk, Word, deliveries, outages

START_NS = 1_800_000_000 * 10**9
_END = 8 * SECOND
_SETTLED = 3 * SECOND
_FORMAT = PictureFormat("vp8", 640, 480)
_ABOUT = {"room_id": "r", "session_id": "s", "participant_id": "ann"}
#: Room for so little that an outage of half a second needs pages.
_SMALL = {"_HEAD_BYTES": 12_000, "_PAGE_BYTES": 6_000, "_TAIL_BYTES": 60_000}

_NOWHERE = Path("no-ffmpeg")

Done = TypeVar("Done")
_MediaPath = Pipeline | TrackPipeline


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that was sent, with a number in its bytes; times are microseconds of the meeting."""

    captured: float
    arrival: float
    timed: TimedFrame


class Log:
    """What the relay has sequenced so far."""

    def __init__(self) -> None:
        self.stored: list[StoredEvent] = []

    async def read_all(self, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        return self.stored[after : after + limit]

    def append(self, event: Event) -> StoredEvent:
        stored = as_stored(event, position=len(self.stored) + 1)
        self.stored.append(stored)
        return stored


class Written:
    """Stands for an ffmpeg: keeps what it is given."""

    path = Path("nothing")

    def __init__(self, files: list[bytearray]) -> None:
        self._data = bytearray()
        files.append(self._data)

    def look(self) -> None:
        """Find that all is well."""

    async def write(self, data: bytes) -> None:
        self._data += data

    async def close(self, patience: float = 0) -> None:
        pass


class SlowDisk(SpoolDisk):
    """Does what it is asked at once or some turns of the loop later: with threads, no two runs would be alike."""

    def __init__(self, folder: Path, patience_ns: int, random: Random) -> None:
        super().__init__(folder, 1 << 30, patience_ns)
        self._random = random

    async def do(self, work: Callable[[], Done]) -> Done:
        for _ in range(self._random.choice((0, 0, 1, 5))):
            await asyncio.sleep(0)
        return work()


@dataclass
class Result:
    """What came of a meeting."""

    talk: Talk
    frames: dict[bytes, Frame]
    #: Of sound and picture together, of sound alone, of the picture alone: the frames of their files, in order.
    files: list[list[Frame]] = field(default_factory=list)
    overflowed: list[int] = field(default_factory=list)
    pages: int = 0

    @property
    def withdrawals(self) -> int:
        return sum(not word.holds for word in self.talk.words)

    def forbidden(self) -> list[Frame]:
        """Return the frames in any file that were, at any moment from capture to arrival, not permitted."""
        return [each for file in self.files for each in file if not self.talk.permits(each.captured, each.arrival)]

    def permitted_sounds(self) -> list[Frame]:
        sounds = (each for each in self.frames.values() if each.timed.frame.kind == "audio")
        return [each for each in sounds if self.talk.permits(each.captured, each.arrival)]


@contextmanager
def small_memory() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, size in _SMALL.items():
            patch.setattr(frame_queue, name, size)
        yield


async def recorded(seed: int, folder: Path) -> Result:
    """Live through one meeting."""
    random = Random(seed)
    patience = random.choice((SECOND, 2 * SECOND, 20 * SECOND))
    talk = Talk.of(random, _END, outages(random, _END, patience * 3 // 2))
    recorder = Recorder(folder, patience, random)
    with ExitStack() as stack:
        stack.enter_context(recorder.without_ffmpeg())
        frames = _frames(random)
        await recorder.live(_happenings(random, talk, frames, outages(random, _END, patience * 3 // 2)), talk)
    result = Result(talk, {each.timed.frame.data: each for each in frames}, pages=recorder.pages)
    for files in recorder.files:
        blocks = [block for data in files for block in read_blocks(bytes(data))]
        result.files.append([result.frames[block.data] for block in blocks if block.data in result.frames])
    result.overflowed = [path.counters.overflowed for path in recorder.paths]
    return result


class Recorder:
    """What a worker does for one participant: a recording of sound and picture, and one of each alone."""

    def __init__(self, folder: Path, patience: int, random: Random) -> None:
        self.log, self.gauge, gates = Log(), WatermarkGauge(), Gates()
        self._follower = Follower(cast("Any", self.log), lambda event, _: gates.apply(event))
        self._gates = gates
        self._disk = SlowDisk(folder, patience * 1000, random)
        self._random = random
        self.files: list[list[bytearray]] = [[], [], []]
        self.paths: list[_MediaPath] = []
        #: How many pages were spooled.
        self.pages = 0

    @contextmanager
    def without_ffmpeg(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:

            async def start(_: Path, path: Path, *__: object) -> Written:
                return Written(self.files[int(path.name)])

            patch.setattr(WebmWriter, "start", start)
            yield

    async def live(self, happenings: Iterator[tuple[int, object]], talk: Talk) -> None:
        await self._begin()
        ended, now = False, 0
        for now, what in happenings:
            if now >= _END and not ended:
                ended = True
                for path in self.paths:
                    path.end_at(_ns(_END))
            await self._take(what, now)
        for path in self.paths:
            await path.advance(self.gauge.value_ns)
            await path.finish(self.gauge.value_ns)
            await path.abort()

    async def _begin(self) -> None:
        self.log.append(SessionStarted(at=moment(_ns(-2 * SECOND)), room_id="r", session_id="s", consent_policy="keep"))
        await self._follower.catch_up()
        gate = self._gates.of_file("s", "ann", "one", None)
        pictures = BlackPictures(_NOWHERE)
        pictures._encoded[_FORMAT] = b"black"
        segments = await Segments.start(_NOWHERE, _path_of(0), structlog.get_logger())
        self.paths = [Pipeline(pictures, gate, segments, START_NS, self._disk), *self._tracks(gate)]
        assert isinstance(self.paths[0], Pipeline)
        self.paths[0].expect("vp8")

    def _tracks(self, gate: Gate) -> list[TrackPipeline]:
        async def written(_: WrittenFile) -> None:
            pass

        return [
            TrackPipeline("audio", _NOWHERE, gate, START_NS, self._disk, _path_of(1), written),
            TrackPipeline("video", _NOWHERE, gate, START_NS, self._disk, _path_of(2), written),
        ]

    async def _take(self, what: object, now: int) -> None:
        match what:
            case Message():
                if watermark := await self._follower.hear(what):
                    self.gauge.raise_to(nanoseconds(watermark.at))
            case Known():  # the bus is silent, and the log is looked at
                await self._follower.catch_up(what.words + 1)
                self.gauge.raise_to(_ns(what.until))
            case StoredEvent():
                self.log.stored.append(what)
            case list():
                for path in self.paths:
                    path.take(what)
            case _:
                await self._tick(now)

    async def _tick(self, now: int) -> None:
        for path in self.paths:
            await asyncio.sleep(0)
            await path.advance(self.gauge.value_ns)
            path.expire(_ns(now))
            self.pages += path.waiting.disk_bytes > 0


def _path_of(file: int) -> Callable[[int], Awaitable[Path]]:
    """Return what tells that all segments of a file go to its own place."""

    async def path_of(_: int) -> Path:
        return Path(str(file))

    return path_of


def _happenings(random: Random, talk: Talk, frames: list[Frame], silent: list[Span]) -> Iterator[tuple[int, object]]:
    """Yield what comes to the recorder, and what comes into the log, each with its time, in order."""
    until = max([_END, *(word.logged for word in talk.words), *(end for _, end in silent)]) + _SETTLED
    stored = [as_stored(_event(word), position=place + 2) for place, word in enumerate(talk.words)]
    logged = [(word.logged, each) for word, each in zip(talk.words, stored, strict=True)]
    looks = list(talk.known(random, until))
    messages = [
        (at, message)
        for sent, message in [*_published(looks, stored), *_watermarks(looks)]
        for at in deliveries(random, sent, silent)
    ]
    own = [(at, talk.known_at(at, at)) for at in (random.randrange(until) for _ in range(random.choice((0, 0, 30))))]
    ticks = [(at, None) for at in range(0, until, random.choice((20 * MS, 50 * MS, 100 * MS)))]
    reads = _reads(random, frames)
    each: list[list[tuple[int, object]]] = [logged, messages, own, reads, ticks]  # type: ignore[list-item]
    return merge(*(sorted(some, key=_time) for some in each), key=_time)


def _published(looks: list[Known], stored: list[StoredEvent]) -> Iterator[tuple[int, Message]]:
    published = 0
    for look in looks:
        for event in stored[published : look.words]:
            yield look.at, event_message(event)
        published = max(published, look.words)


def _watermarks(looks: list[Known]) -> Iterator[tuple[int, Message]]:
    newest = 0
    for look in looks:
        newest = max(newest, look.until)
        watermark = Watermark(at=moment(_ns(newest)), global_position=look.words + 1)
        yield look.at, contract_message(watermark, Watermark.type)


def _event(word: Word) -> Event:
    at = moment(_ns(word.at))
    match word.about, word.holds:
        case "consent", True:
            return ConsentGiven(at=at, **_ABOUT)
        case "consent", _:
            return ConsentWithdrawn(at=at, **_ABOUT)
        case _, True:
            return ParticipantJoined(at=at, **_ABOUT, display_name="Ann", role="user")
        case _:
            return ParticipantLeft(at=at, **_ABOUT, reason="quit")


def _frames(random: Random) -> list[Frame]:
    frames = [*_track(random, "audio"), *_track(random, "video")]
    return sorted(frames, key=lambda frame: frame.arrival)


def _track(random: Random, kind: Any) -> Iterator[Frame]:
    every, arrival = (20 * MS, 0.0) if kind == "audio" else (40 * MS, 0.0)
    for number, at in enumerate(range(0, _END, every)):
        captured = at + random.random()
        first = captured + random.randrange(80 * MS)
        arrival = max(arrival, first + random.randrange(60 * MS))
        is_key = kind == "audio" or number == 0 or random.random() < 0.2
        data = _bytes(kind, number, is_key=is_key)
        picture = _FORMAT if kind == "video" and is_key else None
        duration_ns = 20_000_000 if kind == "audio" else 0
        first_ns, arrival_ns = _ns(first), _ns(arrival)
        frame = EncodedFrame(kind, number, first_ns, arrival_ns, is_key, data, duration_ns, picture)
        yield Frame(captured, arrival, TimedFrame(_ns(captured), frame))


def _bytes(kind: str, number: int, *, is_key: bool) -> bytes:
    counter = kind.encode() + number.to_bytes(4, "big")
    if kind == "audio":
        return b"\xf8" + counter
    return (vp8.keyframe() if is_key else vp8.delta_frame()) + counter


def _reads(random: Random, frames: list[Frame]) -> list[tuple[int, list[TimedFrame]]]:
    """Read sockets together, some time after frames came."""
    reads: list[tuple[int, list[TimedFrame]]] = []
    waiting: list[TimedFrame] = []
    due = 0.0
    for frame in frames:
        if waiting and frame.arrival > due:
            reads.append((round(due), waiting))
            waiting = []
        if not waiting:
            due = frame.arrival + random.randrange(20 * MS) + 1
        waiting.append(frame.timed)
    return [*reads, (round(due), waiting)]


def _time(happening: tuple[int, object]) -> int:
    return happening[0]


def _ns(at: float) -> int:
    return START_NS + round(at * 1000)


def totals(results: Sequence[Result]) -> dict[str, int]:
    """Return what there was in all of them, for those who must know that it was not nothing."""
    return {
        "withdrawals": sum(each.withdrawals for each in results),
        "written": sum(len(file) for each in results for file in each.files),
        "spooled": sum(each.pages > 0 for each in results),
        "overflowed": sum(any(each.overflowed) for each in results),
    }
