"""Ids of events, drawn where they are made."""

from __future__ import annotations

import os
from time import time_ns
from uuid import UUID


def new_event_id() -> UUID:
    """Return an id that sorts by time, so that indexes on ids grow at their end: RFC 9562 section 5.7, version 7."""
    milliseconds = time_ns() // 1_000_000
    bits = milliseconds << 80 | int.from_bytes(os.urandom(10))
    return UUID(int=bits & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62)
