"""Laws of clearing, on a log that is decided by the real decider and followed by replicas that lag."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from services.consent.domain.consent import CONSENT, ClearConsent, Consent, ConsentCommand
from services.consent.process_managers.clearing import Session, due, follow
from services.recorder.media.gate import Gate
from services.recorder.moments import nanoseconds
from shared.contracts.consent import ConsentCleared, ConsentEvent, ConsentGiven, SetConsent
from shared.contracts.message import Event
from shared.contracts.recording import RecordingStopped
from shared.contracts.room import ParticipantLeft, SessionStarted
from tests.support.moments import at

IN = {"room_id": "r", "session_id": "s"}


@dataclass
class Replica:
    """A process manager that has come to some place in the log."""

    session: Session | None = None
    position: int = 0


@dataclass
class SimulatedLog:
    """Ann's consent in one session, and what else happens in it."""

    log: list[Event] = field(default_factory=lambda: [SessionStarted(at=at(), **IN, consent_policy="clear")])
    consent: Consent = field(default_factory=Consent)
    replicas: tuple[Replica, Replica] = field(default_factory=lambda: (Replica(), Replica()))

    def decide(self, command: ConsentCommand) -> None:
        events = CONSENT.decide(self.consent, command)
        self.consent = CONSENT.fold(events, self.consent)
        self.log += events

    def advance(self, replica: Replica, events: int = 10_000) -> list[ClearConsent]:
        """Let a replica read on; return what it wants to give then, which may be outdated when it is."""
        page = self.log[replica.position : replica.position + events]
        replica.position += len(page)
        for event in page:
            replica.session = follow(replica.session, event)
        return list(due(replica.session, at())) if replica.session else []

    def settle(self) -> None:
        for replica in self.replicas:
            for command in self.advance(replica):
                self.decide(command)

    @property
    def cleared(self) -> list[ConsentCleared]:
        return [event for event in self.log if isinstance(event, ConsentCleared)]


def said(second: int, *, consent: bool) -> SetConsent:
    return SetConsent(at=at(second), **IN, participant_id="ann", consent=consent)


def left(second: int) -> Event:
    return ParticipantLeft(at=at(second), **IN, participant_id="ann", reason="quit")


def stopped(second: int) -> Event:
    return RecordingStopped(at=at(second), **IN, recording_id="rec", reason="requested")


#: What comes into the log: words, which are decided, and events of other streams.
Arrival = SetConsent | Event
_arrivals: st.SearchStrategy[Arrival] = st.one_of(
    st.builds(lambda second, yes: said(second, consent=yes), st.integers(1, 9), st.booleans()),
    st.builds(left, st.integers(1, 9)),
    st.builds(stopped, st.integers(1, 9)),
)
#: A replica reads so many events on, and gives what it finds due after so many further steps.
_reading = st.tuples(st.integers(0, 1), st.integers(0, 5), st.integers(0, 3))


def play(steps: Iterable[Arrival | tuple[int, int, int]]) -> SimulatedLog:
    simulated = SimulatedLog()
    waiting: list[tuple[int, ClearConsent]] = []
    for n, step in enumerate(steps):
        for _, command in [each for each in waiting if each[0] <= n]:
            simulated.decide(command)
        waiting = [each for each in waiting if each[0] > n]
        match step:
            case SetConsent():
                simulated.decide(step)
            case Event():
                simulated.log.append(step)
            case (replica, events, delay):
                commands = simulated.advance(simulated.replicas[replica], events)
                waiting += [(n + 1 + delay, command) for command in commands]
    for _, command in waiting:
        simulated.decide(command)
    simulated.settle()
    return simulated


_steps = st.lists(st.one_of(_arrivals, _reading), max_size=25)


@given(_steps)
def test_whatever_comes_first_in_the_end_nobody_consents_after_a_cause_or_a_no_that_is_not_older_than_their_yes(
    steps: list[Arrival | tuple[int, int, int]],
) -> None:
    simulated = play(steps)
    yeses = [step.at for step in steps if isinstance(step, SetConsent) and step.consent]
    ends = [step.at for step in steps if isinstance(step, Event) or (isinstance(step, SetConsent) and not step.consent)]
    if not yeses or any(end >= max(yeses) for end in ends):
        assert simulated.consent.answer != "given"


@given(_steps)
def test_once_settled_nothing_is_due(steps: list[Arrival | tuple[int, int, int]]) -> None:
    simulated = play(steps)
    for replica in simulated.replicas:
        assert simulated.advance(replica) == []


@given(_steps)
def test_each_clear_has_the_moment_and_the_reason_of_a_cause_and_is_written_once(
    steps: list[Arrival | tuple[int, int, int]],
) -> None:
    simulated = play(steps)
    causes = {
        (step.at, "left" if isinstance(step, ParticipantLeft) else "recording_stopped")
        for step in steps
        if isinstance(step, Event)
    }
    moments = [event.at for event in simulated.cleared]
    assert {(event.at, event.reason) for event in simulated.cleared} <= causes
    assert len(moments) == len(set(moments))


@given(_steps)
def test_a_clear_ends_the_yes_before_it_in_the_log(steps: list[Arrival | tuple[int, int, int]]) -> None:
    consents = [event for event in play(steps).log if isinstance(event, ConsentEvent)]
    for before, event in zip([None, *consents], consents, strict=False):
        if isinstance(event, ConsentCleared):
            assert isinstance(before, ConsentGiven)
            assert before.at <= event.at


@given(st.lists(_arrivals, max_size=15))
def test_where_words_and_causes_come_in_order_no_moment_after_a_cause_is_consented_to_but_by_a_yes_since(
    arrivals: list[Arrival],
) -> None:
    """A yes of the very moment of a cause is no yes since."""
    in_order = sorted(arrivals, key=lambda each: (each.at, isinstance(each, Event)))
    simulated = SimulatedLog()
    for arrival in in_order:
        if isinstance(arrival, SetConsent):
            simulated.decide(arrival)
        else:
            simulated.log.append(arrival)
        simulated.settle()
    consented = _gate_of(simulated.log)
    for half in range(2, 21):
        past = [each for each in in_order if each.at <= at(half / 2)]
        last_yes = max((each.at for each in past if isinstance(each, SetConsent) and each.consent), default=at())
        ends = (each.at for each in past if isinstance(each, Event) or not each.consent)
        assert consented(half / 2) is (last_yes > max(ends, default=at()))


def _gate_of(log: Iterable[Event]) -> Callable[[float], bool]:
    gate = Gate()
    gate.say("presence", 0, holds=True)
    for event in log:
        if isinstance(event, ConsentEvent):
            gate.say("consent", nanoseconds(event.at), holds=isinstance(event, ConsentGiven))
    return lambda second: gate.permits(nanoseconds(at(second)), nanoseconds(at(second)))
