"""What other processes of this machine use, and where they may run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from services.bench.cpu import children, pin, process_seconds
from services.bench.footprint import footprint, proportional_kib

NOBODY = 2**22 + 1


@pytest.fixture
def child() -> Iterator[int]:
    """A process that does nothing."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process.pid
    process.communicate()


def test_cpu_time_is_that_of_the_whole_process() -> None:
    before = time.process_time()
    told = process_seconds(os.getpid())
    after = time.process_time()
    assert before <= told <= after
    assert process_seconds(NOBODY) == 0


def test_children_are_those_that_run(child: int) -> None:
    assert child in children(os.getpid())
    assert children(child) == []
    assert children(NOBODY) == []


def test_a_process_runs_where_it_is_told_to(child: int) -> None:
    cores = os.sched_getaffinity(child)
    one = {min(cores)}
    pin(child, one)
    assert os.sched_getaffinity(child) == one
    pin(NOBODY, one)
    assert os.sched_getaffinity(os.getpid()) == cores


def test_shared_memory_counts_once_for_all_that_share_it(child: int) -> None:
    used = footprint(os.getpid())
    assert 0 < used.proportional_kib <= used.resident_kib
    assert proportional_kib([child]) > 0
    assert proportional_kib([]) == 0
