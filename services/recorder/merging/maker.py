"""Makes the file of a merge: from recordings that may still be being finished to one whole file in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.merging.arguments import ENCODERS, merge_arguments
from services.recorder.merging.errors import InputLateError
from services.recorder.merging.ffmpeg import check_encoders, run_merge
from services.recorder.merging.inputs import Inputs, Piece
from services.recorder.merging.output import Output
from services.recorder.merging.plan import Plan, planned
from shared.contracts.merge import MergedFile, MergeInput, MergeRequested
from shared.eventsourcing.errors import LogUnavailableError
from shared.eventsourcing.store import EventStore
from shared.runtime.clock import Clock

_log = structlog.get_logger()

#: How long recordings that are being finished are waited for, from the moment the merge was asked for.
INPUTS_WITHIN = timedelta(minutes=10)
#: Between looks whether they are.
_LOOK_SECONDS = 0.5

#: Hears how much of the merge is made, in percent.
Report = Callable[[int], None]


class MergeMaker:
    """Makes merges, of one worker."""

    def __init__(self, log: EventStore, objects: LocalObjectStore, ffmpeg: Path, worker_id: str, clock: Clock) -> None:
        self._inputs = Inputs(log, objects)
        self._objects = objects
        self._ffmpeg = ffmpeg
        self._worker_id = worker_id
        self._clock = clock

    async def make(self, requested: MergeRequested, report: Report) -> MergedFile:
        """Make the file and put it in place. Raises MergeError and FfmpegError.

        Cancelled, it leaves nothing behind.
        """
        output = self._output(requested)
        await check_encoders(self._ffmpeg, ENCODERS[requested.layout])
        plan = planned(await self._finished(requested))
        # What workers before us left: this merge is ours now.
        await asyncio.to_thread(output.sweep, keep_file=True)
        try:
            return await self._made(requested, plan, output, report)
        finally:
            output.discard()

    async def clear(self, requested: MergeRequested, *, keep_file: bool) -> None:
        """Remove what is left of a merge that is over."""
        await asyncio.to_thread(self._output(requested).sweep, keep_file=keep_file)

    async def _made(self, requested: MergeRequested, plan: Plan, output: Output, report: Report) -> MergedFile:
        def reached(made_us: int) -> None:
            # 100 is for the file that is in place.
            report(min(99, made_us // 10 // max(plan.duration_ms, 1)))

        argv = merge_arguments(self._ffmpeg, requested.layout, plan, self._objects.path, output.part)
        await run_merge(argv, output.part, reached)
        file = await output.measured(plan)
        # What was deleted meanwhile must not live on in the merge.
        await self._finished(requested)
        return await output.put_in_place(file, plan)

    async def _finished(self, requested: MergeRequested) -> list[Piece]:
        """Wait for the recordings. Raises InputUnusableError and InputLateError."""
        while isinstance(found := await self._look(requested), MergeInput):
            if self._clock() - requested.at >= INPUTS_WITHIN:
                raise InputLateError(
                    found.participant_recording_id, found.participant_id, INPUTS_WITHIN.total_seconds()
                )
            await asyncio.sleep(_LOOK_SECONDS)
        return found

    async def _look(self, requested: MergeRequested) -> list[Piece] | MergeInput:
        """Look what became of the recordings, however long the log takes. Raises InputUnusableError."""
        while True:
            try:
                return await self._inputs.of(requested)
            except LogUnavailableError as error:
                _log.warning("the log does not answer", merge=requested.merge_id, error=str(error))
                await asyncio.sleep(_LOOK_SECONDS)

    def _output(self, requested: MergeRequested) -> Output:
        return Output(self._objects, self._ffmpeg, requested, self._worker_id)
