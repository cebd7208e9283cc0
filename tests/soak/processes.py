"""Appenders in processes of their own."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import uvloop

from tests.soak.appending import Share, append_share
from tests.soak.ledger import Ledger


async def in_processes(shares: Sequence[Share]) -> list[Ledger]:
    """Do each share in a process; return what they did."""
    loop = asyncio.get_running_loop()
    processes = ProcessPoolExecutor(len(shares), mp_context=multiprocessing.get_context("spawn"))
    try:
        return await asyncio.gather(*(loop.run_in_executor(processes, _append_share, share) for share in shares))
    finally:
        processes.shutdown(wait=False, cancel_futures=True)


def _append_share(share: Share) -> Ledger:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(append_share(share))
