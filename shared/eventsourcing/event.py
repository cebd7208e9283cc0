"""An event before and after it is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from shared.eventsourcing.errors import NothingToAppendError


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that was decided and waits to be appended."""

    id: UUID
    #: Wire type with version, for instance `consent.given.v1`.
    type: str
    #: The exact bytes that were decided; they are never written anew.
    payload: bytes
    occurred_at: datetime
    #: Who said so, for instance `participant:alice`.
    actor: str
    #: The message that led to it, and the first one of the whole chain.
    causation_id: UUID
    correlation_id: UUID


@dataclass(frozen=True, slots=True)
class AppendRequest:
    """What is to be appended to a stream, and the position after which. Raises NothingToAppendError."""

    stream: str
    #: 0: a new stream.
    expected: int
    events: Sequence[NewEvent]

    def __post_init__(self) -> None:
        if not self.events:
            raise NothingToAppendError(self.stream)

    @property
    def head(self) -> int:
        """Where the stream is once this is appended."""
        return self.expected + len(self.events)


def in_stream_order(requests: Iterable[AppendRequest]) -> list[AppendRequest]:
    """Return the requests sorted by stream, as two appenders that lock them so never wait for each other in a circle.

    Raises ValueError when one is named twice.
    """
    ordered = sorted(requests, key=lambda request: request.stream)
    for one, next_one in pairwise(ordered):
        if one.stream == next_one.stream:
            raise ValueError(f"stream {one.stream} is named twice in one append: join its events in one request")
    return ordered


class StoredEvent(NamedTuple):
    """An event as the log holds it. A tuple, because a replay makes millions of them."""

    stream: str
    #: Place in its stream, from 1, without holes.
    position: int
    #: Place in the log, from 1, without holes. None until the sequencer has given it.
    global_position: int | None
    id: UUID
    type: str
    payload: bytes
    occurred_at: datetime
    actor: str
    causation_id: UUID
    correlation_id: UUID
