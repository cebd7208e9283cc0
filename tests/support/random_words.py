"""What somebody says at random moments, how late it comes into the log, and how a bus brings that to a recorder.

Times are microseconds of the meeting: words have no finer ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from random import Random
from typing import Literal

Condition = Literal["consent", "presence"]
Span = tuple[int, int]

MS = 1000
SECOND = 1000 * MS
#: Before and after everything.
EVER = 10**12
#: How often the relay looks, and a gateway tells its horizon.
_EVERY = 100 * MS


@dataclass(frozen=True, slots=True)
class Word:
    about: Condition
    at: int
    holds: bool
    #: When it is in the log.
    logged: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the relay publishes: all that was said until `until` is among the first `words` of the log."""

    at: int
    until: int
    words: int


@dataclass(frozen=True)
class Talk:
    """What is said between 0 and `end`, in the order of the log."""

    words: list[Word]
    end: int

    @classmethod
    def of(cls, random: Random, end: int, outages: list[Span]) -> Talk:
        """Say yes and no, again and again; who is there goes and comes back at times.

        In an outage nothing comes into the log until it is over.
        """
        said = list(_toggles(random, "consent", random.randint(4, 16), end))
        said += _toggles(random, "presence", random.choice((0, 0, 1, 2)), end)
        in_order = random.random() < 0.6  # by one gateway, or by several
        words, latest = [], 0
        for about, at, holds in sorted(said, key=lambda word: word[1]):
            logged = _after(outages, at + _lateness(random))
            latest = max(latest, logged) + 1
            words.append(Word(about, at, holds, latest if in_order else logged))
        return cls(sorted(words, key=lambda word: word.logged), end)

    @cached_property
    def closed(self) -> list[Span]:
        """When nothing may be recorded, both ends included, by looking at every moment that was named.

        A span of one condition may overlap those of the other.
        """
        spans: list[Span] = []
        for condition in ("consent", "presence"):
            moments = sorted({-EVER, *(word.at for word in self.words if word.about == condition), EVER})
            for begin, end in pairwise(moments):
                if not self._holds(condition, begin):
                    spans.append((begin, end - 1))
        return spans

    def _holds(self, condition: str, moment: int) -> bool:
        """Tell whether there is a yes that was said by then, and no no by then that was said or heard later than it."""
        said = [each for each in enumerate(self.words) if each[1].about == condition and each[1].at <= moment]
        noes = [(order, word.at) for order, word in said if not word.holds]
        yeses = [(order, word.at) for order, word in said if word.holds]
        return any(all(no < order and at < yes for no, at in noes) for order, yes in yeses)

    def permits(self, begin: float, end: float) -> bool:
        """Tell whether nothing closes any moment of the span."""
        return not any(first <= end and begin < last + 1 for first, last in self.closed)

    def known(self, random: Random, until: int) -> Iterator[Known]:
        """Yield what the relay knows, as often as it looks. It reads horizons before the log, and they are old."""
        for at in range(0, until, _EVERY):
            yield self.known_at(at, at - random.randrange(_EVERY))

    def known_at(self, at: int, looked: int) -> Known:
        """Return what is known of a look at the horizons, and one at the log after it."""
        unlogged = [word.at - 1 for word in self.words if word.at <= looked < word.logged]
        return Known(at, min([looked, *unlogged]), sum(word.logged <= at for word in self.words))


def outages(random: Random, end: int, longest: int) -> list[Span]:
    """Return when something is away: mostly for moments, at times for as long as `longest`."""
    begins = [random.randrange(end) for _ in range(random.choice((0, 1, 1, 2, 4)))]
    return [(begin, begin + random.choice((longest // 20, longest // 3, longest))) for begin in begins]


def _after(outages: list[Span], at: int) -> int:
    for begin, end in sorted(outages):
        if begin <= at < end:
            at = end
    return at


def _toggles(random: Random, about: Condition, number: int, end: int) -> Iterator[tuple[Condition, int, bool]]:
    yield about, -SECOND, True
    for _ in range(number):
        at = random.randrange(end)
        yield about, at, False
        if random.random() < 0.85:
            yield about, at + random.choice((0, 1, MS, 20 * MS, 300 * MS, SECOND)), True


def _lateness(random: Random) -> int:
    return random.choice((0, 1, random.randrange(50 * MS), random.randrange(50 * MS), random.randrange(2 * SECOND)))


def deliveries(random: Random, sent: int, silent: list[Span]) -> Iterator[int]:
    """Yield when a message arrives that is sent then: once, twice or, while the bus is silent, later or never."""
    if any(begin <= sent < end for begin, end in silent) and random.random() < 0.5:
        return
    for _ in range(random.choice((1, 1, 1, 1, 2))):
        yield _after(silent, sent) + random.choice((0, MS, random.randrange(30 * MS), random.randrange(400 * MS)))
