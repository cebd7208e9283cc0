"""How far numbers are settled: nothing at or below that one is pending, or will be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eventsourcing.sequencer import SettledNumbers

_BATCH = 3


@dataclass
class Log:
    """Appends in every stage, as a database lets a sequencer see them."""

    drawn: int = 0
    #: Each appender's numbers, from before it draws the first until its commit can be seen.
    under_way: dict[str, list[int]] = field(default_factory=dict)
    pending: set[int] = field(default_factory=set)
    #: Those whose outcome is decided and who are still seen as being under way.
    leaving: list[str] = field(default_factory=list)
    begun: int = 0

    def begins(self, _: int) -> None:
        self.begun += 1
        self.under_way[f"appender-{self.begun}"] = []

    def draws(self, which: int) -> None:
        if appender := self._one(which):
            self.drawn += 1
            self.under_way[appender].append(self.drawn)

    def commits(self, which: int) -> None:
        if appender := self._one(which):
            self.pending.update(self.under_way[appender])
            self._decided(appender)

    def aborts(self, which: int) -> None:
        if appender := self._one(which):
            self._decided(appender)

    def leaves(self, which: int) -> None:
        if self.leaving:
            del self.under_way[self.leaving.pop(which % len(self.leaving))]

    def may_still_come(self) -> set[int]:
        return self.pending.union(*self.under_way.values())

    def _decided(self, appender: str) -> None:
        self.under_way[appender] = []
        self.leaving.append(appender)

    def _one(self, which: int) -> str | None:
        undecided = [appender for appender in self.under_way if appender not in self.leaving]
        return undecided[which % len(undecided)] if undecided else None


def sequencing(log: Log, settled: SettledNumbers) -> Iterator[None]:
    """Sequence for ever, one step at a time: between two, everybody else may do anything."""
    while True:
        drawn = log.drawn
        yield
        settled.look(drawn, frozenset(log.under_way))
        for _ in range(2):
            yield
            waiting = len([number for number in log.pending if number > settled.number][:_BATCH])
            yield
            log.pending -= set(sorted(number for number in log.pending if number > settled.number)[:waiting])
            if waiting < _BATCH:
                settled.swept()


#: Hypothesis prefers short lists, in which nobody gets far.
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begins", "draws", "draws", "commits", "aborts", "leaves", *["sequences"] * 6]),
        st.integers(0, 5),
    ),
    min_size=40,
    max_size=60,
)


@settings(max_examples=150)
@given(steps=_STEPS)
def test_no_number_that_may_still_come_is_ever_settled(steps: list[tuple[str, int]]) -> None:
    """Seen to fail when a sweep settles what was awaited, and when a look takes new numbers for those awaited."""
    log, settled = Log(), SettledNumbers()
    sequencer = sequencing(log, settled)
    for action, which in steps:
        if action == "sequences":
            next(sequencer)
        else:
            getattr(log, action)(which)
        assert settled.number < min(log.may_still_come(), default=settled.number + 1), (action, log)


@settings(max_examples=60)
@given(steps=_STEPS)
def test_once_nobody_appends_everything_is_sequenced_and_settled(steps: list[tuple[str, int]]) -> None:
    log, settled = Log(), SettledNumbers()
    sequencer = sequencing(log, settled)
    for action, which in steps:
        _ = next(sequencer) if action == "sequences" else getattr(log, action)(which)
    while len(log.under_way) > len(log.leaving):
        log.commits(0)
    while log.leaving:
        log.leaves(0)
    for _ in range(60 * (log.drawn + 1)):
        next(sequencer)

    assert not log.pending
    assert settled.number == log.drawn


def test_new_appenders_all_the_time_do_not_keep_numbers_from_being_settled() -> None:
    """Seen to fail when a look awaits whoever appends by then."""
    settled = SettledNumbers()
    for look in range(10):
        settled.look(100 * look, frozenset({f"appender-{look}", f"appender-{look + 1}"}))
        settled.swept()

    assert settled.number == 600


def test_one_who_appends_for_long_holds_back_the_numbers_drawn_since_and_no_event() -> None:
    settled = SettledNumbers()
    for drawn in (10, 20, 30):
        settled.look(drawn, frozenset({"slow"}))
        settled.swept()
    assert settled.number == 0

    settled.look(40, frozenset())
    settled.swept()

    assert settled.number == 10
