"""What must be in the log is said until it is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from shared.eventsourcing import insisting
from shared.eventsourcing.errors import ConcurrencyConflictError, LogUnavailableError, NothingToAppendError
from shared.eventsourcing.insisting import until_answered

_AWAY, _STORM = LogUnavailableError("connection refused"), ConcurrencyConflictError("s", 1, 2)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0)


def failing(*errors: Exception) -> Callable[[], Awaitable[str]]:
    """Fail with each of these, then be written."""
    left = list(errors)

    async def say() -> str:
        if left:
            raise left.pop(0)
        return "written"

    return say


async def test_what_the_log_does_not_take_is_said_again() -> None:
    assert await until_answered(failing(), "a word") == "written"
    assert await until_answered(failing(_AWAY, _AWAY, _STORM, _STORM, _AWAY), "a word") == "written"


async def test_other_errors_are_the_callers() -> None:
    with pytest.raises(NothingToAppendError):
        await until_answered(failing(_AWAY, NothingToAppendError("s")), "a word")
    with pytest.raises(LogUnavailableError):
        await until_answered(failing(TimeoutError(), _AWAY), "a word", (TimeoutError,))


async def test_it_is_told_once_for_each_change_of_the_reason() -> None:
    with capture_logs() as logs:
        await until_answered(failing(_AWAY, _AWAY, _STORM, _STORM, _AWAY), "a word")
    assert [entry["error"] for entry in logs] == [str(_AWAY), str(_STORM), str(_AWAY)]
    assert {entry["what"] for entry in logs} == {"a word"}
