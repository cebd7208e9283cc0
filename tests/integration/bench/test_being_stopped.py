"""A bench that is told to end clears away what it has made."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from services.bench.broker import own_virtual_host
from shared.runtime.settings import Settings


@pytest.mark.timeout(180)  # services are processes of their own, on a machine that may be busy
async def test_sigterm_ends_its_services_and_leaves_the_virtual_host_as_it_was(settings: Settings) -> None:
    """Seen to fail without the handler: five services ran on."""
    assert settings.database_url is not None
    assert settings.amqp_url is not None
    environment = {"ONRECORD_DATABASE_URL": settings.database_url, "ONRECORD_AMQP_URL": settings.amqp_url}
    bench = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from services.cli import main; main()",
        *("bench", "signaling", "--only", "starting"),
        env={**os.environ, **environment},
        stderr=PIPE,
    )
    assert bench.stderr is not None
    async with asyncio.timeout(120):
        while b"clients come to" not in (line := await bench.stderr.readline()):
            assert line, "it ended before its services ran"
        started = _children(bench.pid)
        bench.terminate()
        last_words = await bench.stderr.read()
        assert await bench.wait() == 1
    assert b"stopped before everything was measured" in last_words
    assert len(started) == 5
    assert not _running(started)
    async with own_virtual_host(settings.amqp_url):
        pass  # else it would be refused as one that an onrecord uses


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _running(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]
