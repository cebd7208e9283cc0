"""One merge in the hands of this worker, from the claim to its end or to the claim's loss."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.recorder.domain.merge import (
    CompleteMerge,
    FailMerge,
    MergeCommand,
    ReportMergeProgress,
)
from services.recorder.merging.errors import reason_of
from services.recorder.merging.maker import Report
from services.recorder.merging.streams import MergeStreams
from shared.concurrency.clock import Clock
from shared.contracts.merge import MergedFile, MergeRequested
from shared.eventsourcing.codec import Context
from shared.eventsourcing.decider import RefusedError
from shared.eventsourcing.insisting import until_answered

_log = structlog.get_logger()

#: How often the claim is renewed: it holds for 15 s.
_RENEW_SECONDS = 4.0

#: Makes the file and puts it in place, and tells how far it is.
Make = Callable[[MergeRequested, Report], Awaitable[MergedFile]]


class MergeJob:
    """Makes one merge, says now and then that it does, and says how it ended. Cancelled, it says nothing."""

    def __init__(
        self,
        requested: MergeRequested,
        make: Make,
        streams: MergeStreams,
        worker_id: str,
        clock: Clock,
        context: Context,
    ) -> None:
        self.merge_id = requested.merge_id
        self._requested = requested
        self._make = make
        self._streams = streams
        self._about = {"merge_id": requested.merge_id, "set_id": requested.set_id, "worker_id": worker_id}
        self._context = context
        self._clock = clock
        self._percent = 0

    async def run(self) -> None:
        """Make it, as long as it is ours."""
        making, keeping = asyncio.create_task(self._work()), asyncio.create_task(self._keep())
        try:
            await asyncio.wait({making, keeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            making.cancel()
            keeping.cancel()
            await asyncio.wait({making, keeping})
        for ended in (making, keeping):
            if not ended.cancelled():
                ended.result()

    async def _work(self) -> None:
        end = await self._end()
        if await self._give(end):
            _log.info("merge ended", merge=self.merge_id, how=type(end).__name__)

    async def _end(self) -> CompleteMerge | FailMerge:
        try:
            file = await self._make(self._requested, self._reached)
        except Exception as error:  # noqa: BLE001  whatever it is, the log must know that there will be no file
            # The whole of it is said here alone: the log's reason is shown to servers.
            _log.exception("merge failed", merge=self.merge_id, error=str(error))
            return FailMerge(**self._about, at=self._clock(), reason=reason_of(error))
        return CompleteMerge(**self._about, at=self._clock(), file=file)

    def _reached(self, percent: int) -> None:
        self._percent = max(self._percent, percent)

    async def _keep(self) -> None:
        """Say now and then that we live, until that is no news any more: the merge is over, or another's."""
        ours = True
        while ours:
            await asyncio.sleep(_RENEW_SECONDS)
            ours = await self._give(ReportMergeProgress(**self._about, at=self._clock(), percent=self._percent))

    async def _give(self, command: MergeCommand) -> bool:
        """Tell the log, however long that takes; False when the merge is over, or another's."""
        what = f"{type(command).__name__} of {self.merge_id}"
        try:
            await until_answered(lambda: self._streams.give(command, self._context), what)
        except RefusedError as error:
            _log.info("merge is not ours any more", merge=self.merge_id, reason=str(error))
            return False
        return True
