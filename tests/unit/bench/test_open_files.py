"""A machine that cannot hold so many connections says so before anything is measured."""

from __future__ import annotations

import resource

import pytest

from services.bench.open_files import allow_connections
from shared.runtime.errors import StartupError


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """A machine with a soft limit of 1024 files and a hard one of 5000; what the soft one is set to."""
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 5000))
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: limits.append(both))
    return limits


def test_as_many_files_as_the_machine_allows_may_be_open(limit: list[tuple[int, int]]) -> None:
    assert allow_connections(1000) == 5000
    assert limit == [(5000, 5000)]


def test_a_hard_limit_that_is_too_low_is_told_with_both_numbers() -> None:
    with pytest.raises(
        StartupError, match=r"5000 files open here, and 4900 connections need 5100: raise the hard limit"
    ):
        allow_connections(4900)
