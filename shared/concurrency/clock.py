"""The wall clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

#: What a service asks for the time. Tests hand in their own.
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)
