"""A process manager's rules: pure functions from what happened to the commands that are due.

A command is due until the event that it leads to has been seen. So nothing is lost when one fails or the process
restarts, and one that is given twice must write nothing the second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from shared.contracts.message import Event

State = TypeVar("State")
Asked = TypeVar("Asked")


def _never(_: object) -> None:
    return None


def _not_at_all(_: object) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Process(Generic[State, Asked]):
    """One process manager's rules. There is a state for each key."""

    #: What an event is about, for instance its session; None: nothing that matters here.
    key_of: Callable[[Event], str | None]
    #: The state after an event; None: there is none, or none any more; the very same one: nothing has changed.
    follow: Callable[[State | None, Event], State | None]
    #: What should be given now. What it says changes only when its state does, or at `next_at`.
    due: Callable[[State, datetime], Iterable[Asked]]
    #: The stream that a command is decided on.
    stream_of: Callable[[Asked], str]
    #: From when on time alone makes something due.
    next_at: Callable[[State], datetime | None] = _never
    #: Whether it is over, owes nothing, and is kept for late events alone, as long as there is room.
    rests: Callable[[State], bool] = _not_at_all
