"""Makes the file of a merge: from its recordings to one whole file in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from services.recorder.adapters.object_store import LocalObjectStore
from services.recorder.merging.arguments import ENCODERS, merge_arguments
from services.recorder.merging.errors import InputLateError
from services.recorder.merging.ffmpeg import check_encoders, run_merge
from services.recorder.merging.inputs import Inputs
from services.recorder.merging.output import Output
from services.recorder.merging.pieces import Piece
from services.recorder.merging.plan import Plan, planned
from services.recorder.process_managers.merges import INPUTS_WITHIN
from shared.contracts.merge import MergedFile, MergeInput, MergeRequested
from shared.eventsourcing.insisting import until_answered
from shared.eventsourcing.store import EventStore

#: Hears how much of the merge is made, in percent.
Report = Callable[[int], None]


class MergeMaker:
    """Makes merges, of one worker."""

    def __init__(self, log: EventStore, objects: LocalObjectStore, ffmpeg: Path, worker_id: str) -> None:
        self._inputs = Inputs(log, objects)
        self._objects = objects
        self._ffmpeg = ffmpeg
        self._worker_id = worker_id

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
        """Return what became of the recordings. Raises InputUnusableError and InputLateError."""
        found = await until_answered(lambda: self._inputs.of(requested), f"the recordings of {requested.merge_id}")
        if isinstance(found, MergeInput):
            # They were waited for before this merge was claimed.
            raise InputLateError(found.participant_recording_id, found.participant_id, INPUTS_WITHIN.total_seconds())
        return found

    def _output(self, requested: MergeRequested) -> Output:
        return Output(self._objects, self._ffmpeg, requested, self._worker_id)
