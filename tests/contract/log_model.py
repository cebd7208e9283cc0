"""A state machine that does anything to a log, and compares it with a plain model."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.eventsourcing.errors import ConcurrencyConflictError, DuplicateEventError
from shared.eventsourcing.event import AppendRequest, NewEvent, StoredEvent
from shared.eventsourcing.store import EventStore, Sequencer
from tests.contract.global_order import assert_streams_in_order, places
from tests.support.events import ids, new_events

#: What every test run can afford; `python -m tests.soak` does more.
QUICK = settings(max_examples=25, stateful_step_count=25)

Result = TypeVar("Result")

_STREAMS = st.sampled_from("abc")
_COUNTS = st.integers(1, 4)
#: How far from its head a stream is expected.
_OFF = st.sampled_from([0, 0, 0, 1, -1])


class LogMachine(RuleBasedStateMachine):
    """A log, whoever uses it, and what it must hold. A subclass gives `open` and `append_and_hear_nothing`."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._life = AsyncExitStack()
        self._prefix = uuid4().hex
        self._streams: dict[str, list[UUID]] = defaultdict(list)
        self._waiting = 0
        self._read: list[StoredEvent] = []
        self._start()
        self.run(self._sequencer.sequence(1_000_000))  # what other examples have left
        self._begin = self.run(self.store.head())

    # --- what a subclass gives

    async def open(self, life: AsyncExitStack) -> EventStore:
        """Return a new store on the log that was there before."""
        raise NotImplementedError

    async def append_and_hear_nothing(self, requests: list[AppendRequest], moment: float, *, server: bool) -> None:
        """Crash, or let the server, at this `moment` of an append, from 0 to 1. Nobody knows whether it was done."""
        raise NotImplementedError

    # --- what is done to the log

    @rule(stream=_STREAMS, off=_OFF, count=_COUNTS)
    def append(self, stream: str, off: int, count: int) -> None:
        request = self._request(stream, off, count)
        if off:
            with pytest.raises(ConcurrencyConflictError) as refusal:
                self.run(self.store.append(request.stream, request.expected, request.events))
            self._is_told_of(refusal.value, request)
            return
        assert self.run(self.store.append(request.stream, request.expected, request.events)) == request.head
        self._accept(request)

    @rule(steps=st.lists(st.tuples(_STREAMS, _OFF, _COUNTS), min_size=1, max_size=3, unique_by=lambda step: step[0]))
    def append_together(self, steps: list[tuple[str, int, int]]) -> None:
        requests = [self._request(*step) for step in steps]
        wrong = sorted((step[0], request) for step, request in zip(steps, requests, strict=True) if step[1])
        if wrong:
            with pytest.raises(ConcurrencyConflictError) as refusal:
                self.run(self.store.append_together(requests))
            self._is_told_of(refusal.value, wrong[0][1])
            return
        self.run(self.store.append_together(requests))
        for request in requests:
            self._accept(request)

    @precondition(lambda self: any(self._streams.values()))
    @rule(stream=_STREAMS, which=st.integers(0, 99))
    def append_what_is_known(self, stream: str, which: int) -> None:
        # Drawn from as many whatever there is: what a crash has left differs from run to run.
        known = [event_id for events in self._streams.values() for event_id in events]
        request = self._request(stream, 0, 2)
        twice = [request.events[0], _with_id(request.events[1], known[which % len(known)])]
        with pytest.raises(DuplicateEventError):
            self.run(self.store.append(request.stream, request.expected, twice))

    @rule(limit=st.integers(1, 6))
    def sequence(self, limit: int) -> None:
        assert self.run(self._sequencer.sequence(limit)) == min(limit, self._waiting)
        self._waiting -= min(limit, self._waiting)

    @rule(limit=st.integers(1, 8))
    def read_on(self, limit: int) -> None:
        """Read a page from where this reader is: it keeps its position, whatever else happens."""
        self._read += self.run(self.store.read_all(self._begin + len(self._read), limit))

    @rule(stream=_STREAMS, after=st.integers(0, 6))
    def read_a_stream(self, stream: str, after: int) -> None:
        assert ids(self.run(self.store.read(self._prefix + stream, after))) == self._known(stream)[after:]

    @rule()
    def restart(self) -> None:
        """Go, and come again as a new store and a new leader."""
        self.run(self._life.aclose())
        self._start()

    @rule(
        steps=st.lists(st.tuples(_STREAMS, _COUNTS), min_size=1, max_size=2, unique_by=lambda step: step[0]),
        moment=st.floats(0, 1),
        server=st.booleans(),
    )
    def crash(self, steps: list[tuple[str, int]], moment: float, *, server: bool) -> None:
        """End in the middle of an append, and learn from the log what became of it: all of it, or nothing."""
        requests = [self._request(stream, 0, count) for stream, count in steps]
        self.run(self.append_and_hear_nothing(requests, moment, server=server))
        self.run(self._life.aclose())
        self._start()
        outcomes = [self._settle(request) for request in requests]
        assert len(set(outcomes)) == 1, "half of an append was done"

    # --- what always holds

    @invariant()
    def what_was_read_has_no_hole_and_keeps_the_order(self) -> None:
        assert places(self._read) == [self._begin + n for n in range(1, len(self._read) + 1)]
        assert_streams_in_order(self._read)

    def teardown(self) -> None:
        try:
            self.run(self._sequencer.sequence(1_000_000))
            self.read_on(1_000_000)
            self.what_was_read_has_no_hole_and_keeps_the_order()
            assert sorted(ids(self._read)) == sorted(known for events in self._streams.values() for known in events)
            for stream in "abc":
                stored = self.run(self.store.read(self._prefix + stream))
                assert ids(stored) == self._known(stream)
                assert stored == [event for event in self._read if event.stream == self._prefix + stream]
        finally:
            self.run(self._life.aclose())
            self._runner.close()

    # --- how

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(work)

    def _start(self) -> None:
        self.store: EventStore = self.run(self.open(self._life))
        self._sequencer: Sequencer = self.run(self._life.enter_async_context(self.store.lead()))

    def _request(self, stream: str, off: int, count: int) -> AppendRequest:
        return AppendRequest(self._prefix + stream, len(self._known(stream)) + off, new_events(count))

    def _known(self, stream: str) -> list[UUID]:
        return self._streams[self._prefix + stream]

    def _accept(self, request: AppendRequest) -> None:
        self._streams[request.stream] += ids(request.events)
        self._waiting += len(request.events)

    def _is_told_of(self, refusal: ConcurrencyConflictError, request: AppendRequest) -> None:
        told = refusal.stream, refusal.expected, refusal.actual
        assert told == (request.stream, request.expected, len(self._streams[request.stream]))

    def _settle(self, request: AppendRequest) -> bool:
        """Ask for the same place: whoever gets it knows that the lost append never will. Tell whether that was done."""
        one_more = AppendRequest(request.stream, request.expected, new_events(1))
        try:
            self.run(self.store.append(one_more.stream, one_more.expected, one_more.events))
        except ConcurrencyConflictError:
            self._accept(request)
            return True
        self._accept(one_more)
        return False


def _with_id(event: NewEvent, event_id: UUID) -> NewEvent:
    return NewEvent(
        event_id, event.type, event.payload, event.occurred_at, event.actor, event.causation_id, event.correlation_id
    )
