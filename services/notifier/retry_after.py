"""The header Retry-After (RFC 9110, section 10.2.3). Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Longer than any date.
_LONGEST = 64


def seconds_to_wait(header: str | None, now: datetime) -> float | None:
    """Return how long it asks to wait, in seconds or until a date; None when it does not say."""
    text = (header or "").strip()[:_LONGEST]
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())
