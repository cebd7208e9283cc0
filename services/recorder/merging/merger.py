"""Makes merges: follows the log, and claims what can be made and nobody makes, one at a time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from services.recorder.domain.merge import ClaimMerge
from services.recorder.merging.job import MergeJob
from services.recorder.merging.maker import Report
from services.recorder.merging.streams import MergeStreams
from services.recorder.process_managers.merges import OpenMerge, follow, follow_unfinished, next_to_claim
from shared.concurrency.clock import Clock
from shared.contracts import actors
from shared.contracts.merge import (
    MergeCancelled,
    MergeClaimed,
    MergeCompleted,
    MergedFile,
    MergeEvent,
    MergeFailed,
    MergeRequested,
)
from shared.contracts.message import Event
from shared.eventsourcing.codec import Context
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.errors import ConcurrencyConflictError, LogUnavailableError
from shared.eventsourcing.event import StoredEvent

_log = structlog.get_logger()

#: How often a merge is looked for that nobody makes any more, or whose claim failed before.
_LOOK_SECONDS = 0.5


class Maker(Protocol):
    """Makes the files of merges."""

    async def make(self, requested: MergeRequested, report: Report) -> MergedFile:
        """Make the file and put it in place, or raise why not. Cancelled, it leaves nothing behind."""
        ...

    async def clear(self, requested: MergeRequested, *, keep_file: bool) -> None:
        """Remove what is left of a merge that is over, by whomever."""
        ...


@dataclass(frozen=True, slots=True)
class Clear:
    """What is left of a merge that is over has to go."""

    requested: MergeRequested
    keep_file: bool


class Merger:
    """Knows every merge that is not over, and makes one of them at a time. Several may run at once."""

    def __init__(self, streams: MergeStreams, maker: Maker, worker_id: str, clock: Clock) -> None:
        self._streams = streams
        self._maker = maker
        self._worker_id = worker_id
        self._clock = clock
        self._open: dict[str, OpenMerge] = {}
        #: What last became of each open merge, as the cause of what is done about it.
        self._causes: dict[str, Context] = {}
        #: Recordings that merges wait for: none is claimed meanwhile, as it would keep others from being made.
        self._unfinished: frozenset[str] = frozenset()
        self._to_clear: dict[str, Clear] = {}
        #: What this worker makes.
        self._job: tuple[str, asyncio.Task[None]] | None = None
        self._runs = False
        self._changed = asyncio.Event()

    def apply(self, event: Event, stored: StoredEvent) -> None:
        """Take the next event of the log."""
        if isinstance(event, MergeEvent):
            self._follow(event, stored)
            self._changed.set()
        elif (unfinished := follow_unfinished(self._unfinished, event)) != self._unfinished:
            self._unfinished = unfinished
            self._changed.set()

    async def run(self) -> None:
        """Claim and make merges, for ever. At the end the one that is being made is let go: another claims it soon."""
        self._runs = True
        try:
            while True:
                self._changed.clear()
                await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._changed.wait()
        finally:
            if self._job:
                self._job[1].cancel()
                await asyncio.wait({self._job[1]})

    def _follow(self, event: MergeEvent, stored: StoredEvent) -> None:
        before = self._open.pop(event.merge_id, None)
        after = follow(before, event)
        self._causes.pop(event.merge_id, None)
        if after:
            self._open[event.merge_id] = after
            self._causes[event.merge_id] = Context(actors.worker(self._worker_id), stored.id, stored.correlation_id)
        elif before and self._runs:
            # What was over before this process began was cleared by those who saw it.
            self._to_clear[event.merge_id] = Clear(before.requested, isinstance(event, MergeCompleted))
        self._let_go(event)

    def _let_go(self, event: MergeEvent) -> None:
        """Stop making what is over, or another's."""
        if self._job is None or self._job[0] != event.merge_id:
            return
        anothers = isinstance(event, MergeClaimed) and event.worker_id != self._worker_id
        if anothers or isinstance(event, MergeCancelled | MergeFailed):
            self._job[1].cancel()

    async def _look(self) -> None:
        """Clear what is left of merges that are over, and claim the next one if this worker makes none."""
        making = self._job[0] if self._job else None
        for each in [each for merge_id, each in self._to_clear.items() if merge_id != making]:
            await self._clear(each)
        now = self._clock()
        if self._job is None and (requested := next_to_claim(self._open.values(), self._unfinished, now)):
            await self._try_to_claim(requested)

    async def _clear(self, left: Clear) -> None:
        self._to_clear.pop(left.requested.merge_id, None)
        try:
            await self._maker.clear(left.requested, keep_file=left.keep_file)
        except OSError as error:
            _log.warning("what is left of a merge stays", merge=left.requested.merge_id, error=str(error))

    async def _try_to_claim(self, requested: MergeRequested) -> None:
        try:
            await self._claim(requested, self._causes[requested.merge_id])
        except RefusedError as error:
            _log.info("merge not claimed", merge=requested.merge_id, reason=str(error))
        except (LogUnavailableError, ConcurrencyConflictError) as error:
            _log.warning("merge will be claimed again", merge=requested.merge_id, reason=str(error))

    async def _claim(self, requested: MergeRequested, context: Context) -> None:
        """Claim it; who else claims it at the same time has not got it."""
        merge_id = requested.merge_id
        about = {"merge_id": merge_id, "set_id": requested.set_id, "worker_id": self._worker_id}
        decided = await self._streams.give(ClaimMerge(**about, at=self._clock()), context)
        if merge_id in self._open and decided.state.is_made_by(merge_id, self._worker_id):
            self._begin(requested, context)

    def _begin(self, requested: MergeRequested, context: Context) -> None:
        job = MergeJob(requested, self._maker.make, self._streams, self._worker_id, self._clock, context)
        task = asyncio.create_task(job.run())
        self._job = requested.merge_id, task
        _log.info("merge claimed", merge=requested.merge_id, layout=requested.layout)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._job = None
        if not task.cancelled() and (error := task.exception()):
            _log.error("merge job failed", error=repr(error))
        self._changed.set()
