"""Between the log's moments (microseconds) and the media path's (nanoseconds). Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def nanoseconds(moment: datetime) -> int:
    """Return the moment as nanoseconds since the Unix epoch."""
    return (moment - _EPOCH) // _MICROSECOND * 1000


def moment(ns: int) -> datetime:
    """Return the moment of a wall-clock time, cut to whole microseconds."""
    return _EPOCH + timedelta(microseconds=ns // 1000)
