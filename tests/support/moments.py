"""Moments of a day on which nothing else happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOON = datetime(2030, 5, 17, 12, tzinfo=UTC)


def at(seconds: float = 0) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)
