"""A service as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process

import pytest

_SERVICE = """
import asyncio, sys
from contextlib import asynccontextmanager
from shared.runtime.errors import SettingError
from shared.runtime.process import main, run_process
from shared.runtime.settings import Settings
from shared.runtime.supervision import supervised

@asynccontextmanager
async def service(*_):
    if "unset" in sys.argv:
        raise SettingError("ONRECORD_THING", "is not set")
    async with supervised(work()):
        print("running", flush=True)
        yield
    print("ended in order", flush=True)

async def work():
    if "unset later" in sys.argv:
        raise SettingError("ONRECORD_THING", "is not set")
    await asyncio.Event().wait()

main("test", Settings, service)
"""


async def _start(*arguments: str, **environment: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVICE, *arguments, stdout=PIPE, stderr=PIPE, env=environment
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_that_is_told_to_stop_ends_in_order(number: signal.Signals) -> None:
    process = await _start()
    assert process.stdout
    assert await process.stdout.readline() == b"running\n"

    process.send_signal(number)
    async with asyncio.timeout(20):
        said, complained = await process.communicate()

    assert (process.returncode, said, complained) == (0, b"ended in order\n", b"")


@pytest.mark.parametrize("when", ["unset", "unset later"])
async def test_what_keeps_a_process_from_starting_is_one_sentence_on_stderr(when: str) -> None:
    process = await _start(when)
    async with asyncio.timeout(20):
        _, complained = await process.communicate()

    assert (process.returncode, complained) == (1, b"onrecord: ONRECORD_THING is not set\n")


async def test_a_setting_that_makes_no_sense_is_one_sentence_on_stderr() -> None:
    process = await _start(ONRECORD_HTTP_PORT="eighty")
    async with asyncio.timeout(20):
        _, complained = await process.communicate()

    assert process.returncode == 1
    assert complained.decode().startswith("onrecord: ONRECORD_HTTP_PORT is 'eighty': ")
    assert complained.count(b"\n") == 1
