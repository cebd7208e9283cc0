"""Random words, media and watermarks: the file holds what a model permits that looks at every millisecond."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

import pytest

from services.recorder.media.frame import NS_PER_MS, TimedFrame
from services.recorder.media.gate import Condition
from tests.support.film import START_NS, Film, delta, keyframe, sound
from tests.support.webm import Packet

_END_MS = 12_000
#: What a word may take to the log, and a frame from its capture to its arrival.
_LATE_WORD_MS, _LATE_FRAME_MS = 2000, 150


#: A yes, a no, a yes that ended by itself; for the recording: it goes on, it is paused.
Says = Literal["yes", "no", "lapse"]


@dataclass(frozen=True)
class Word:
    about: Condition | Literal["recording"]
    at: int
    says: Says
    #: When it came into the log.
    told: int


@dataclass(frozen=True)
class Meeting:
    """What was said, in the order of the log, and sent, in the order of arrival."""

    words: list[Word]
    frames: list[TimedFrame]

    def is_open(self, moment: int) -> bool:
        both = self._holds("consent", moment) and self._holds("presence", moment)
        return both and not self._is_paused(moment)

    def permits(self, begin: int, end: int) -> bool:
        return all(self.is_open(moment) for moment in range(begin, end + 1))

    def _holds(self, condition: Condition, moment: int) -> bool:
        """Tell whether a yes up to the moment was followed by nothing that ended it, nor undone by a later-heard no."""
        said = [(order, word) for order, word in enumerate(self.words) if word.about == condition and word.at <= moment]
        noes = [(order, word.at) for order, word in said if word.says == "no"]
        lapse = max((word.at for _, word in said if word.says == "lapse"), default=-_END_MS)
        yeses = [(order, word.at) for order, word in said if word.says == "yes" and word.at > lapse]
        return any(not any(no >= at or later > order for later, no in noes) for order, at in yeses)

    def _is_paused(self, moment: int) -> bool:
        """Tell whether the moment lies in a pause; they are in order here."""
        said = [word for word in self.words if word.about == "recording" and word.at <= moment]
        return bool(said) and said[-1].says == "no"


@pytest.mark.parametrize("seed", range(20))
async def test_the_file_holds_exactly_what_was_permitted_and_can_be_shown(film: Film, seed: int) -> None:
    random = Random(seed)
    meeting = Meeting(_words(random), _frames(random))
    await _live(film, meeting, random)
    packets = await film.end(_END_MS)
    assert _written(packets, meeting, "audio") == _permitted_sounds(meeting)
    assert _written(packets, meeting, "video") == _permitted_pictures(meeting)


def test_the_random_meetings_have_frames_of_every_fate() -> None:
    meetings = [Meeting(_words(random), _frames(random)) for random in map(Random, range(20))]
    shares = [len(_permitted_pictures(meeting)) / (_END_MS / 40) for meeting in meetings]
    assert min(shares) < 0.2
    assert max(shares) > 0.6
    assert any(_permitted_sounds(meeting) for meeting in meetings)


def _words(random: Random) -> list[Word]:
    said = [Word("presence", -100, "yes", told=-100), Word("consent", -100, "yes", told=-100)]
    for _ in range(random.randrange(2, 9)):
        said += _toggle(random, "consent")
    for _ in range(random.randrange(0, 3)):
        said += _toggle(random, "presence")
    return sorted([*said, *_pauses(random)], key=lambda word: word.told)


def _toggle(random: Random, condition: Condition) -> list[Word]:
    """Say no, or let the yes end, and soon after yes, or only one of the two; each is heard of when it is heard of."""
    at = random.randrange(_END_MS)
    pause = random.choice((0, 1, 5, 30, 200, 900))
    end: Says = random.choice(("no", "lapse"))
    words = [
        Word(condition, at, end, told=at + random.randrange(_LATE_WORD_MS)),
        Word(condition, at + pause, "yes", told=at + pause + random.randrange(_LATE_WORD_MS)),
    ]
    return random.choice((words, words, words, words[:1], words[1:]))


def _pauses(random: Random) -> Iterator[Word]:
    """Yield pauses and resumes in turn, in the order in which the log has them."""
    at = told = 0
    for _ in range(random.randrange(0, 3)):
        for says in ("no", "yes"):
            at += random.randrange(1, 2500)
            told = max(told, at + random.randrange(_LATE_WORD_MS))
            yield Word("recording", at, says, told)


def _frames(random: Random) -> list[TimedFrame]:
    sounds = [sound(at, arrival_ms=arrival) for at, _, arrival in _ways(random, 20)]
    pictures = [
        keyframe(at, arrival_ms=arrival)
        if at == 0 or random.random() < 0.15
        else delta(at, first_arrival_ms=first, arrival_ms=arrival)
        for at, first, arrival in _ways(random, 40)
    ]
    return sorted([*sounds, *pictures], key=lambda frame: frame.frame.arrival_ns)


def _ways(random: Random, every_ms: int) -> Iterator[tuple[int, int, int]]:
    """Yield capture, first and last arrival; none overtakes another of its track."""
    arrival = 0
    for at in range(0, _END_MS, every_ms):
        first = at + random.randrange(_LATE_FRAME_MS // 2)
        arrival = max(arrival, first + random.randrange(_LATE_FRAME_MS // 2))
        yield at, first, arrival


async def _live(film: Film, meeting: Meeting, random: Random) -> None:
    """Let time pass in random steps; the watermark stays before every word that is not in the log yet."""
    now, words, frames = -100, list(meeting.words), list(meeting.frames)
    while words or frames:
        now += random.choice((1, 10, 40, 100, 700))
        while words and words[0].told <= now:
            _tell(film, words.pop(0))
        while frames and _ms(frames[0].frame.arrival_ns) <= now:
            film.send(frames.pop(0))
        await film.known_until(min([now, *(word.at - 1 for word in words)]))


def _tell(film: Film, word: Word) -> None:
    at_ns = START_NS + word.at * NS_PER_MS
    if word.about == "recording":
        (film.pauses.begin if word.says == "no" else film.pauses.end)(at_ns)
    elif word.says == "lapse":
        film.gate.lapse(word.about, at_ns)
    else:
        film.say(word.at, word.about, holds=word.says == "yes")


def _permitted_sounds(meeting: Meeting) -> list[TimedFrame]:
    return [frame for frame in meeting.frames if frame.frame.kind == "audio" and _is_permitted(meeting, frame)]


def _permitted_pictures(meeting: Meeting) -> list[TimedFrame]:
    """Return keyframes, and what builds on a frame that is there, if the gate was open all the time since that one."""
    permitted: list[TimedFrame] = []
    before: TimedFrame | None = None
    for frame in (frame for frame in meeting.frames if frame.frame.kind == "video"):
        builds = before is not None and meeting.permits(_ms(before.frame.arrival_ns), _ms(frame.frame.arrival_ns))
        before = frame if _is_permitted(meeting, frame) and (frame.frame.keyframe or builds) else None
        permitted += [before] if before else []
    return permitted


def _is_permitted(meeting: Meeting, frame: TimedFrame) -> bool:
    captured = min(frame.time_ns, frame.frame.first_arrival_ns)
    return meeting.permits(_ms(captured), _ms(frame.frame.arrival_ns))


def _written(packets: list[Packet], meeting: Meeting, kind: str) -> list[TimedFrame]:
    """Return the frames of the file in its order, each as often as it is there."""
    by_data = {frame.frame.data: frame for frame in meeting.frames}
    return [by_data[packet.data] for packet in packets if packet.kind == kind and packet.data in by_data]


def _ms(time_ns: int) -> int:
    return (time_ns - START_NS) // NS_PER_MS
