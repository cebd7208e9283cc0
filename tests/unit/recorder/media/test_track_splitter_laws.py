"""Whatever is said and sent, and however the watermark moves: laws of the files of one track."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest

from services.recorder.media.frame import NS_PER_MS, Block, Kind, TimedFrame
from services.recorder.media.gate import Gate
from services.recorder.media.track_splitter import PATIENCE_NS, FileBegins, FileEnds, Step, TrackSplitter
from tests.support.film import START_NS, delta, keyframe, sound

_END_MS = 15_000
#: What a frame may take on its way.
_LATE_MS = 150
_PATIENCE_NS = 10 * _END_MS * NS_PER_MS


@dataclass(frozen=True)
class Meeting:
    """A track's frames in the order of their arrival, the moments at which its gate changes, and a recording's end."""

    kind: Kind
    frames: list[TimedFrame]
    changes: list[int]
    end: int

    def gate(self) -> Gate:
        """Open from the beginning; then closed, open, closed …"""
        gate = Gate()
        gate.say("presence", START_NS - 10**12, holds=True)
        for place, at in enumerate([-60_000, *self.changes]):
            gate.say("consent", START_NS + at * NS_PER_MS, holds=place % 2 == 0)
        return gate

    def is_open(self, begin: int, end: int) -> bool:
        """Tell by looking at every millisecond."""
        return all(sum(at <= moment for at in self.changes) % 2 == 0 for moment in range(begin, end + 1))


def meeting(kind: Kind, random: Random) -> Meeting:
    frames: list[TimedFrame] = []
    at = arrival = -200
    for _ in range(random.randrange(2, 9)):
        for _ in range(random.randrange(1, 120)):
            first = at + random.randrange(_LATE_MS // 2)
            arrival = max(arrival, first + random.randrange(_LATE_MS // 2))
            frames.append(_frame(kind, at, first, arrival, keyframe_=random.random() < 0.3))
            at += 20 if kind == "audio" else 40
        at += random.choice((0, 30, 500, 1800, 1990, 2000, 2010, 3000))
    changes = [random.randrange(_END_MS) for _ in range(random.choice((0, 1, 2, 4, 8)))]
    near = [at + random.choice((1, 5, 50)) for at in changes if random.random() < 0.3]
    return Meeting(kind, frames, sorted({*changes, *near}), random.randrange(_END_MS // 2, _END_MS))


def _frame(kind: Kind, at: int, first: int, arrival: int, *, keyframe_: bool) -> TimedFrame:
    if kind == "audio":
        return sound(at, arrival_ms=arrival)
    if keyframe_:
        return keyframe(at, arrival_ms=arrival)
    return delta(at, first_arrival_ms=first, arrival_ms=arrival)


@dataclass
class Written:
    begin_ns: int
    blocks: list[Block]
    end_ns: int = 0


def at_once(meeting: Meeting) -> list[Written]:
    splitter = TrackSplitter(meeting.kind, meeting.gate(), START_NS, _PATIENCE_NS)
    splitter.take(meeting.frames)
    splitter.end_at(START_NS + meeting.end * NS_PER_MS)
    return files(splitter.advance(START_NS + 10 * _END_MS * NS_PER_MS) + splitter.finish())


def step_by_step(meeting: Meeting, steps_ms: list[int]) -> list[Written]:
    """Hand each frame over as it arrives, and let the watermark follow in these steps, again and again."""
    splitter = TrackSplitter(meeting.kind, meeting.gate(), START_NS, _PATIENCE_NS)
    waiting = list(meeting.frames)
    splitter.end_at(START_NS + meeting.end * NS_PER_MS)
    followed: list[Step] = []
    now = -300
    while waiting or now < meeting.end + 3000:
        now += steps_ms[len(followed) % len(steps_ms)]
        while waiting and _ms(waiting[0].frame.arrival_ns) <= now:
            splitter.take([waiting.pop(0)])
        followed += splitter.advance(START_NS + now * NS_PER_MS)
    return files(followed + splitter.advance(START_NS + now * NS_PER_MS) + splitter.finish())


def files(steps: list[Step]) -> list[Written]:
    """Read the steps: a file begins, has blocks and ends, then perhaps another one."""
    written: list[Written] = []
    is_open = False
    for step in steps:
        match step:
            case FileBegins():
                assert not is_open
                written.append(Written(step.begin_ns, []))
            case Block():
                assert is_open
                written[-1].blocks.append(step)
            case FileEnds():
                assert is_open
                written[-1].end_ns = step.end_ns
        is_open = not isinstance(step, FileEnds)
    assert not is_open
    return written


def expected(meeting: Meeting) -> list[list[bytes]]:
    """Deal the frames out as the rules say, by looking at each and the one before it in its file."""
    dealt: list[list[bytes]] = []
    before: TimedFrame | None = None  # the frame before in the open file
    whole = False  # whether what builds on the frame before can be shown
    for frame in meeting.frames:
        if not 0 <= _ms(frame.time_ns) < meeting.end:
            whole = False
            continue
        captured = min(_ms(frame.time_ns), _ms(frame.frame.first_arrival_ns))
        if not meeting.is_open(captured, _ms(frame.frame.arrival_ns)):
            before = None
            continue
        if before and not _is_of_one_stretch(meeting, before, frame):
            before = None
        if meeting.kind == "video" and not frame.frame.keyframe and not (before and whole):
            continue
        dealt += [] if before else [[]]
        dealt[-1].append(frame.frame.data)
        before, whole = frame, True
    return dealt


def _is_of_one_stretch(meeting: Meeting, before: TimedFrame, frame: TimedFrame) -> bool:
    ended_ns = before.time_ns + (before.frame.duration_ns or 10**9 // 120)
    open_since = meeting.is_open(_ms(before.frame.arrival_ns), _ms(frame.frame.arrival_ns))
    return open_since and frame.time_ns - ended_ns < PATIENCE_NS


def _ms(time_ns: int) -> int:
    return (time_ns - START_NS) // NS_PER_MS


KINDS: tuple[Kind, ...] = ("audio", "video")
MEETINGS = [meeting(kind, Random(seed)) for kind in KINDS for seed in range(40)]
whatever_happens = pytest.mark.parametrize("meeting", MEETINGS, ids=lambda one: one.kind)


@whatever_happens
def test_every_permitted_frame_that_can_be_shown_is_in_one_file_in_order_and_no_other_is(meeting: Meeting) -> None:
    assert [[block.data for block in file.blocks] for file in at_once(meeting)] == expected(meeting)


@whatever_happens
@pytest.mark.parametrize("steps", [[1], [20, 100], [700, 3000, 1]], ids=str)
def test_it_is_the_same_however_the_watermark_moves(meeting: Meeting, steps: list[int]) -> None:
    assert step_by_step(meeting, steps) == at_once(meeting)


@whatever_happens
def test_times_begin_at_nought_and_go_on_in_whole_milliseconds_to_the_end(meeting: Meeting) -> None:
    for file in at_once(meeting):
        times = [block.time_ns // NS_PER_MS for block in file.blocks]
        assert times == sorted(set(times))
        assert times[0] == 0
        assert file.blocks[-1].time_ns < file.end_ns - file.begin_ns


@whatever_happens
def test_files_follow_one_another_and_begin_in_milliseconds_of_their_own(meeting: Meeting) -> None:
    written = at_once(meeting)
    bounds = [bound for file in written for bound in (file.begin_ns, file.end_ns)]
    assert bounds == sorted(bounds)
    begins = [file.begin_ns // NS_PER_MS for file in written]
    assert begins == sorted(set(begins))


@whatever_happens
def test_a_file_begins_with_a_keyframe(meeting: Meeting) -> None:
    assert all(file.blocks[0].keyframe for file in at_once(meeting)), "sound is always one"


@pytest.mark.parametrize("kind", KINDS)
def test_the_meetings_have_files_of_every_number_and_frames_of_every_fate(kind: Kind) -> None:
    """Laws about files hold of none, too."""
    written = [(one, at_once(one)) for one in MEETINGS if one.kind == kind]
    assert {min(3, len(files)) for _, files in written} >= {1, 2, 3}
    shares = [sum(len(file.blocks) for file in files) / len(one.frames) for one, files in written]
    assert min(shares) < 0.3
    assert max(shares) > 0.8
