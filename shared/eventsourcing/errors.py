"""What can go wrong with the log.

EventSourcingError
├── ConcurrencyConflictError   somebody else appended first
├── DuplicateEventError        that event id is stored already
├── NothingToAppendError       an append of no events
├── UnknownEventTypeError      a stored type that this version does not know
├── MalformedEventError        stored bytes that are not that type
├── LogIncompleteError         events that are archived or lost
├── LogUnavailableError        the database does not answer
├── MigrationError             the schema is not the one this version was made for
├── ProjectionMissingError     freshness.py: there is no live one yet
├── ProjectionStoppedError     projection.py: it has come to an event that it cannot read
├── BuildChangedError          projection_builds.py: somebody else changed the build
├── BuildRunningError          projection_runner.py: somebody else is building it
└── ProjectionOutdatedError    projection_runner.py: the live one is of a newer version
"""

from __future__ import annotations


class EventSourcingError(Exception):
    """Something is wrong with the log."""


class ConcurrencyConflictError(EventSourcingError):
    """Somebody else appended to the stream since it was read."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"stream {stream} is at position {actual}, not {expected}: read it again and decide anew")
        self.stream = stream
        self.expected = expected
        self.actual = actual


class DuplicateEventError(EventSourcingError):
    """An event with that id is in the log already."""

    def __init__(self, stream: str, detail: str) -> None:
        super().__init__(f"an event appended to {stream} is stored already: {detail}")
        self.stream = stream


class NothingToAppendError(EventSourcingError):
    """An append without events: it could not be told from one that never was."""

    def __init__(self, stream: str) -> None:
        super().__init__(f"nothing to append to stream {stream}")
        self.stream = stream


class UnknownEventTypeError(EventSourcingError):
    """The log holds an event of a type that this version does not know."""

    def __init__(self, event_type: str, stream: str, position: int) -> None:
        super().__init__(
            f"event {position} of stream {stream} is of type {event_type}, which this version does not know: "
            "was it written by a newer one? Run that one"
        )
        self.event_type = event_type
        self.stream = stream
        self.position = position


class MalformedEventError(EventSourcingError):
    """The stored bytes are not what their type promises."""

    def __init__(self, stream: str, position: int, reason: str) -> None:
        super().__init__(f"event {position} of stream {stream} cannot be read: {reason}")
        self.stream = stream
        self.position = position


class LogIncompleteError(EventSourcingError):
    """The log does not hold what it must hold: a part was archived, or lost."""

    def __init__(self, place: str, expected: int, found: int) -> None:
        super().__init__(
            f"{place} goes on at position {found} where {expected} is expected: attach the archived partition with it"
        )
        self.place = place
        self.expected = expected
        self.found = found


class LogUnavailableError(EventSourcingError):
    """The database did not answer; nothing was written, or the connection was lost before we were told."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the event log does not answer ({reason}): check ONRECORD_DATABASE_URL and the database")
        self.reason = reason


class MigrationError(EventSourcingError):
    """The database schema and this version do not fit."""

    def __init__(self, migration: str, reason: str) -> None:
        super().__init__(f"migration {migration} {reason}; the database is as it was before")
        self.migration = migration
        self.reason = reason
