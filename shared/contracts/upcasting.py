"""Upcasting: what was written in an older version, read as the newest one.

A version that is no longer written stays in the registry, to be loaded from the log. Its step here turns it into the
next version; nothing behind `upcast` ever sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shared.contracts.message import Event

#: By the old version's contract, what it becomes one version further. No version has been superseded yet.
UPCASTS: Mapping[type[Event], Callable[[Any], Event]] = {}


def upcast(event: Event) -> Event:
    """Return the event in the version that is written today."""
    while step := UPCASTS.get(type(event)):
        event = step(event)
    return event
